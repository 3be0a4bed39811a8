// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Geometry;

/// <summary>A size in surface coordinates: what a compositor lays out. Never mixed with buffer pixels, which are another type.</summary>
/// <param name="Width">Surface units; 0 in a configure event means "as you like".</param>
/// <param name="Height">Likewise.</param>
internal readonly record struct SurfaceSize(int Width, int Height)
{
    /// <summary>Whether it holds nothing, or leaves the choice.</summary>
    public bool IsEmpty => Width <= 0 || Height <= 0;

    /// <summary>One surface unit per buffer pixel: buffer scale 1.</summary>
    /// <param name="size">In buffer pixels.</param>
    public static SurfaceSize Of(BufferSize size) => new(size.Width, size.Height);

    /// <inheritdoc/>
    public override string ToString() => $"{Width}x{Height}";
}

/// <summary>A rectangle in surface coordinates.</summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">Surface units.</param>
/// <param name="Height">Surface units.</param>
internal readonly record struct SurfaceRect(int X, int Y, int Width, int Height)
{
    /// <summary>Whether it holds nothing.</summary>
    public bool IsEmpty => Width <= 0 || Height <= 0;

    /// <summary>Right edge, exclusive.</summary>
    public int Right => X + Width;

    /// <summary>Bottom edge, exclusive.</summary>
    public int Bottom => Y + Height;

    /// <summary>The size without the place.</summary>
    public SurfaceSize Size => new(Width, Height);

    /// <inheritdoc/>
    public override string ToString() => $"{Width}x{Height}+{X}+{Y}";
}
