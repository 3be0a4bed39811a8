// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>Black wl_buffers: opaque for bars and blanked screens, translucent to dim what lies below. One pixel, stretched by a viewport; without wp_viewporter as large as needed.</summary>
/// <param name="shm">Of the connection.</param>
/// <param name="singlePixel">May be missing.</param>
/// <param name="canScale">Whether there is wp_viewporter.</param>
/// <param name="alpha">255 is opaque.</param>
internal sealed class BlackBuffers(WlShm shm, WpSinglePixelBufferManagerV1? singlePixel, bool canScale, byte alpha)
{
    // A byte, as a share of all that 32 bits can say.
    private const uint PerByte = 0x0101_0101;

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
        _buffer = canScale && singlePixel is not null ? singlePixel.CreateU32RgbaBuffer(0, 0, 0, alpha * PerByte) : TryMake(size);
        _size = size;
        return _buffer;
    }

    private WlBuffer? TryMake(BufferSize size) => alpha == byte.MaxValue
        ? DrawnBuffer.TryMake(shm, "guest-surfaces-black", size, WlShmFormat.Xrgb8888, null)
        : DrawnBuffer.TryMake(shm, "guest-surfaces-shade", size, WlShmFormat.Argb8888, (_, _) => (uint)alpha << 24);
}
