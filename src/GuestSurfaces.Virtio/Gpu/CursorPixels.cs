// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Puts a cursor's bytes into the one order that displays are given, ARGB8888. Every format counts as having alpha: Linux makes its cursors' resources
/// without, and means it to be there.
/// </summary>
internal static class CursorPixels
{
    /// <summary>Converts pixels in place.</summary>
    /// <param name="pixels">Our own.</param>
    /// <param name="lengthBytes">So many from its start.</param>
    /// <param name="format">What they are now.</param>
    public static void ToArgb(SharedRegion pixels, int lengthBytes, DrmFormat format)
    {
        var opaque = format.Opaque;
        if (opaque == DrmFormat.Xrgb8888)
            return;
        Span<uint> part = stackalloc uint[256];
        for (var done = 0; done < lengthBytes;)
        {
            var chunk = MemoryMarshal.AsBytes(part)[..Math.Min(lengthBytes - done, part.Length * sizeof(uint))];
            if (!pixels.TryRead((ulong)done, chunk))
                return;
            foreach (ref var pixel in MemoryMarshal.Cast<byte, uint>(chunk))
                pixel = ToArgb(pixel, opaque);
            if (!pixels.TryWrite((ulong)done, chunk))
                return;
            done += chunk.Length;
        }
    }

    private static uint ToArgb(uint pixel, DrmFormat opaque)
    {
        if (opaque == DrmFormat.Bgrx8888) // A R G B in memory
            return BinaryPrimitives.ReverseEndianness(pixel);
        if (opaque == DrmFormat.Rgbx8888) // A B G R in memory
            return BitOperations.RotateRight(pixel, 8);
        return (pixel & 0xff00_ff00) | ((pixel & 0xff) << 16) | ((pixel >> 16) & 0xff); // R G B A in memory
    }
}
