// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.IO.Compression;
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Testing.Screenshots;

/// <summary>A picture in memory: rows from the top, three bytes R, G, B a pixel. What the fourth byte of a framebuffer held is not part of it.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Rgb">Width * Height * 3 bytes.</param>
public sealed record Picture(int Width, int Height, byte[] Rgb)
{
    /// <summary>One pixel, 0xRRGGBB.</summary>
    public uint this[int x, int y]
    {
        get
        {
            var at = ((y * Width) + x) * 3;
            return ((uint)Rgb[at] << 16) | ((uint)Rgb[at + 1] << 8) | Rgb[at + 2];
        }
    }

    /// <summary>All pixels row by row, 0xRRGGBB.</summary>
    public uint[] ToPixels()
    {
        var pixels = new uint[Width * Height];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = this[i % Width, i / Width];
        return pixels;
    }

    /// <summary>CRC-32 of the bytes, as zlib, PNG and the lab's guests compute it.</summary>
    public uint Crc => PngFile.Crc32(Rgb);

    /// <summary>A part of it.</summary>
    /// <param name="x">Left edge.</param>
    /// <param name="y">Top edge.</param>
    /// <param name="width">Inside of the picture.</param>
    /// <param name="height">Likewise.</param>
    public Picture Crop(int x, int y, int width, int height)
    {
        var rgb = new byte[width * height * 3];
        for (var row = 0; row < height; row++)
            Array.Copy(Rgb, (((y + row) * Width) + x) * 3, rgb, row * width * 3, width * 3);
        return new Picture(width, height, rgb);
    }

    /// <summary>The smallest part that has all pixels of another colour: the one window on an empty desktop.</summary>
    /// <param name="background">0xRRGGBB.</param>
    /// <exception cref="InvalidDataException">There is nothing else.</exception>
    public Picture WithoutBackground(uint background)
    {
        var (left, top, right, bottom) = (Width, Height, 0, 0);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                if (this[x, y] == background)
                    continue;
                (left, top) = (Math.Min(left, x), Math.Min(top, y));
                (right, bottom) = (Math.Max(right, x + 1), y + 1);
            }
        }

        if (right == 0)
            throw new InvalidDataException("the picture is all background");
        var rgb = new byte[(right - left) * (bottom - top) * 3];
        for (var y = top; y < bottom; y++)
            Rgb.AsSpan(((y * Width) + left) * 3, (right - left) * 3).CopyTo(rgb.AsSpan((y - top) * (right - left) * 3));
        return new Picture(right - left, bottom - top, rgb);
    }

    /// <summary>Makes a picture of XRGB8888 rows.</summary>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="strideBytes">From row to row.</param>
    /// <param name="xrgb">The rows, B first in memory.</param>
    public static Picture FromXrgb(int width, int height, int strideBytes, ReadOnlySpan<byte> xrgb)
    {
        var rgb = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var from = (y * strideBytes) + (x * 4);
                var to = ((y * width) + x) * 3;
                (rgb[to], rgb[to + 1], rgb[to + 2]) = (xrgb[from + 2], xrgb[from + 1], xrgb[from]);
            }
        }

        return new Picture(width, height, rgb);
    }

    /// <summary>Reads a PNG file of eight bits a channel, with or without alpha (which is dropped).</summary>
    /// <param name="path">Where.</param>
    /// <exception cref="InvalidDataException">Another kind of PNG, or none.</exception>
    public static Picture ReadPng(string path)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        if (file.Length < 33 || !file[1..4].SequenceEqual("PNG"u8) || file[24] != 8 || file[25] is not (2 or 6) || file[28] != 0)
            throw new InvalidDataException($"{path} is no PNG of eight bits a channel, RGB or RGBA, not interlaced");
        var width = BinaryPrimitives.ReadInt32BigEndian(file[16..]);
        var height = BinaryPrimitives.ReadInt32BigEndian(file[20..]);
        var channels = file[25] == 2 ? 3 : 4;
        using var data = new MemoryStream();
        for (var at = 8; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
            if (file.Slice(at + 4, 4).SequenceEqual("IDAT"u8))
                data.Write(file.Slice(at + 8, length));
            at += 12 + length;
        }

        data.Position = 0;
        using var zlib = new ZLibStream(data, CompressionMode.Decompress);
        var rgb = new byte[width * height * 3];
        var row = new byte[width * channels];
        var above = new byte[row.Length];
        for (var y = 0; y < height; y++)
        {
            var filter = zlib.ReadByte();
            zlib.ReadExactly(row);
            Unfilter(filter, row, above, channels);
            for (var x = 0; x < width; x++)
                row.AsSpan(x * channels, 3).CopyTo(rgb.AsSpan(((y * width) + x) * 3));
            (row, above) = (above, row);
        }

        return new Picture(width, height, rgb);
    }

    /// <summary>Writes the picture as a PNG file: colour type 2, eight bits.</summary>
    /// <param name="path">Where.</param>
    public void WritePng(string path)
    {
        using var file = File.Create(path);
        PngFile.Write(file, Width, Height, Rgb);
    }

    // Source: PNG specification §9.2.
    private static void Unfilter(int filter, byte[] row, byte[] above, int channels)
    {
        for (var i = 0; i < row.Length; i++)
        {
            int a = i >= channels ? row[i - channels] : 0;
            int b = above[i];
            int c = i >= channels ? above[i - channels] : 0;
            row[i] += (byte)(filter switch
            {
                0 => 0,
                1 => a,
                2 => b,
                3 => (a + b) / 2,
                4 => Paeth(a, b, c),
                _ => throw new InvalidDataException($"there is no PNG filter {filter}"),
            });
        }
    }

    private static int Paeth(int a, int b, int c)
    {
        var (toA, toB, toC) = (Math.Abs(b - c), Math.Abs(a - c), Math.Abs(a + b - c - c));
        return toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
    }
}
