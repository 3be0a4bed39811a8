// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// Writes virtio-gpu requests and reads answers, byte by byte from the specification's tables: an encoder that shares nothing with
/// the device under test. Each writer fills the front of a span and returns the request's length.
/// </summary>
public static class GpuCommands
{
    public const int CursorBytes = 56;
    public const int DisplayInfoBytes = 408;
    public const int EdidBytes = 1056;
    public const int UuidBytes = 40;

    /// <summary>The longest request with a fixed size.</summary>
    public const int LongestFixedBytes = 96;

    public static int WriteHeader(Span<byte> to, GpuHeader header, int length = GpuHeader.SizeBytes)
    {
        to[..length].Clear();
        Put32(to, 0, header.Type);
        Put32(to, 4, header.Flags);
        Put64(to, 8, header.FenceId);
        Put32(to, 16, header.ContextId);
        to[20] = header.RingIndex;
        return length;
    }

    public static GpuHeader ReadHeader(ReadOnlySpan<byte> from) =>
        from.Length < GpuHeader.SizeBytes ? default : new GpuHeader(Get32(from, 0), Get32(from, 4), Get64(from, 8), Get32(from, 16), from[20]);

    /// <summary>Turns a request into a fenced one.</summary>
    public static void SetFence(Span<byte> request, ulong fenceId, uint contextId = 0, int ringIndex = -1)
    {
        Put32(request, 4, GpuHeader.FenceFlag | (ringIndex >= 0 ? GpuHeader.RingIndexFlag : 0));
        Put64(request, 8, fenceId);
        Put32(request, 16, contextId);
        request[20] = (byte)Math.Max(ringIndex, 0);
    }

    public static int GetDisplayInfo(Span<byte> to) => WriteHeader(to, new((uint)GpuCommand.GetDisplayInfo));

    public static int GetEdid(Span<byte> to, uint scanout) => OneNumber(to, GpuCommand.GetEdid, scanout);

    public static int ResourceCreate2D(Span<byte> to, uint id, uint format, uint width, uint height)
    {
        WriteHeader(to, new((uint)GpuCommand.ResourceCreate2D), 40);
        Put32(to, 24, id);
        Put32(to, 28, format);
        Put32(to, 32, width);
        Put32(to, 36, height);
        return 40;
    }

    public static int ResourceUnref(Span<byte> to, uint id) => OneNumber(to, GpuCommand.ResourceUnref, id);

    public static int ResourceDetachBacking(Span<byte> to, uint id) => OneNumber(to, GpuCommand.ResourceDetachBacking, id);

    public static int ResourceAssignUuid(Span<byte> to, uint id) => OneNumber(to, GpuCommand.ResourceAssignUuid, id);

    public static int SetScanout(Span<byte> to, uint scanout, uint id, GpuRect rect)
    {
        WriteHeader(to, new((uint)GpuCommand.SetScanout), 48);
        PutRect(to, 24, rect);
        Put32(to, 40, scanout);
        Put32(to, 44, id);
        return 48;
    }

    public static int ResourceFlush(Span<byte> to, uint id, GpuRect rect)
    {
        WriteHeader(to, new((uint)GpuCommand.ResourceFlush), 48);
        PutRect(to, 24, rect);
        Put32(to, 40, id);
        return 48;
    }

    public static int TransferToHost2D(Span<byte> to, uint id, GpuRect rect, ulong offset)
    {
        WriteHeader(to, new((uint)GpuCommand.TransferToHost2D), 56);
        PutRect(to, 24, rect);
        Put64(to, 40, offset);
        Put32(to, 48, id);
        return 56;
    }

    /// <param name="claimed">What nr_entries says, if not the truth.</param>
    public static int ResourceAttachBacking(Span<byte> to, uint id, ReadOnlySpan<GpuMemoryEntry> entries, uint? claimed = null)
    {
        WriteHeader(to, new((uint)GpuCommand.ResourceAttachBacking), 32);
        Put32(to, 24, id);
        Put32(to, 28, claimed ?? (uint)entries.Length);
        return 32 + PutEntries(to[32..], entries);
    }

    /// <param name="claimed">What nr_entries says, if not the truth.</param>
    public static int ResourceCreateBlob(
        Span<byte> to, uint id, uint memory, uint flags, ulong blobId, ulong size, ReadOnlySpan<GpuMemoryEntry> entries, uint? claimed = null)
    {
        WriteHeader(to, new((uint)GpuCommand.ResourceCreateBlob), 56);
        Put32(to, 24, id);
        Put32(to, 28, memory);
        Put32(to, 32, flags);
        Put32(to, 36, claimed ?? (uint)entries.Length);
        Put64(to, 40, blobId);
        Put64(to, 48, size);
        return 56 + PutEntries(to[56..], entries);
    }

    public static int SetScanoutBlob(
        Span<byte> to, uint scanout, uint id, GpuRect rect, uint width, uint height, uint format, uint stride, uint offset)
    {
        WriteHeader(to, new((uint)GpuCommand.SetScanoutBlob), 96);
        PutRect(to, 24, rect);
        Put32(to, 40, scanout);
        Put32(to, 44, id);
        Put32(to, 48, width);
        Put32(to, 52, height);
        Put32(to, 56, format);
        Put32(to, 64, stride);
        Put32(to, 80, offset);
        return 96;
    }

    public static int Cursor(Span<byte> to, GpuCommand command, uint scanout, uint x, uint y, uint id, uint hotX, uint hotY)
    {
        WriteHeader(to, new((uint)command), CursorBytes);
        Put32(to, 24, scanout);
        Put32(to, 28, x);
        Put32(to, 32, y);
        Put32(to, 40, id);
        Put32(to, 44, hotX);
        Put32(to, 48, hotY);
        return CursorBytes;
    }

    public static GpuDisplay ReadDisplay(ReadOnlySpan<byte> displayInfo, int scanout)
    {
        var one = displayInfo.Slice(24 + (24 * scanout), 24);
        return new GpuDisplay(GetRect(one, 0), Get32(one, 16) != 0, Get32(one, 20));
    }

    public static GpuRect GetRect(ReadOnlySpan<byte> from, int at) => new(Get32(from, at), Get32(from, at + 4), Get32(from, at + 8), Get32(from, at + 12));

    public static uint Get32(ReadOnlySpan<byte> from, int at) => BinaryPrimitives.ReadUInt32LittleEndian(from[at..]);

    public static ulong Get64(ReadOnlySpan<byte> from, int at) => BinaryPrimitives.ReadUInt64LittleEndian(from[at..]);

    public static void Put32(Span<byte> to, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(to[at..], value);

    public static void Put64(Span<byte> to, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(to[at..], value);

    private static int OneNumber(Span<byte> to, GpuCommand command, uint number)
    {
        WriteHeader(to, new((uint)command), 32);
        Put32(to, 24, number);
        return 32;
    }

    private static void PutRect(Span<byte> to, int at, GpuRect rect)
    {
        Put32(to, at, rect.X);
        Put32(to, at + 4, rect.Y);
        Put32(to, at + 8, rect.Width);
        Put32(to, at + 12, rect.Height);
    }

    private static int PutEntries(Span<byte> to, ReadOnlySpan<GpuMemoryEntry> entries)
    {
        for (var i = 0; i < entries.Length; i++)
        {
            Put64(to, 16 * i, entries[i].Address);
            Put32(to, (16 * i) + 8, entries[i].LengthBytes);
            Put32(to, (16 * i) + 12, 0);
        }

        return 16 * entries.Length;
    }
}
