// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>Starts every message, in both directions.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MessageHeader(uint Request, uint Flags, uint Size)
{
    internal bool NeedsReply => (Flags & HeaderFlags.NeedReply) != 0;
}

/// <summary>SET_VRING_NUM, BASE, ENABLE; GET_VRING_BASE and its answer.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct VringState(uint Index, uint Num);

/// <summary>SET_VRING_ADDR: addresses in the VMM's own address space.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct VringAddr(uint Index, uint Flags, ulong Descriptors, ulong Used, ulong Available, ulong Log);

/// <summary>A stretch of guest RAM in a file.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MemoryRegionPayload(ulong GuestAddress, ulong SizeBytes, ulong FrontendAddress, ulong FileOffset);

/// <summary>ADD_MEM_REG and REM_MEM_REG.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SingleRegionPayload(ulong Padding, MemoryRegionPayload Region);

/// <summary>Starts SET_MEM_TABLE; the regions follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct MemoryTableHeader(uint Count, uint Padding);

/// <summary>Starts GET_CONFIG and SET_CONFIG; the bytes follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ConfigHeader(uint Offset, uint Size, uint Flags);

/// <summary>Reads payloads, in the host's byte order as vhost-user has it. Pure; never throws.</summary>
internal static class Payload
{
    /// <summary>Reads a payload that is exactly one value.</summary>
    internal static bool TryRead<T>(ReadOnlySpan<byte> payload, out T value)
        where T : unmanaged
    {
        value = default;
        return payload.Length == Unsafe.SizeOf<T>() && MemoryMarshal.TryRead(payload, out value);
    }

    /// <summary>Reads the value that a payload starts with.</summary>
    internal static bool TryReadHead<T>(ReadOnlySpan<byte> payload, out T value, out ReadOnlySpan<byte> rest)
        where T : unmanaged
    {
        rest = default;
        if (!MemoryMarshal.TryRead(payload, out value))
            return false;
        rest = payload[Unsafe.SizeOf<T>()..];
        return true;
    }

    /// <summary>Reads SET_MEM_TABLE: as many regions as its header says, and not a byte more.</summary>
    internal static bool TryReadTable(ReadOnlySpan<byte> payload, out ReadOnlySpan<MemoryRegionPayload> regions)
    {
        regions = default;
        if (!TryReadHead(payload, out MemoryTableHeader header, out var rest) || header.Count > Wire.MaxTableRegions
            || rest.Length != (int)header.Count * Unsafe.SizeOf<MemoryRegionPayload>())
        {
            return false;
        }

        regions = MemoryMarshal.Cast<byte, MemoryRegionPayload>(rest);
        return true;
    }

    /// <summary>Reads GET_CONFIG or SET_CONFIG: a range that fits the longest space there is, and exactly its bytes.</summary>
    internal static bool TryReadConfig(ReadOnlySpan<byte> payload, out ConfigHeader header, out ReadOnlySpan<byte> bytes) =>
        TryReadHead(payload, out header, out bytes) && header.Size == (uint)bytes.Length
        && header.Offset <= Wire.MaxConfigBytes && header.Size <= Wire.MaxConfigBytes - header.Offset;
}
