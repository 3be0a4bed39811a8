// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Presentation;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>What a window looks like when nobody sends its picture any more.</summary>
internal static class Veiled
{
    private const uint Shade = 0x8000_0000;
    private const uint Ink = 0xe0_e0e0;
    private const int SmallestSide = 32;

    private static readonly string[] s_sign =
    [
        "                ",
        " ############## ",
        " #            # ",
        " #  #      #  # ",
        " #   #    #   # ",
        " #    #  #    # ",
        " #     ##     # ",
        " #     ##     # ",
        " #    #  #    # ",
        " #   #    #   # ",
        " #  #      #  # ",
        " #            # ",
        " ############## ",
        "       ##       ",
        "     ######     ",
        "                ",
    ];

    /// <param name="pixels">The window's, RGB row by row, as it was.</param>
    /// <param name="width">Of a row.</param>
    public static uint[] Expect(uint[] pixels, int width)
    {
        var height = pixels.Length / width;
        var expected = Array.ConvertAll(pixels, static pixel => Blending.Over(Shade, pixel));
        var shorter = Math.Min(width, height);
        var cell = Math.Clamp(shorter / 96, 1, 16);
        var side = shorter < SmallestSide ? 0 : 16 * cell;
        var (left, top) = ((width - side) / 2, (height - side) / 2);
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                if (s_sign[y / cell][x / cell] == '#')
                    expected[((top + y) * width) + left + x] = Ink;
            }
        }

        return expected;
    }
}
