// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.IO.Compression;

namespace GuestSurfaces.Core.Diagnostics;

/// <summary>Writes pictures for people: PNG, eight bits a channel, no alpha. Source: PNG specification (third edition) §5, §11.</summary>
public static class PngFile
{
    /// <summary>Bytes of a pixel.</summary>
    public const int PixelBytes = 3;

    /// <summary>Writes a whole file.</summary>
    /// <param name="file">From where it stands; left open.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="rgb">Rows from the top, R, G, B a pixel: width * height * 3 bytes.</param>
    /// <exception cref="ArgumentException">There are more or fewer bytes than that.</exception>
    public static void Write(Stream file, int width, int height, ReadOnlySpan<byte> rgb)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (width <= 0 || height <= 0 || rgb.Length != (long)width * height * PixelBytes)
            throw new ArgumentException("a picture has three bytes a pixel", nameof(rgb));
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        Span<byte> header = stackalloc byte[13];
        header.Clear();
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);
        header[8] = 8; // bits
        header[9] = 2; // RGB
        WriteChunk(file, "IHDR"u8, header);

        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var rest = rgb; !rest.IsEmpty; rest = rest[(width * PixelBytes)..])
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(rest[..(width * PixelBytes)]);
            }
        }

        WriteChunk(file, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(file, "IEND"u8, []);
    }

    /// <summary>CRC-32 of bytes, as zlib and PNG compute it.</summary>
    /// <param name="bytes">Any.</param>
    public static uint Crc32(ReadOnlySpan<byte> bytes) => Crc32(bytes, uint.MaxValue) ^ uint.MaxValue;

    private static void WriteChunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32(data, Crc32(type, uint.MaxValue)) ^ uint.MaxValue);
        file.Write(number);
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes, uint crc)
    {
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return crc;
    }
}
