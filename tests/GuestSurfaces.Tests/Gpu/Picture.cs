// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.Gpu;

/// <summary>Pixels that are all different, so that a misplaced row shows.</summary>
internal static class Picture
{
    public static uint[] Make(int width, int height, uint seed = 1)
    {
        var pixels = new uint[width * height];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = ((uint)i * 2654435761u) ^ (seed * 0x9e3779b9u);
        return pixels;
    }

    public static uint[] Crop(uint[] pixels, int width, int x, int y, int w, int h)
    {
        var part = new uint[w * h];
        for (var row = 0; row < h; row++)
            Array.Copy(pixels, ((y + row) * width) + x, part, row * w, w);
        return part;
    }
}
