// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Wayland;

/// <summary>The first two words of a message.</summary>
/// <param name="ObjectId">To whom a request goes, or from whom an event comes.</param>
/// <param name="Opcode">The message's position in its interface.</param>
/// <param name="SizeBytes">Header included.</param>
internal readonly record struct WireHeader(uint ObjectId, ushort Opcode, int SizeBytes)
{
    /// <summary>Reads a header in host byte order and checks the size's form, not that so many bytes are there.</summary>
    /// <param name="bytes">The stream from a message's start; fewer than 8 bytes are <see cref="WireError.Truncated"/>.</param>
    /// <param name="header">The header.</param>
    public static WireError TryRead(ReadOnlySpan<byte> bytes, out WireHeader header)
    {
        header = default;
        if (bytes.Length < WireLimits.HeaderBytes)
            return WireError.Truncated;
        var word = MemoryMarshal.Read<uint>(bytes[4..]);
        header = new WireHeader(MemoryMarshal.Read<uint>(bytes), (ushort)word, (int)(word >> 16));
        return header.SizeBytes switch
        {
            < WireLimits.HeaderBytes => WireError.TooShort,
            > WireLimits.MaxMessageBytes => WireError.TooLong,
            var size when size % 4 != 0 => WireError.Misaligned,
            _ => WireError.None,
        };
    }

    /// <summary>Writes the header in host byte order.</summary>
    /// <param name="bytes">At least 8 bytes.</param>
    public void Write(Span<byte> bytes)
    {
        MemoryMarshal.Write(bytes, ObjectId);
        MemoryMarshal.Write(bytes[4..], ((uint)SizeBytes << 16) | Opcode);
    }
}
