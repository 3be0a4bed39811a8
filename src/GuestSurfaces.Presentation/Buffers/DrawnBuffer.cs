// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// wl_buffers that show what this program draws itself, once. Never written after they were made, so nobody cares about their release, and they may be on
/// several surfaces.
/// </summary>
internal static class DrawnBuffer
{
    /// <summary>Makes one, in shared memory of its own.</summary>
    /// <param name="shm">Of the connection.</param>
    /// <param name="name">Of the memory.</param>
    /// <param name="size">Not empty.</param>
    /// <param name="format">Four bytes a pixel.</param>
    /// <param name="pixel">What is at a place; null: zero everywhere, which takes no memory.</param>
    /// <returns>The caller's. Null if there is no memory for it.</returns>
    public static WlBuffer? TryMake(WlShm shm, string name, BufferSize size, WlShmFormat format, Func<int, int, uint>? pixel)
    {
        ArgumentNullException.ThrowIfNull(shm);
        var bytes = (ulong)size.Width * (ulong)size.Height * sizeof(uint);
        using var memory = bytes > int.MaxValue ? null : MemFdHandle.TryCreateSealed(name, bytes, out _);
        if (memory is null || (pixel is not null && !TryDraw(memory, size, pixel)))
            return null;
        var pool = shm.CreatePool(memory, (int)bytes);
        var buffer = pool.CreateBuffer(0, size.Width, size.Height, size.Width * sizeof(uint), format);
        pool.Destroy();
        return buffer;
    }

    private static bool TryDraw(MemFdHandle memory, BufferSize size, Func<int, int, uint> pixel)
    {
        var row = new uint[size.Width];
        using var pixels = SharedRegion.TryOpen(memory.Duplicate<MemFdHandle>(), 0, (ulong)size.Width * (ulong)size.Height * sizeof(uint), mayMap: true, out _);
        for (var y = 0; y < size.Height; y++)
        {
            for (var x = 0; x < row.Length; x++)
                row[x] = pixel(x, y);
            if (pixels?.TryWrite((ulong)y * (ulong)size.Width * sizeof(uint), MemoryMarshal.AsBytes(row.AsSpan())) != true)
                return false;
        }

        return true;
    }
}
