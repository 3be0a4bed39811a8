// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Geometry;

/// <summary>
/// How many of the screen's pixels one surface unit takes, in steps of 1/120: one and a half is 180. Both ways are rounded as compositors round, so a picture
/// that has the size of a surface in pixels is shown at one pixel a pixel. Source: fractional-scale-v1 v1 preferred_scale.
/// </summary>
internal readonly record struct SurfaceScale
{
    /// <summary>The steps of scale 1.</summary>
    public const int One = 120;

    private const int Largest = 32 * One; // far beyond any screen: products fit 64 bits, and a wish's sides stay sides
    private readonly int _beyondOne;

    private SurfaceScale(int of120) => _beyondOne = of120 - One;

    /// <summary>In 120ths.</summary>
    public int Of120 => One + _beyondOne;

    /// <summary>Whether a surface unit is a whole number of pixels.</summary>
    public bool IsWhole => Of120 % One == 0;

    /// <summary>A scale that a compositor told.</summary>
    /// <param name="of120">In 120ths.</param>
    public static SurfaceScale Of(uint of120) => new((int)Math.Clamp(of120, 1u, (uint)Largest));

    /// <summary>A whole scale.</summary>
    /// <param name="factor">1 or more.</param>
    public static SurfaceScale Whole(int factor) => new(Math.Clamp(factor, 1, Largest / One) * One);

    /// <summary>A side's pixels; a half counts as one.</summary>
    /// <param name="units">Surface units, not negative.</param>
    public int ToPixels(int units) => (int)Math.Min(((long)units * Of120 + (One / 2)) / One, int.MaxValue);

    /// <summary>A size's pixels.</summary>
    /// <param name="size">In surface units.</param>
    public BufferSize ToPixels(SurfaceSize size) => new(ToPixels(size.Width), ToPixels(size.Height));

    /// <summary>The size whose pixels come closest to a picture's: it is shown at one pixel a pixel where there is one at this scale.</summary>
    /// <param name="size">In pixels.</param>
    public SurfaceSize ToUnits(BufferSize size) => new(ToUnits(size.Width), ToUnits(size.Height));

    private int ToUnits(int pixels) => (int)Math.Max(1, (((long)pixels * One) + (Of120 / 2)) / Of120);
}
