// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// Black wl_buffers: for bars and blanked screens. One pixel, stretched by a viewport; without wp_viewporter as large as needed. Never
/// written after it was made, so nobody cares about its release and it may be on several surfaces.
/// </summary>
internal sealed class BlackBuffers(WlShm shm, WpSinglePixelBufferManagerV1? singlePixel, bool canScale)
{
    private WlBuffer? _buffer;
    private BufferSize _size;

    /// <summary>A black buffer.</summary>
    /// <param name="wanted">The size it will have on the surface.</param>
    /// <param name="size">The size that it has: 1x1 if it can be stretched.</param>
    /// <returns>Borrowed. Null if there is no memory for it.</returns>
    public WlBuffer? Get(BufferSize wanted, out BufferSize size)
    {
        size = canScale ? new BufferSize(1, 1) : wanted;
        if (_buffer is not null && size == _size)
            return _buffer;
        _buffer?.Destroy();
        _buffer = canScale && singlePixel is not null ? singlePixel.CreateU32RgbaBuffer(0, 0, 0, uint.MaxValue) : TryMake(size);
        _size = size;
        return _buffer;
    }

    private WlBuffer? TryMake(BufferSize size)
    {
        // Fresh pages are zero: black, where the fourth byte is ignored.
        var bytes = (ulong)size.Width * (ulong)size.Height * sizeof(uint);
        using var memory = bytes > int.MaxValue ? null : MemFdHandle.TryCreateSealed("guest-surfaces-black", bytes, out _);
        if (memory is null)
            return null;
        var pool = shm.CreatePool(memory, (int)bytes);
        var buffer = pool.CreateBuffer(0, size.Width, size.Height, size.Width * sizeof(uint), WlShmFormat.Xrgb8888);
        pool.Destroy();
        return buffer;
    }
}
