// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.Presentation;

/// <summary>How compositors put one pixel over another, in whole numbers as pixman does.</summary>
public static class Blending
{
    /// <param name="above">ARGB, premultiplied.</param>
    /// <param name="below">RGB.</param>
    /// <returns>RGB.</returns>
    public static uint Over(uint above, uint below)
    {
        var result = 0u;
        for (var shift = 0; shift < 24; shift += 8)
            result |= Math.Min(255, ((above >> shift) & 0xff) + Share((below >> shift) & 0xff, 255 - (above >> 24))) << shift;
        return result;
    }

    /// <summary>A product of two numbers that say 1 by 255, rounded.</summary>
    private static uint Share(uint a, uint b) => ((a * b) + 127) / 255;
}
