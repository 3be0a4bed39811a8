// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

public sealed class DamageListTests
{
    [Fact]
    public void Empty_rectangles_add_nothing()
    {
        var list = DamageList.Of(default);
        list.Add(new BufferRect(3, 3, 0, 5));
        list.Add(new BufferRect(3, 3, 5, -1));
        Assert.True(list.IsEmpty);
        Assert.Equal(default, list.Bounds);
    }

    [Fact]
    public void A_rectangle_swallows_those_it_covers_and_is_swallowed_by_one_that_covers_it()
    {
        var list = DamageList.Of(new BufferRect(1, 1, 2, 2));
        list.Add(new BufferRect(5, 5, 2, 2));
        list.Add(new BufferRect(0, 0, 10, 10));
        Assert.Equal(1, list.Count);
        list.Add(new BufferRect(2, 2, 3, 3));
        Assert.Equal(1, list.Count);
        Assert.Equal(new BufferRect(0, 0, 10, 10), list[0]);
    }

    [Fact]
    public void However_many_are_added_every_one_stays_covered_and_there_are_sixteen_at_most()
    {
        var random = new Random(3);
        for (var round = 0; round < 200; round++)
        {
            var list = default(DamageList);
            var all = new List<BufferRect>();
            for (var i = 0; i < 60; i++)
            {
                var rect = new BufferRect(random.Next(100), random.Next(100), random.Next(1, 30), random.Next(1, 30));
                all.Add(rect);
                list.Add(rect);
                Assert.InRange(list.Count, 1, 16);
            }

            var bounds = all.Aggregate((a, b) => a.Union(b));
            Assert.Equal(bounds, list.Bounds);
            foreach (var rect in all)
            {
                for (var x = rect.X; x < rect.Right; x += 3)
                    Assert.True(Covers(list, x, rect.Y) && Covers(list, x, rect.Bottom - 1));
            }
        }
    }

    [Fact]
    public void Lists_unite()
    {
        var a = DamageList.Of(new BufferRect(0, 0, 1, 1));
        var b = DamageList.Of(new BufferRect(9, 9, 1, 1));
        a.Add(in b);
        Assert.Equal(2, a.Count);
        Assert.Equal(new BufferRect(0, 0, 10, 10), a.Bounds);
        a.Clear();
        Assert.True(a.IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => a[0]);
    }

    private static bool Covers(DamageList list, int x, int y)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i].Contains(new BufferRect(x, y, 1, 1)))
                return true;
        }

        return false;
    }
}
