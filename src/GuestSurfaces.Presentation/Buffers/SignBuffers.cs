// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>The sign for "nobody sends this picture any more": a screen with a cross, of square cells, light on nothing.</summary>
internal sealed class SignBuffers(WlShm shm)
{
    /// <summary>Cells a side.</summary>
    public const int Cells = 16;

    private const uint Ink = 0xffe0_e0e0;

    private WlBuffer? _buffer;
    private int _cell;

    private static ReadOnlySpan<ushort> Rows =>
    [
        0b0000000000000000,
        0b0111111111111110,
        0b0100000000000010,
        0b0100100000010010,
        0b0100010000100010,
        0b0100001001000010,
        0b0100000110000010,
        0b0100000110000010,
        0b0100001001000010,
        0b0100010000100010,
        0b0100100000010010,
        0b0100000000000010,
        0b0111111111111110,
        0b0000000110000000,
        0b0000011111100000,
        0b0000000000000000,
    ];

    /// <summary>The sign.</summary>
    /// <param name="cell">How many pixels each of its cells has a side.</param>
    /// <returns>Borrowed; <see cref="Cells"/> × <paramref name="cell"/> pixels a side. Null if there is no memory for it.</returns>
    public WlBuffer? Get(int cell)
    {
        if (_buffer is not null && cell == _cell)
            return _buffer;
        _buffer?.Destroy();
        _buffer = DrawnBuffer.TryMake(
            shm,
            "guest-surfaces-sign",
            new BufferSize(Cells * cell, Cells * cell),
            WlShmFormat.Argb8888,
            (x, y) => (Rows[y / cell] >> (Cells - 1 - (x / cell)) & 1) != 0 ? Ink : 0);
        _cell = cell;
        return _buffer;
    }
}
