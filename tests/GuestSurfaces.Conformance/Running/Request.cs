// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Requests as arrays, for cases, where clarity counts and speed doesn't. See <see cref="GpuCommands"/>.</summary>
public static class Request
{
    public static byte[] GetDisplayInfo() => Fixed(static to => GpuCommands.GetDisplayInfo(to));

    public static byte[] GetEdid(uint scanout) => Fixed(to => GpuCommands.GetEdid(to, scanout));

    public static byte[] Create2D(uint id, GpuFormat format, uint width, uint height) => Fixed(to => GpuCommands.ResourceCreate2D(to, id, (uint)format, width, height));

    public static byte[] Unref(uint id) => Fixed(to => GpuCommands.ResourceUnref(to, id));

    public static byte[] Detach(uint id) => Fixed(to => GpuCommands.ResourceDetachBacking(to, id));

    public static byte[] AssignUuid(uint id) => Fixed(to => GpuCommands.ResourceAssignUuid(to, id));

    public static byte[] SetScanout(uint scanout, uint id, GpuRect rect) => Fixed(to => GpuCommands.SetScanout(to, scanout, id, rect));

    public static byte[] Flush(uint id, GpuRect rect) => Fixed(to => GpuCommands.ResourceFlush(to, id, rect));

    public static byte[] Transfer(uint id, GpuRect rect, ulong offset = 0) => Fixed(to => GpuCommands.TransferToHost2D(to, id, rect, offset));

    public static byte[] Attach(uint id, params GpuMemoryEntry[] entries) => AttachClaiming(id, (uint)entries.Length, entries);

    public static byte[] AttachClaiming(uint id, uint claimed, params GpuMemoryEntry[] entries)
    {
        var to = new byte[32 + (16 * entries.Length)];
        GpuCommands.ResourceAttachBacking(to, id, entries, claimed);
        return to;
    }

    public static byte[] CreateBlob(uint id, GpuBlobMemory memory, uint flags, ulong size, params GpuMemoryEntry[] entries) =>
        CreateBlobClaiming(id, memory, flags, size, (uint)entries.Length, entries);

    public static byte[] CreateBlobClaiming(uint id, GpuBlobMemory memory, uint flags, ulong size, uint claimed, params GpuMemoryEntry[] entries)
    {
        var to = new byte[56 + (16 * entries.Length)];
        GpuCommands.ResourceCreateBlob(to, id, (uint)memory, flags, 0, size, entries, claimed);
        return to;
    }

    public static byte[] SetScanoutBlob(uint scanout, uint id, GpuRect rect, uint width, uint height, GpuFormat format, uint stride, uint offset = 0) =>
        Fixed(to => GpuCommands.SetScanoutBlob(to, scanout, id, rect, width, height, (uint)format, stride, offset));

    public static byte[] UpdateCursor(uint scanout, uint x, uint y, uint id, uint hotX = 0, uint hotY = 0) =>
        Fixed(to => GpuCommands.Cursor(to, GpuCommand.UpdateCursor, scanout, x, y, id, hotX, hotY));

    public static byte[] MoveCursor(uint scanout, uint x, uint y, uint id) =>
        Fixed(to => GpuCommands.Cursor(to, GpuCommand.MoveCursor, scanout, x, y, id, 0, 0));

    /// <summary>A request that is a header and then zeros or the given numbers.</summary>
    public static byte[] Bare(GpuCommand command, int length, params uint[] numbers)
    {
        var to = new byte[Math.Max(length, GpuHeader.SizeBytes)];
        GpuCommands.WriteHeader(to, new((uint)command));
        for (var i = 0; i < numbers.Length && 24 + (4 * i) < to.Length; i++)
            GpuCommands.Put32(to, 24 + (4 * i), numbers[i]);
        return to[..length];
    }

    /// <summary>The same request with a fence.</summary>
    public static byte[] Fenced(byte[] request, ulong fenceId, uint contextId = 0, int ringIndex = -1)
    {
        GpuCommands.SetFence(request, fenceId, contextId, ringIndex);
        return request;
    }

    private static byte[] Fixed(Func<byte[], int> write)
    {
        var to = new byte[GpuCommands.LongestFixedBytes];
        return to[..write(to)];
    }
}
