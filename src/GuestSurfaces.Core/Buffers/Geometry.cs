// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Buffers;

/// <summary>A size in buffer pixels.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
public readonly record struct BufferSize(int Width, int Height)
{
    /// <summary>The whole of a buffer of this size.</summary>
    public BufferRect Whole => new(0, 0, Width, Height);

    /// <inheritdoc/>
    public override string ToString() => $"{Width}x{Height}";
}

/// <summary>
/// A rectangle in buffer pixels. Never mixed with surface coordinates, which are another type. Any numbers are allowed: what doesn't fit an int stops at its
/// ends, nothing wraps.
/// </summary>
/// <param name="X">Left edge.</param>
/// <param name="Y">Top edge.</param>
/// <param name="Width">Pixels; 0 or less is empty.</param>
/// <param name="Height">Pixels; 0 or less is empty.</param>
public readonly record struct BufferRect(int X, int Y, int Width, int Height)
{
    /// <summary>Whether it holds no pixel.</summary>
    public bool IsEmpty => Width <= 0 || Height <= 0;

    /// <summary>Right edge, exclusive.</summary>
    public int Right => Saturate(End(X, Width));

    /// <summary>Bottom edge, exclusive.</summary>
    public int Bottom => Saturate(End(Y, Height));

    /// <summary>How many pixels.</summary>
    public long Area => IsEmpty ? 0 : (long)Width * Height;

    /// <summary>The size without the place.</summary>
    public BufferSize Size => new(Width, Height);

    /// <summary>The pixels in both; empty if none.</summary>
    /// <param name="other">The other.</param>
    public BufferRect Intersect(BufferRect other)
    {
        var x = Math.Max(X, other.X);
        var y = Math.Max(Y, other.Y);
        var width = Math.Min(End(X, Width), End(other.X, other.Width)) - x;
        var height = Math.Min(End(Y, Height), End(other.Y, other.Height)) - y;
        return width <= 0 || height <= 0 ? default : new BufferRect(x, y, (int)width, (int)height);
    }

    /// <summary>The smallest rectangle around both.</summary>
    /// <param name="other">The other.</param>
    public BufferRect Union(BufferRect other)
    {
        if (IsEmpty)
            return other;
        if (other.IsEmpty)
            return this;
        var x = Math.Min(X, other.X);
        var y = Math.Min(Y, other.Y);
        var right = Math.Max(End(X, Width), End(other.X, other.Width));
        var bottom = Math.Max(End(Y, Height), End(other.Y, other.Height));
        return new BufferRect(x, y, Saturate(right - x), Saturate(bottom - y));
    }

    /// <summary>Whether every pixel of the other is in this one.</summary>
    /// <param name="other">The other.</param>
    public bool Contains(BufferRect other) =>
        other.IsEmpty || (other.X >= X && other.Y >= Y && End(other.X, other.Width) <= End(X, Width) && End(other.Y, other.Height) <= End(Y, Height));

    /// <summary>The same size elsewhere.</summary>
    /// <param name="dx">Added to X.</param>
    /// <param name="dy">Added to Y.</param>
    public BufferRect Offset(int dx, int dy) => this with { X = Saturate(End(X, dx)), Y = Saturate(End(Y, dy)) };

    /// <inheritdoc/>
    public override string ToString() => $"{Width}x{Height}+{X}+{Y}";

    private static long End(int start, int length) => (long)start + length;

    private static int Saturate(long value) => (int)Math.Clamp(value, int.MinValue, int.MaxValue);
}
