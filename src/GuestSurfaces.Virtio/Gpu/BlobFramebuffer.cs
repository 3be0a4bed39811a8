// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// What SET_SCANOUT_BLOB says about the picture in a blob, and how a 2D resource's picture lies in its pages. Only plane 0: all eight formats are packed.
/// </summary>
/// <param name="Size">Of the framebuffer.</param>
/// <param name="Format">Opaque: a screen ignores alpha.</param>
/// <param name="OffsetBytes">Where its first row starts.</param>
/// <param name="StrideBytes">From row to row.</param>
internal readonly record struct BlobFramebuffer(BufferSize Size, DrmFormat Format, uint OffsetBytes, uint StrideBytes)
{
    /// <summary>Checks the guest's numbers, in 64 bits.</summary>
    /// <param name="body">As it came.</param>
    /// <param name="blobBytes">The blob's size.</param>
    /// <param name="limits">The guest's.</param>
    /// <param name="framebuffer">The picture.</param>
    /// <param name="visible">The part to show.</param>
    public static bool TryCheck(in SetScanoutBlobBody body, ulong blobBytes, Limits limits, out BlobFramebuffer framebuffer, out BufferRect visible)
    {
        framebuffer = default;
        visible = default;
        if (body.Width == 0 || body.Height == 0 || body.Width > (uint)limits.MaxDimension || body.Height > (uint)limits.MaxDimension)
            return false;
        var size = new BufferSize((int)body.Width, (int)body.Height);
        if (!VirtioGpuFormats.TryToDrm(body.Format, out var format) || !IsVisible(body.Rect, size, limits))
            return false;
        if (body.Stride0 < (ulong)body.Width * VirtioGpuFormats.BytesPerPixel || body.Stride0 > int.MaxValue)
            return false;

        // The last visible byte, not the framebuffer's: Linux puts several outputs' parts into one blob that ends with the last of them.
        var rect = body.Rect;
        var end = body.Offset0
            + ((ulong)rect.Y * body.Stride0) + ((ulong)rect.X * VirtioGpuFormats.BytesPerPixel)
            + ((ulong)(rect.Height - 1) * body.Stride0) + ((ulong)rect.Width * VirtioGpuFormats.BytesPerPixel);
        if (end > blobBytes)
            return false;
        framebuffer = new BlobFramebuffer(size, format.Opaque, body.Offset0, body.Stride0);
        visible = rect.ClipTo(size);
        return true;
    }

    /// <summary>Whether a rectangle can be shown: inside the framebuffer, and not smaller than a screen.</summary>
    public static bool IsVisible(GpuRect rect, BufferSize size, Limits limits) =>
        rect.Width >= (uint)limits.MinScanoutSide && rect.Height >= (uint)limits.MinScanoutSide && rect.FitsIn(size);

    /// <summary>Where a pixel starts in the blob.</summary>
    public ulong OffsetOf(int x, int y) => OffsetBytes + ((ulong)(uint)y * StrideBytes) + ((ulong)(uint)x * VirtioGpuFormats.BytesPerPixel);
}
