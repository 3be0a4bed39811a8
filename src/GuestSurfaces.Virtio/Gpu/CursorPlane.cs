// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// The cursors of all scanouts. Commands are noted first and shown once the queue is empty: of a hundred moves in one batch the display sees the last.
/// An image is copied when it is shown, so the guest may free its resource right after. Source: virtio 1.3 §5.7.6.10.
/// </summary>
internal sealed class CursorPlane
{
    /// <summary>The image of a blob has no geometry: drivers' cursors are of this size, without padding.</summary>
    private const int BlobSide = 64;

    private readonly Cursor[] _cursors;
    private readonly Limits _limits;
    private readonly IGuestDisplay _display;
    private readonly HostPixelBudget _budget;
    private readonly GuestStatistics _statistics;

    public CursorPlane(int scanouts, Limits limits, IGuestDisplay display, HostPixelBudget budget, GuestStatistics statistics)
    {
        _cursors = new Cursor[scanouts];
        _limits = limits;
        _display = display;
        _budget = budget;
        _statistics = statistics;
    }

    /// <summary>UPDATE_CURSOR: notes image and place.</summary>
    public VirtioGpuResponse Update(in CursorBody body, GpuResources resources)
    {
        if (body.ScanoutId >= (uint)_cursors.Length)
            return VirtioGpuResponse.InvalidScanoutId;
        GpuResource? resource = null;
        if (body.ResourceId != 0)
        {
            resource = resources.Find(body.ResourceId);
            if (resource is null)
                return VirtioGpuResponse.InvalidResourceId;
            if (!IsCursor(resource))
                return VirtioGpuResponse.InvalidParameter;
        }

        ref var cursor = ref _cursors[body.ScanoutId];
        cursor.ImageChanged = true;
        cursor.Image = resource;
        cursor.HotX = (int)Math.Min(body.HotX, int.MaxValue);
        cursor.HotY = (int)Math.Min(body.HotY, int.MaxValue);
        return Place(ref cursor, in body);
    }

    /// <summary>MOVE_CURSOR: notes the place. Its resource is the one shown already, which may be gone.</summary>
    public VirtioGpuResponse Move(in CursorBody body) =>
        body.ScanoutId >= (uint)_cursors.Length ? VirtioGpuResponse.InvalidScanoutId : Place(ref _cursors[body.ScanoutId], in body);

    /// <summary>Shows what was noted.</summary>
    /// <returns>Whether anything was.</returns>
    public bool Show(GuestMemory memory)
    {
        var any = false;
        for (var i = 0; i < _cursors.Length; i++)
        {
            ref var cursor = ref _cursors[i];
            any |= cursor.Moved;
            if (cursor.ImageChanged)
                ShowImage(i, ref cursor, memory);
            else if (cursor.Moved)
                _display.MoveCursor(i, cursor.X, cursor.Y);
            cursor.ImageChanged = false;
            cursor.Moved = false;
            cursor.Image = null;
        }

        return any;
    }

    /// <summary>Hides all cursors.</summary>
    public void Reset()
    {
        for (var i = 0; i < _cursors.Length; i++)
        {
            ref var cursor = ref _cursors[i];
            if (cursor.Pixels is not null)
                _display.SetCursor(i, default, 0, 0);
            cursor.Pixels?.Drop();
            cursor = default;
        }
    }

    private VirtioGpuResponse Place(ref Cursor cursor, in CursorBody body)
    {
        cursor.Moved = true;

        // Off every screen is far enough: what a display adds to it then never wraps.
        cursor.X = Math.Clamp(body.X, -_limits.MaxDimension, _limits.MaxDimension);
        cursor.Y = Math.Clamp(body.Y, -_limits.MaxDimension, _limits.MaxDimension);
        return VirtioGpuResponse.OkNoData;
    }

    private bool IsCursor(GpuResource resource) => resource switch
    {
        Resource2D { Size: var size } => size.Width <= _limits.MaxCursorSide && size.Height <= _limits.MaxCursorSide,
        GuestBlobResource blob => blob.Backing is not null && blob.SizeBytes >= BlobSide * BlobSide * VirtioGpuFormats.BytesPerPixel,
        _ => false,
    };

    private void ShowImage(int scanout, ref Cursor cursor, GuestMemory memory)
    {
        if (cursor.Image is not { } resource)
        {
            _display.SetCursor(scanout, default, cursor.X, cursor.Y);
            return;
        }

        var size = resource is Resource2D { Size: var known } ? known : new BufferSize(BlobSide, BlobSide);
        if (cursor.Pixels?.Size != size)
        {
            cursor.Pixels?.Drop();
            cursor.Pixels = new StorageRotation("guest-surfaces-cursor", size, _budget, prepaid: false, _statistics);
        }

        if (cursor.Pixels.BeginWrite(size.Whole) is not { } storage || !TryCopy(resource, memory, storage.Pixels!, cursor.Pixels.SizeBytes))
            return; // the picture before stays: better than none
        _statistics.BytesCopied += (long)cursor.Pixels.SizeBytes;
        storage.Lock();
        var image = new CursorImage(storage, size, Math.Min(cursor.HotX, size.Width - 1), Math.Min(cursor.HotY, size.Height - 1));
        _display.SetCursor(scanout, in image, cursor.X, cursor.Y);
    }

    private static bool TryCopy(GpuResource resource, GuestMemory memory, SharedRegion destination, ulong lengthBytes)
    {
        if (resource is not Resource2D image)
            return resource.Backing!.TryCopyTo(memory, 0, destination, 0, lengthBytes);
        image.BringHome(memory);
        if (!image.Pixels.TryEnsure() || !SharedRegion.TryCopy(image.Pixels.Current!.Pixels!, 0, destination, 0, lengthBytes))
            return false;
        CursorPixels.ToArgb(destination, (int)lengthBytes, image.Format);
        return true;
    }

    private struct Cursor
    {
        public StorageRotation? Pixels;
        public GpuResource? Image;
        public bool ImageChanged;
        public bool Moved;
        public int X;
        public int Y;
        public int HotX;
        public int HotY;
    }
}
