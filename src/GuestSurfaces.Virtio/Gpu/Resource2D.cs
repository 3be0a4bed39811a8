// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// A resource with host pixels: the guest draws into its pages and says which rectangles to copy. The host pixels are what is presented, unless the pages are
/// (an alias): as long as every rectangle has its place in the pages where it has it in the picture, a transfer then copies nothing.
/// </summary>
internal sealed class Resource2D : GpuResource
{
    private static readonly RungReport s_noPages = new(
        Rung.Copy, "2D resource without pages: there is nothing to alias", "a driver that attaches pages before it shows a resource, as Linux's does");

    private static readonly RungReport s_fewPages = new(
        Rung.Copy, "2D resource with fewer pages than its picture has", "a driver that attaches pages for all of a resource, as Linux's does");

    private static readonly RungReport s_elsewhere = new(
        Rung.Copy,
        "2D resource whose picture isn't in its pages: the guest transferred it from other places, or from pages that are gone",
        "a driver that keeps the picture in the pages in one piece, as Linux's does; a transfer of the whole picture from its place makes an alias possible again");

    private readonly GuestStatistics _statistics;

    /// <summary>Whether anything was ever transferred.</summary>
    private bool _transferred;

    /// <summary>Whether the host pixels have something that the pages haven't.</summary>
    private bool _isElsewhere;

    /// <summary>Whether the pages have something that the host pixels haven't: it was transferred while they were an alias.</summary>
    private bool _isAway;

    /// <summary>Makes a resource.</summary>
    /// <param name="id">The guest's number.</param>
    /// <param name="size">In pixels, checked.</param>
    /// <param name="format">As the guest named it.</param>
    /// <param name="budget">Charged already for one storage.</param>
    /// <param name="statistics">Where to count.</param>
    public Resource2D(uint id, BufferSize size, DrmFormat format, HostPixelBudget budget, GuestStatistics statistics)
        : base(id)
    {
        _statistics = statistics;
        Format = format;
        Pixels = new StorageRotation("guest-surfaces-2d", size, budget, prepaid: true, statistics);
        View = new BufferView(size, format.Opaque, DrmModifier.Linear, 0, Pixels.StrideBytes);
    }

    /// <summary>In pixels.</summary>
    public BufferSize Size => Pixels.Size;

    /// <summary>As the guest named it: cursors have alpha.</summary>
    public DrmFormat Format { get; }

    /// <summary>How a scanout reads it: a screen is opaque.</summary>
    public BufferView View { get; }

    /// <summary>The host pixels.</summary>
    public StorageRotation Pixels { get; }

    /// <summary>How the picture lies in the pages, if it does.</summary>
    public BlobFramebuffer Framebuffer => new(Size, View.Format, 0, Pixels.StrideBytes);

    /// <summary>Shows its pages from now on, if that is possible.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="exporter">Makes a buffer of them.</param>
    /// <returns>The rung and its reason.</returns>
    public RungReport Alias(GuestMemory memory, IGuestBufferExporter exporter) =>
        Backing is not { } backing ? s_noPages
        : backing.LengthBytes < Pixels.SizeBytes ? s_fewPages
        : _isElsewhere ? s_elsewhere
        : Export.Try(memory, backing, Pixels.SizeBytes, exporter);

    /// <summary>Brings the host pixels up to date with pages that were an alias. Whoever reads the host pixels calls it first.</summary>
    /// <param name="memory">The guest's. What is gone from there is tried again the next time.</param>
    public void BringHome(GuestMemory memory)
    {
        if (!_isAway || Backing is not { } backing || Pixels.BeginWrite(Size.Whole) is not { } storage || !backing.TryCopyTo(memory, 0, storage.Pixels!, 0, Pixels.SizeBytes))
            return;
        _isAway = false;
        _statistics.BytesCopied += (long)Pixels.SizeBytes;
    }

    /// <summary>TRANSFER_TO_HOST_2D: copies a rectangle once, from scattered guest pages straight to where it is presented from.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="rect">Where to, inside the size.</param>
    /// <param name="offset">Where the first row begins in the guest's pages; rows follow at the resource's own stride. Source: virtio 1.3 §5.7.6.8.</param>
    public VirtioGpuResponse Transfer(GuestMemory memory, BufferRect rect, ulong offset)
    {
        if (Backing is not { } backing)
            return VirtioGpuResponse.Unspecified;
        if (rect.IsEmpty)
            return VirtioGpuResponse.OkNoData;

        ulong stride = Pixels.StrideBytes;
        var rowBytes = (ulong)rect.Width * VirtioGpuFormats.BytesPerPixel;
        var span = (stride * (ulong)(rect.Height - 1)) + rowBytes;
        if (offset > backing.LengthBytes || span > backing.LengthBytes - offset)
            return VirtioGpuResponse.InvalidParameter;
        var destinationOffset = OffsetOf(rect);
        var inPlace = offset == destinationOffset;
        _transferred = true;
        if (Export.Storage is not null)
        {
            if (inPlace)
            {
                _isAway = true;
                return VirtioGpuResponse.OkNoData;
            }

            Export.Forget();
            _statistics.SourceRung = s_elsewhere;
        }

        BringHome(memory);
        if (Pixels.BeginWrite(rect) is not { } storage)
            return VirtioGpuResponse.OutOfMemory;
        _isElsewhere = !inPlace || (_isElsewhere && rect != Size.Whole);
        IsUnreadable = !backing.TryCopyRows(memory, offset, stride, storage.Pixels!, destinationOffset, stride, rowBytes, rect.Height);
        if (IsUnreadable)
            return VirtioGpuResponse.InvalidParameter;
        _statistics.BytesCopied += (long)rowBytes * rect.Height;
        return VirtioGpuResponse.OkNoData;
    }

    /// <inheritdoc/>
    public override void Detach()
    {
        _isElsewhere = _transferred;
        _isAway = false;
        base.Detach();
    }

    /// <inheritdoc/>
    public override void Destroy()
    {
        base.Destroy();
        Pixels.Drop();
    }

    private ulong OffsetOf(BufferRect rect) => ((ulong)rect.Y * Pixels.StrideBytes) + ((ulong)rect.X * VirtioGpuFormats.BytesPerPixel);
}
