// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>Places in one of several pictures, as a guest takes them: of all its desktop.</summary>
public sealed class DesktopLayoutTests
{
    [Fact]
    public void With_one_picture_every_place_stays_as_it_is()
    {
        var layout = new DesktopLayout();
        layout.Set(5, new BufferRect(0, 0, 1280, 800));
        Assert.Equal((12345, 32767), Map(layout, 5, 12345, 32767));
        layout.Set(5, default);
        Assert.Equal((12345, 32767), Map(layout, 5, 12345, 32767));
    }

    [Fact]
    public void Pictures_of_their_own_lie_in_a_row()
    {
        var layout = new DesktopLayout();
        layout.Set(0, new BufferRect(0, 0, 1280, 800));
        layout.Set(2, new BufferRect(0, 0, 640, 480));
        layout.Set(9, new BufferRect(0, 0, 1920, 1080));
        AssertPixels(layout, 0, new BufferRect(0, 0, 1280, 800), 3840, 1080);
        AssertPixels(layout, 2, new BufferRect(1280, 0, 640, 480), 3840, 1080);
        AssertPixels(layout, 9, new BufferRect(1920, 0, 1920, 1080), 3840, 1080);
    }

    [Fact]
    public void Parts_of_one_framebuffer_lie_as_they_do_there()
    {
        var layout = new DesktopLayout();
        layout.Set(0, new BufferRect(0, 600, 1024, 768));
        layout.Set(1, new BufferRect(100, 0, 800, 600));
        AssertPixels(layout, 0, new BufferRect(0, 600, 1024, 768), 1024, 1368);
        AssertPixels(layout, 1, new BufferRect(100, 0, 800, 600), 1024, 1368);
    }

    [Fact]
    public void Other_events_than_places_are_left_alone_and_fingers_are_mapped_too()
    {
        var layout = new DesktopLayout();
        layout.Set(0, new BufferRect(0, 0, 100, 100));
        layout.Set(1, new BufferRect(0, 0, 100, 100));
        InputEvent[] frame =
        [
            new(InputEventType.Relative, 0, 7), new(InputEventType.Key, 0x110, 1), new(InputEventType.Absolute, InputCodes.TouchSlot, 3), new(InputEventType.Absolute, InputCodes.TouchId, 9),
            new(InputEventType.Absolute, InputCodes.TouchX, 0), new(InputEventType.Absolute, InputCodes.TouchY, 16384),
        ];
        InputEvent[] expected = [.. frame];
        expected[4] = expected[4] with { Value = 16384 };
        layout.Map(1, frame);
        Assert.Equal(expected, frame);
    }

    private static (int X, int Y) Map(DesktopLayout layout, int scanout, int x, int y)
    {
        InputEvent[] frame = [new(InputEventType.Absolute, InputCodes.AbsoluteX, x), new(InputEventType.Absolute, InputCodes.AbsoluteY, y)];
        layout.Map(scanout, frame);
        return (frame[0].Value, frame[1].Value);
    }

    // Every pixel of the picture, as a window tells it, is that pixel of the desktop.
    private static void AssertPixels(DesktopLayout layout, int scanout, BufferRect place, int width, int height)
    {
        for (var i = 0; i < Math.Max(place.Width, place.Height); i++)
        {
            var (x, y) = (i % place.Width, i % place.Height);
            var mapped = Map(layout, scanout, Scale(x, place.Width), Scale(y, place.Height));
            Assert.Equal((place.X + x, place.Y + y), (mapped.X * width / 32768, mapped.Y * height / 32768));
        }

        static int Scale(int at, int length) => ((at * 32768) + length - 1) / length;
    }
}
