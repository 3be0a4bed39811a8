// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Cli.FakeGuest;

/// <summary>The pictures that <c>fake-guest</c> draws. Deterministic: a test recomputes every pixel. Rows are XRGB8888, B first in memory.</summary>
internal static class TestPictures
{
    /// <summary>Names, in the order of <c>--help</c>.</summary>
    public static readonly IReadOnlyList<string> Names = ["card", "gradient", "bars", "damage", "solid"];

    private static readonly uint[] s_bars = [0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00, 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000];

    /// <summary>One pixel of one frame, 0xRRGGBB.</summary>
    /// <param name="name">From <see cref="Names"/>.</param>
    /// <param name="size">Of the picture.</param>
    /// <param name="frame">0 and up.</param>
    /// <param name="x">From the left.</param>
    /// <param name="y">From the top.</param>
    public static uint Pixel(string name, BufferSize size, int frame, int x, int y) => name switch
    {
        "gradient" => ((uint)(x * 255 / Math.Max(size.Width - 1, 1)) << 16) | ((uint)(y * 255 / Math.Max(size.Height - 1, 1)) << 8) | (uint)(frame & 255),
        "bars" => s_bars[(((x + (frame * 4)) % size.Width) * 8 / size.Width) & 7],
        "solid" => s_bars[frame & 7],
        "damage" => Card(size, x, y) ^ (DamageRect(size, frame).Contains(new BufferRect(x, y, 1, 1)) ? 0xFFFFFFu : 0),
        _ => Card(size, x, y),
    };

    /// <summary>What a frame changes against the one before it.</summary>
    /// <param name="name">From <see cref="Names"/>.</param>
    /// <param name="size">Of the picture.</param>
    /// <param name="frame">0 and up; frame 0 changes everything.</param>
    public static IEnumerable<BufferRect> Changes(string name, BufferSize size, int frame) =>
        frame == 0 ? [size.Whole]
        : name switch
        {
            "card" => [],
            "damage" => [DamageRect(size, frame - 1), DamageRect(size, frame)],
            _ => [size.Whole],
        };

    /// <summary>Draws part of a frame.</summary>
    /// <param name="name">From <see cref="Names"/>.</param>
    /// <param name="size">Of the picture.</param>
    /// <param name="frame">0 and up.</param>
    /// <param name="rect">The part; inside the picture.</param>
    /// <param name="row">Room for one row of the part.</param>
    /// <param name="write">Takes a finished row: y, then its bytes from rect.X on.</param>
    public static void Draw(string name, BufferSize size, int frame, BufferRect rect, byte[] row, Action<int, byte[]> write)
    {
        for (var y = rect.Y; y < rect.Bottom; y++)
        {
            for (var x = 0; x < rect.Width; x++)
                BinaryPrimitives.WriteUInt32LittleEndian(row.AsSpan(x * 4), 0xFF000000 | Pixel(name, size, frame, rect.X + x, y));
            write(y, row);
        }
    }

    // Border, diagonals, a grid, colour patches in the corners: shows scaling, cropping, swapped channels and flips at a glance.
    private static uint Card(BufferSize size, int x, int y)
    {
        if (x == 0 || y == 0 || x == size.Width - 1 || y == size.Height - 1)
            return 0xFFFFFF;
        var patch = Math.Min(size.Width, size.Height) / 6;
        if (y < patch && x < patch)
            return 0xFF0000;
        if (y < patch && x >= size.Width - patch)
            return 0x00FF00;
        if (y >= size.Height - patch && x < patch)
            return 0x0000FF;
        if (y >= size.Height - patch && x >= size.Width - patch)
            return 0xFFFF00;
        if ((long)x * size.Height / size.Width == y || (long)(size.Width - 1 - x) * size.Height / size.Width == y)
            return 0xFFFFFF;
        if (x % 64 == 0 || y % 64 == 0)
            return 0x808080;
        return (((x >> 5) + (y >> 5)) & 1) == 0 ? 0x303848u : 0x202530u;
    }

    private static BufferRect DamageRect(BufferSize size, int frame)
    {
        var mixed = ((uint)frame + 1) * 2654435761u;
        var width = Math.Min(16 + (int)(mixed % 97), size.Width);
        var height = Math.Min(16 + (int)((mixed >> 8) % 61), size.Height);
        return new BufferRect((int)((mixed >> 4) % (uint)(size.Width - width + 1)), (int)((mixed >> 12) % (uint)(size.Height - height + 1)), width, height);
    }
}
