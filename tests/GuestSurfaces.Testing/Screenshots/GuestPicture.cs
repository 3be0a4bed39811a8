// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Testing.Screenshots;

/// <summary>The pictures that the lab's guests draw, by the formula in tests/lab/guest/gsguest.c.</summary>
public static class GuestPicture
{
    private const int Cell = 8;
    private const int Digits = 8;
    private const uint White = 0xffffff;

    private static readonly int[] s_glyphs =
        [0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF, 0x79EF, 0x7249, 0x7BEF, 0x7BCF, 0x7BED, 0x6BAE, 0x3923, 0x6B6E, 0x79E7, 0x79E4];

    /// <summary>Which frame a picture is.</summary>
    /// <param name="picture">A whole screen.</param>
    /// <param name="except">What isn't looked at: a cursor stands there.</param>
    /// <returns>Its number, 0 to 65535; null if a single pixel isn't that frame's.</returns>
    public static int? FrameOf(Picture picture, BufferRect except = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (TryReadLabel(picture) is not { } label)
            return null;
        for (var y = 0; y < picture.Height; y++)
        {
            for (var x = 0; x < picture.Width; x++)
            {
                if (!except.Contains(new BufferRect(x, y, 1, 1)) && picture[x, y] != Pixel((uint)x, (uint)y, picture, label))
                    return null;
            }
        }

        return (int)(label >> 16);
    }

    private static uint? TryReadLabel(Picture picture)
    {
        if (picture.Width < Cell * 34 || picture.Height < Cell * 8)
            return null;
        var label = 0u;
        for (var digit = 0; digit < Digits; digit++)
        {
            var bits = 0;
            for (var i = 0; i < 15; i++)
                bits = (bits << 1) | (picture[Cell * (2 + (4 * digit) + (i % 3)), Cell * (2 + (i / 3))] == White ? 1 : 0);
            var value = Array.IndexOf(s_glyphs, bits);
            if (value < 0)
                return null;
            label = (label << 4) | (uint)value;
        }

        return label;
    }

    private static uint Pixel(uint x, uint y, Picture size, uint label)
    {
        var (frame, head, seed) = (label >> 16, (label >> 12) & 15, label & 0xfff);
        if (x == 0 || y == 0 || x == size.Width - 1 || y == size.Height - 1)
            return White;
        if (x is >= Cell and < Cell * 34 && y is >= Cell and < Cell * 8)
        {
            var (column, row) = ((int)(x / Cell) - 2, (int)(y / Cell) - 2);
            return column is >= 0 and < 4 * Digits && column % 4 < 3 && row is >= 0 and < 5
                && ((s_glyphs[(label >> (28 - (4 * (column / 4)))) & 15] >> (14 - (3 * row) - (column % 4))) & 1) != 0 ? White : 0;
        }

        if (x == y)
            return 0;
        var r = (3 * x) + y + (7 * frame) + (31 * seed);
        var g = (3 * y) + (x >> 3) + (5 * frame) + (64 * head);
        var b = (x ^ y) + (11 * frame) + (13 * seed);
        var colour = ((r & 255) << 16) | ((g & 255) << 8) | (b & 255);
        return ((x >> 4) + (y >> 4) + frame) % 5 == 0 ? colour ^ White : colour;
    }
}
