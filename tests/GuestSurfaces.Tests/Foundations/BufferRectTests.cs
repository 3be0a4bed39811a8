// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

/// <summary>Rectangles of numbers that nobody has checked yet.</summary>
public sealed class BufferRectTests
{
    private static readonly int[] s_numbers = [int.MinValue, int.MinValue + 1, -2, -1, 0, 1, 2, 100, int.MaxValue - 1, int.MaxValue];

    [Fact]
    public void No_numbers_make_a_rectangle_wrap()
    {
        var screen = new BufferRect(0, 0, 100, 100);
        foreach (var x in s_numbers)
        {
            foreach (var width in s_numbers)
            {
                var rect = new BufferRect(x, x, width, width);
                var right = Math.Clamp((long)x + width, int.MinValue, int.MaxValue);
                Assert.Equal((right, right), (rect.Right, rect.Bottom));
                var left = Math.Max(x, 0);
                var inside = Math.Min(right, 100) - left;
                var expected = width <= 0 || inside <= 0 ? default : new BufferRect(left, left, (int)inside, (int)inside);
                Assert.Equal(expected, rect.Intersect(screen));
                Assert.Equal(expected, screen.Intersect(rect));
                Assert.Equal(width <= 0 || (x >= 0 && right <= 100), screen.Contains(rect));
                var union = screen.Union(rect);
                Assert.False(union.IsEmpty);
                if (width <= 0 || Math.Max(right, 100) - Math.Min(x, 0) <= int.MaxValue)
                    Assert.True(union.Contains(screen));
                foreach (var other in s_numbers)
                    Assert.Equal(Math.Clamp((long)x + other, int.MinValue, int.MaxValue), rect.Offset(other, 0).X);
            }
        }

        Assert.True(new BufferRect(int.MaxValue - 1, 0, 1, 1).Intersect(new BufferRect(int.MinValue, 0, 1, 1)).IsEmpty);
    }
}
