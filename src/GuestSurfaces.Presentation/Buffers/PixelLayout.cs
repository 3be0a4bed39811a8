// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>Where a view's bytes are. All in u64: offsets and strides are the guest's.</summary>
internal static class PixelLayout
{
    /// <summary>Bytes of a pixel in the formats of a virtio-gpu scanout; 0 for others, which can't be cut or converted.</summary>
    /// <param name="format">The format.</param>
    public static uint BytesPerPixel(DrmFormat format)
    {
        var opaque = format.Opaque;
        return opaque == DrmFormat.Xrgb8888 || opaque == DrmFormat.Xbgr8888 || opaque == DrmFormat.Rgbx8888 || opaque == DrmFormat.Bgrx8888 ? 4u : 0u;
    }

    /// <summary>Where a rectangle's first pixel is in plane 0.</summary>
    /// <param name="view">The view.</param>
    /// <param name="rect">Inside the view.</param>
    public static ulong OffsetBytes(BufferView view, BufferRect rect)
    {
        var plane = view.Plane(0);
        return plane.OffsetBytes + ((ulong)rect.Y * plane.StrideBytes) + ((ulong)rect.X * BytesPerPixel(view.Format));
    }

    /// <summary>Whether whole rows, from a rectangle's first pixel on, end inside the storage: how both protocols measure a buffer.</summary>
    /// <param name="view">The view.</param>
    /// <param name="rect">Inside the view.</param>
    /// <param name="limitBytes">The end.</param>
    public static bool RowsFit(BufferView view, BufferRect rect, ulong limitBytes)
    {
        var plane = view.Plane(0);
        return plane.StrideBytes >= (ulong)rect.Width * BytesPerPixel(view.Format)
            && OffsetBytes(view, rect) + ((ulong)rect.Height * plane.StrideBytes) <= limitBytes;
    }
}
