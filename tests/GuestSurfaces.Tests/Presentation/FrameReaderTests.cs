// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>Pictures read out of frames.</summary>
public sealed class FrameReaderTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_part_of_a_picture_is_read_right_way_up(bool isDmabuf, bool isUpsideDown)
    {
        using var picture = new TestPicture(24, 16, isDmabuf: isDmabuf);
        picture.FillPattern();
        var source = new BufferRect(3, 2, 10, 7);
        var frame = new GuestFrame { Storage = picture.Storage, View = picture.View, Source = source, FlipY = isUpsideDown };
        var problem = "none";
        var rgb = FrameReader.TryReadRgb(in frame, ref problem);
        Assert.Equal("none", problem);
        Assert.Equal(10 * 7 * 3, rgb!.Length);
        for (var y = 0; y < source.Height; y++)
        {
            for (var x = 0; x < source.Width; x++)
            {
                var expected = picture.Get(source.X + x, isUpsideDown ? source.Bottom - 1 - y : source.Y + y);
                var at = ((y * source.Width) + x) * 3;
                Assert.Equal(expected & 0xffffff, ((uint)rgb[at] << 16) | ((uint)rgb[at + 1] << 8) | rgb[at + 2]);
            }
        }
    }

    [Fact]
    public void A_picture_that_its_memory_does_not_hold_and_one_that_only_a_GPU_reads_are_told_so()
    {
        using var picture = new TestPicture(24, 16);
        var problem = "";
        var large = new BufferSize(24, 4000);
        var frame = new GuestFrame { Storage = picture.Storage, View = new BufferView(large, DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 24 * 4), Source = large.Whole };
        Assert.Null(FrameReader.TryReadRgb(in frame, ref problem));
        Assert.Contains("too small", problem, StringComparison.Ordinal);
        frame = new GuestFrame { Storage = picture.Storage, View = new BufferView(picture.Whole.Size, DrmFormat.Xrgb8888, new DrmModifier(0x0100000000000001), 0, 24 * 4), Source = picture.Whole };
        Assert.Null(FrameReader.TryReadRgb(in frame, ref problem));
        Assert.Contains("only a GPU", problem, StringComparison.Ordinal);
    }
}
