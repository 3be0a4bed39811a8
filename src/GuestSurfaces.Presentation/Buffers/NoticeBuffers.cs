// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>Words, light on a dark box.</summary>
internal sealed class NoticeBuffers(WlShm shm)
{
    /// <summary>What is free around the words, in cells.</summary>
    public const int Margin = 3;

    private const uint Ink = 0xffe0_e0e0;
    private const uint Box = 0xff20_2020;

    private WlBuffer? _buffer;
    private (string Text, int Cell) _shown = (string.Empty, 0);

    /// <summary>How large they are.</summary>
    /// <param name="text">Not empty.</param>
    /// <param name="cell">How many pixels each cell of a letter has a side.</param>
    public static BufferSize SizeOf(string text, int cell) => new((PixelFont.WidthOf(text) + (2 * Margin)) * cell, (PixelFont.Height + (2 * Margin)) * cell);

    /// <summary>Some words.</summary>
    /// <param name="text">Likewise.</param>
    /// <param name="cell">Likewise.</param>
    /// <returns>Borrowed. Null if there is no memory for it.</returns>
    public WlBuffer? Get(string text, int cell)
    {
        if (_buffer is not null && _shown == (text, cell))
            return _buffer;
        _buffer?.Destroy();
        _shown = (text, cell);
        _buffer = DrawnBuffer.TryMake(
            shm, "guest-surfaces-notice", SizeOf(text, cell), WlShmFormat.Xrgb8888, (x, y) => PixelFont.IsInk(text, (x / cell) - Margin, (y / cell) - Margin) ? Ink : Box);
        return _buffer;
    }
}
