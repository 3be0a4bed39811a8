// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Link.Viewer;

/// <summary>Whether a view lies inside its storage, as far as its format says where its pixels are.</summary>
internal static class ViewCheck
{
    private const int BytesPerPixel = 4;

    /// <summary>Looks for a reason to turn a view down.</summary>
    /// <param name="view">The source's word; its sizes are checked already.</param>
    /// <param name="storage">Measured.</param>
    /// <returns>The reason; null if there is none.</returns>
    public static string? WhatIsWrong(BufferView view, BufferStorage storage)
    {
        var isPlain = view.PlaneCount == 1 && view.Modifier == DrmModifier.Linear && HasFourBytes(view.Format);
        if (!storage.IsDmabuf && !isPlain)
            return $"pixels of a memfd are in one plane, LINEAR, and have four bytes each, not {view.Format} {view.Modifier}";
        for (var i = 0; i < view.PlaneCount; i++)
        {
            var plane = view.Plane(i);
            var length = storage.IsDmabuf ? ((DmabufHandle)storage.Plane(plane.StoragePlane)).GetLengthBytes() : storage.SizeBytes;
            var end = isPlain ? plane.OffsetBytes + ((ulong)plane.StrideBytes * (ulong)(view.Size.Height - 1)) + ((ulong)view.Size.Width * BytesPerPixel) : plane.OffsetBytes + 1UL;
            if (end > length)
                return $"plane {i} reaches to byte {end} of {length}";
            if (plane.StrideBytes < (isPlain ? (uint)view.Size.Width * BytesPerPixel : 1u) || plane.StrideBytes > LinkLimits.StrideBytes)
                return $"plane {i} has a stride of {plane.StrideBytes} bytes";
            if (isPlain && ((plane.OffsetBytes | plane.StrideBytes) & (BytesPerPixel - 1)) != 0)
                return $"plane {i} begins at {plane.OffsetBytes} with a stride of {plane.StrideBytes} bytes, between two pixels";
        }

        return null;
    }

    private static bool HasFourBytes(DrmFormat format)
    {
        var opaque = format.Opaque;
        return opaque == DrmFormat.Xrgb8888 || opaque == DrmFormat.Xbgr8888 || opaque == DrmFormat.Rgbx8888 || opaque == DrmFormat.Bgrx8888;
    }
}
