// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation;

/// <summary>Reads the pixels of frames by CPU, whatever their order in memory, as XRGB8888.</summary>
public static class FrameReader
{
    private const long MaxPixels = 1L << 27;

    /// <summary>Whether it knows how these pixels lie: the formats of a virtio-gpu scanout, row by row.</summary>
    /// <param name="frame">A frame.</param>
    public static bool CanRead(in GuestFrame frame) =>
        frame.View.PlaneCount == 1 && frame.View.Modifier == DrmModifier.Linear && PixelLayout.BytesPerPixel(frame.View.Format) != 0;

    /// <summary>Reads pixels of one row.</summary>
    /// <param name="frame">One that can be read.</param>
    /// <param name="memory">Its storage's plane.</param>
    /// <param name="x">Of the first pixel, in buffer pixels.</param>
    /// <param name="y">Of the row, in memory.</param>
    /// <param name="row">Filled with so many pixels: 0xxxrrggbb, in this machine's byte order. What is in the highest byte is nobody's.</param>
    /// <returns>False if any of them lies outside the memory.</returns>
    public static bool TryReadRow(in GuestFrame frame, SharedRegion memory, int x, int y, Span<uint> row)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (!memory.TryRead(PixelLayout.OffsetBytes(frame.View, new BufferRect(x, y, row.Length, 1)), MemoryMarshal.AsBytes(row)))
            return false;
        ToXrgb(row, frame.View.Format.Opaque);
        return true;
    }

    /// <summary>Reads a whole picture. A guest that draws meanwhile is seen drawing.</summary>
    /// <param name="frame">Borrowed; complete.</param>
    /// <param name="problem">Why it can't be read, without a full stop; else left as it is.</param>
    /// <returns>Rows from the top, R, G, B a pixel, of the frame's source rectangle; null: it can't be read.</returns>
    public static byte[]? TryReadRgb(in GuestFrame frame, ref string problem)
    {
        var source = frame.Source;
        if (source.Area is 0 or > MaxPixels)
            problem = string.Create(CultureInfo.InvariantCulture, $"{source.Width}x{source.Height} pixels are none, or too many");
        else if (!CanRead(in frame))
            problem = "its pixels lie as only a GPU reads them";
        else if (frame.Storage.Pixels is { } pixels)
            return TryReadRgb(in frame, pixels, ref problem);
        else
            return TryReadMapped(in frame, ref problem);
        return null;
    }

    private static byte[]? TryReadMapped(in GuestFrame frame, ref string problem)
    {
        using var memory = SharedRegion.TryOpen(frame.Storage.Plane(0).Duplicate<DmabufHandle>(), 0, frame.Storage.SizeBytes, mayMap: true, out var errno);
        if (memory is not null)
            return TryReadRgb(in frame, memory, ref problem);
        problem = $"its pixels are where no CPU reads them ({errno})";
        return null;
    }

    private static byte[]? TryReadRgb(in GuestFrame frame, SharedRegion memory, ref string problem)
    {
        var source = frame.Source;
        var rgb = new byte[source.Area * 3];
        var row = new uint[source.Width];
        var at = 0;
        for (var y = 0; y < source.Height; y++)
        {
            if (!TryReadRow(in frame, memory, source.X, frame.FlipY ? source.Bottom - 1 - y : source.Y + y, row))
            {
                problem = "its memory is too small for it";
                return null;
            }

            foreach (var pixel in row)
            {
                rgb[at++] = (byte)(pixel >> 16);
                rgb[at++] = (byte)(pixel >> 8);
                rgb[at++] = (byte)pixel;
            }
        }

        return rgb;
    }

    private static void ToXrgb(Span<uint> pixels, DrmFormat from)
    {
        if (from == DrmFormat.Xbgr8888)
        {
            foreach (ref var p in pixels)
                p = (p & 0x0000_ff00) | ((p & 0xff) << 16) | ((p >> 16) & 0xff);
        }
        else if (from == DrmFormat.Rgbx8888)
        {
            foreach (ref var p in pixels)
                p >>= 8;
        }
        else if (from == DrmFormat.Bgrx8888)
        {
            BinaryPrimitives.ReverseEndianness(pixels, pixels);
        }
    }
}
