// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

public sealed class TestPicturesTests
{
    private static readonly BufferSize s_size = new(129, 67);

    public static TheoryData<string> Names => [.. TestPictures.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Changes_cover_every_pixel_that_differs_from_the_frame_before(string name)
    {
        for (var frame = 1; frame < 20; frame++)
        {
            var changes = TestPictures.Changes(name, s_size, frame).ToList();
            Assert.All(changes, static rect => Assert.Equal(rect, rect.Intersect(s_size.Whole)));
            for (var y = 0; y < s_size.Height; y++)
            {
                for (var x = 0; x < s_size.Width; x++)
                {
                    if (TestPictures.Pixel(name, s_size, frame, x, y) != TestPictures.Pixel(name, s_size, frame - 1, x, y))
                        Assert.Contains(changes, rect => rect.Contains(new BufferRect(x, y, 1, 1)));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void First_frame_changes_everything(string name) => Assert.Equal([s_size.Whole], TestPictures.Changes(name, s_size, 0));

    [Theory]
    [MemberData(nameof(Names))]
    public void Part_is_drawn_pixel_by_pixel_opaque_and_nothing_else_is(string name)
    {
        var part = new BufferRect(5, 7, 31, 11);
        var row = new byte[part.Width * 4];
        var rows = 0;
        TestPictures.Draw(name, s_size, 3, part, row, (y, bytes) =>
        {
            Assert.Equal(part.Y + rows++, y);
            for (var x = 0; x < part.Width; x++)
                Assert.Equal(0xff00_0000 | TestPictures.Pixel(name, s_size, 3, part.X + x, y), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(x * 4)));
        });
        Assert.Equal(part.Height, rows);
    }

    [Fact]
    public void Card_tells_its_corners_apart()
    {
        var (right, bottom) = (s_size.Width - 2, s_size.Height - 2);
        Assert.Equal(
            [0xff0000u, 0x00ff00u, 0x0000ffu, 0xffff00u],
            new[] { (1, 1), (right, 1), (1, bottom), (right, bottom) }.Select(static at => TestPictures.Pixel("card", s_size, 0, at.Item1, at.Item2)));
    }

    [Fact]
    public void Smallest_and_long_running_pictures_stay_inside()
    {
        var size = new BufferSize(1, 1);
        foreach (var name in TestPictures.Names)
        {
            foreach (var frame in (int[])[0, 1, 1000, int.MaxValue - 1])
            {
                Assert.InRange(TestPictures.Pixel(name, size, frame, 0, 0), 0u, 0xff_ffffu);
                Assert.All(TestPictures.Changes(name, size, frame), rect => Assert.Equal(rect, rect.Intersect(size.Whole)));
            }
        }
    }
}
