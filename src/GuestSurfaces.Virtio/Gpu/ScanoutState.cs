// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>One scanout: what it shows, and the next frame of it while that is being put together.</summary>
internal sealed class ScanoutState
{
    private readonly HostPixelBudget _budget;
    private readonly GuestStatistics _statistics;
    private BufferView? _view;
    private StorageRotation? _copies;
    private BackingList? _copiedPages;
    private bool _wasDirect;

    public ScanoutState(HostPixelBudget budget, GuestStatistics statistics)
    {
        _budget = budget;
        _statistics = statistics;
    }

    /// <summary>What it shows; null while it is off.</summary>
    public GpuResource? Resource { get; private set; }

    /// <summary>How the picture lies in the resource.</summary>
    public BlobFramebuffer Framebuffer { get; private set; }

    /// <summary>Whether the display can't show guest pages of this shape.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Why copies are shown though its pages could be; null: they are. The display's word, which outlives a driver.</summary>
    public RungReport? CopiesBecause { get; set; }

    /// <summary>The part of the framebuffer that it shows.</summary>
    public BufferRect Visible { get; private set; }

    /// <summary>Whether the display has yet to see anything of what it shows now: until then all of it counts as damaged.</summary>
    public bool IsWholeOwed { get; private set; }

    /// <summary>When to show it even if no flush comes; <see cref="long.MaxValue"/> for never.</summary>
    public long WholeDueNs { get; set; } = long.MaxValue;

    /// <summary>When the command that owes it was popped.</summary>
    public long WholePoppedNs { get; private set; }

    /// <summary>The last frame handed to the display; 0 before the first.</summary>
    public ulong LastSerial { get; set; }

    /// <summary>The last frame that was settled.</summary>
    public ulong SettledSerial { get; set; }

    /// <summary>The frame under way. A field, so that a flush on several scanouts can be held before the first of them is presented.</summary>
    public GuestFrame Next;

    /// <summary>Shows a part of a 2D resource.</summary>
    /// <returns>False if it does already.</returns>
    public bool Show(Resource2D resource, BufferRect visible, long poppedNs)
    {
        if (Resource == resource && Visible == visible)
            return false;
        DropCopies();
        _view = resource.View;
        Framebuffer = resource.Framebuffer;
        Set(resource, visible, poppedNs);
        return true;
    }

    /// <summary>Shows a picture in a blob. A flip to another blob of the same shape keeps the view and the storages: nothing is allocated for it.</summary>
    /// <returns>False if it does already.</returns>
    public bool Show(GuestBlobResource blob, in BlobFramebuffer framebuffer, BufferRect visible, long poppedNs)
    {
        var sameShape = Resource is GuestBlobResource && Framebuffer == framebuffer && Visible == visible;
        if (sameShape && Resource == blob)
            return false;
        if (!sameShape)
        {
            DropCopies();
            _view = null;
            Framebuffer = framebuffer;
        }

        Set(blob, visible, poppedNs);
        return true;
    }

    /// <summary>What it shows has to be shown whole, whatever was damaged.</summary>
    public void Owe(long poppedNs)
    {
        WholePoppedNs = poppedNs;
        IsWholeOwed = true;
    }

    /// <summary>Turns it off.</summary>
    public void Clear()
    {
        DropCopies();
        Resource = null;
        Visible = default;
        IsWholeOwed = false;
        WholeDueNs = long.MaxValue;
        _view = null;
        Framebuffer = default;
        IsRefused = false;
        _wasDirect = false;
    }

    /// <summary>Puts the next frame together: locks its storage and, on the copy rung of blobs, copies the damaged rows.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="damage">In framebuffer pixels, inside <see cref="Visible"/>, not empty.</param>
    /// <returns>OkNoData, and the frame is ready; or why not.</returns>
    public VirtioGpuResponse Prepare(GuestMemory memory, BufferRect damage)
    {
        Next = default;
        var direct = IsRefused || CopiesBecause is not null ? null : Resource?.Export.Storage;
        if ((direct is not null) != _wasDirect)
            damage = Visible; // the storage changes with the rung
        var response = Resource switch
        {
            { } resource when direct is not null => PrepareDirect(resource, direct, damage),
            Resource2D resource => Prepare2D(resource, memory, damage),
            GuestBlobResource blob => PrepareCopy(blob, memory, damage),
            _ => VirtioGpuResponse.Unspecified,
        };
        if (response == VirtioGpuResponse.OkNoData)
        {
            Next.Storage!.Lock();
            IsWholeOwed = false;
            WholeDueNs = long.MaxValue;
            _wasDirect = direct is not null;
        }

        return response;
    }

    private VirtioGpuResponse Prepare2D(Resource2D resource, GuestMemory memory, BufferRect damage)
    {
        if (!resource.Pixels.TryEnsure())
            return VirtioGpuResponse.OutOfMemory;
        resource.BringHome(memory);
        Next.Storage = resource.Pixels.Current!;
        Next.View = _view!;
        Next.Source = Visible;
        Next.Damage.Add(damage);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse PrepareDirect(GpuResource resource, BufferStorage exported, BufferRect damage)
    {
        if (_copies is not null)
        {
            DropCopies();
            _view = null;
        }

        resource.Export.Shape = Framebuffer;
        Next.Storage = exported;
        _view ??= new BufferView(Framebuffer.Size, Framebuffer.Format, DrmModifier.Linear, Framebuffer.OffsetBytes, Framebuffer.StrideBytes);
        Next.View = _view;
        Next.Source = Visible;
        Next.Damage.Add(damage);
        return VirtioGpuResponse.OkNoData;
    }

    private VirtioGpuResponse PrepareCopy(GuestBlobResource blob, GuestMemory memory, BufferRect damage)
    {
        if (blob.Backing is not { } backing)
            return VirtioGpuResponse.Unspecified;
        if (_copies is null)
        {
            _copies = new StorageRotation("guest-surfaces-blob", Visible.Size, _budget, prepaid: false, _statistics);
            _view = new BufferView(Visible.Size, Framebuffer.Format, DrmModifier.Linear, 0, _copies.StrideBytes);
        }

        // Other pages have other pixels everywhere: Linux 6.1 flips with the damage of the picture alone.
        if (_copiedPages != backing)
            damage = Visible;
        var local = damage.Offset(-Visible.X, -Visible.Y);
        if (_copies.BeginWrite(local) is not { } storage)
            return VirtioGpuResponse.OutOfMemory;
        var rowBytes = (ulong)local.Width * VirtioGpuFormats.BytesPerPixel;
        var destination = ((ulong)local.Y * _copies.StrideBytes) + ((ulong)local.X * VirtioGpuFormats.BytesPerPixel);
        blob.IsUnreadable = !backing.TryCopyRows(
            memory, Framebuffer.OffsetOf(damage.X, damage.Y), Framebuffer.StrideBytes, storage.Pixels!, destination, _copies.StrideBytes, rowBytes, local.Height);
        if (blob.IsUnreadable)
        {
            _copiedPages = null;
            return VirtioGpuResponse.InvalidParameter;
        }

        _statistics.BytesCopied += (long)rowBytes * local.Height;
        _copiedPages = backing;
        Next.Storage = storage;
        Next.View = _view!;
        Next.Source = Visible.Size.Whole;
        Next.Damage.Add(local);
        return VirtioGpuResponse.OkNoData;
    }

    private void Set(GpuResource resource, BufferRect visible, long poppedNs)
    {
        Resource = resource;
        Visible = visible;
        Owe(poppedNs);
    }

    private void DropCopies()
    {
        _copies?.Drop();
        _copies = null;
        _copiedPages = null;
    }
}
