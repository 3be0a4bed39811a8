// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>The guest's cursor where the user's pointer is.</summary>
public sealed class PointerCursorTests : IDisposable
{
    private readonly TestPicture _picture = new(64, 48);

    public void Dispose() => _picture.Dispose();

    [Fact]
    public void A_pointer_on_the_picture_looks_like_the_guests_cursor_and_that_stands_nowhere_else()
    {
        using var f = Open();
        var image = Set(f, x: 20, y: 10);
        var overlay = f.Window.Surface.Children[0];
        Assert.True(overlay.IsMapped);
        Point(f);
        Assert.False(overlay.IsMapped);
        AssertWears(f, image);
        Assert.Equal((3, 2), f.Compositor.Seat!.Hotspot);
        Leave(f);
        f.Refresh(); // which the image set before had asked for
        Assert.True(overlay.IsMapped);
        f.Window.Render().AssertShows(64, image, image.Whole, 17, 8);
        Point(f);
        AssertWears(f, image);
    }

    [Fact]
    public void Where_the_guest_moves_its_cursor_does_not_matter_while_the_pointer_shows_it()
    {
        using var f = Open();
        Point(f);
        Set(f, x: 20, y: 10);
        f.Refresh();
        var commits = (f.Window.Surface.Commits, f.Compositor.Seat!.Cursor!.Commits);
        for (var i = 0; i < 10; i++)
        {
            f.Presenter.MoveCursor(0, i, i);
            f.Refresh();
        }

        Assert.Equal(commits, (f.Window.Surface.Commits, f.Compositor.Seat.Cursor!.Commits));
        Leave(f);
        Assert.Equal((6, 7), f.Window.Surface.Children[0].Position);
    }

    [Fact]
    public void A_hidden_cursor_is_no_cursor_and_the_next_one_is_seen_again()
    {
        using var f = Open();
        Point(f);
        Assert.Null(f.Compositor.Seat!.Cursor);
        Assert.Single(f.Compositor.Seat.Hidden);
        var image = Set(f, x: 20, y: 10);
        AssertWears(f, image);
        f.Presenter.SetCursor(0, default, 0, 0);
        f.Pump();
        Assert.Null(f.Compositor.Seat.Cursor);
        f.Refresh();
        Assert.Equal(0, image.Storage.LockCount);
        AssertWears(f, Set(f, x: 20, y: 10));
    }

    [Fact]
    public void An_image_of_another_size_brings_its_own_hotspot()
    {
        using var f = Open();
        Point(f);
        Set(f, x: 20, y: 10);
        var large = Set(f, x: 20, y: 10, side: 128, hotX: 100, hotY: 127);
        AssertWears(f, large);
        Assert.Equal((100, 127), f.Compositor.Seat!.Hotspot);
    }

    [Fact]
    public void It_grows_with_the_picture_and_points_with_the_same_pixel()
    {
        using var f = Open();
        Point(f);
        Set(f, x: 20, y: 10);
        f.Window.Configure(192, 144);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal((24, 24), f.Compositor.Seat!.Cursor!.Size);
        Assert.Equal((10, 7), f.Compositor.Seat.Hotspot); // the middles of the pixels 3 and 2
    }

    [Fact]
    public void A_guest_that_changes_its_cursor_faster_than_the_compositor_takes_it_skips_some_and_ends_with_the_last()
    {
        using var f = Open();
        Point(f);
        var before = Set(f, x: 20, y: 10);
        var commits = f.Compositor.Seat!.Cursor!.Commits;
        var images = Enumerable.Range(0, 20).Select(_ => SetWithoutPump(f, x: 20, y: 10)).ToList();
        f.Pump();
        Assert.Equal(commits + 2, f.Compositor.Seat.Cursor!.Commits);
        AssertWears(f, images[^1]);
        f.Refresh();
        Assert.Equal(0, before.Storage.LockCount);
        Assert.All(images[..^1], static image => Assert.Equal(0, image.Storage.LockCount));
    }

    [Fact]
    public void Without_a_pointer_any_more_the_cursor_stands_in_the_picture()
    {
        using var f = Open();
        Point(f);
        var image = Set(f, x: 20, y: 10);
        f.Compositor.Seat!.Change(WlSeatCapability.Keyboard);
        f.Compositor.Client.Flush();
        f.Pump();
        f.Window.Render().AssertShows(64, image, image.Whole, 17, 8);
        f.Compositor.Seat.Change(WlSeatCapability.Keyboard | WlSeatCapability.Pointer);
        f.Compositor.Client.Flush();
        f.Pump();
        Point(f);
        AssertWears(f, image);
        f.Presenter.Takes = InputKinds.None;
        f.Pump();
        f.Refresh();
        f.Window.Render().AssertShows(64, image, image.Whole, 17, 8);
    }

    [Fact]
    public void A_window_that_goes_takes_its_cursor_along_and_gives_its_locks_back()
    {
        using var f = Open();
        Point(f);
        var image = Set(f, x: 20, y: 10);
        f.Presenter.Disable(0);
        f.Pump();
        Leave(f, f.Compositor.Seat!.Cursor!); // its surface is gone: any other is as good
        f.Show(_picture);
        Point(f);
        f.Refresh();
        Assert.Null(f.Compositor.Seat.Cursor);
        Assert.Equal(0, image.Storage.LockCount);
    }

    [Fact]
    public void A_compositor_that_goes_gives_the_locks_back()
    {
        using var f = Open();
        Point(f);
        var image = Set(f, x: 20, y: 10);
        f.Compositor.Die();
        f.Presenter.Dispatch();
        Assert.Equal(0, image.Storage.LockCount);
    }

    private static void AssertWears(PresenterFixture f, TestPicture image)
    {
        var cursor = f.Compositor.Seat!.Cursor;
        Assert.NotNull(cursor);
        Assert.Equal((image.View.Size.Width, image.View.Size.Height), cursor.Size);
        for (var y = 0; y < image.View.Size.Height; y++)
        {
            for (var x = 0; x < image.View.Size.Width; x++)
                Assert.Equal(image.Get(x, y), cursor.Pixel(x, y));
        }
    }

    private static void Point(PresenterFixture f)
    {
        f.Compositor.Seat!.Point(f.Window.Surface, 5, 5);
        f.Compositor.Seat.Pointer!.SendFrame();
        f.Compositor.Client.Flush();
        f.Pump();
    }

    private static void Leave(PresenterFixture f, FakeSurface? surface = null)
    {
        f.Compositor.Seat!.PointElsewhere(surface ?? f.Window.Surface);
        f.Compositor.Client.Flush();
        f.Pump();
    }

    private static TestPicture Set(PresenterFixture f, int x, int y, int side = 8, int hotX = 3, int hotY = 2)
    {
        var image = SetWithoutPump(f, x, y, side, hotX, hotY);
        f.Pump();
        return image;
    }

    private static TestPicture SetWithoutPump(PresenterFixture f, int x, int y, int side = 8, int hotX = 3, int hotY = 2)
    {
        var image = new TestPicture(side, side, DrmFormat.Argb8888);
        image.Fill(image.Whole, static (px, py) => TestPicture.Pattern(px, py, 9) | 0xff00_0000);
        image.Storage.Lock();
        f.Presenter.SetCursor(0, new CursorImage(image.Storage, image.View.Size, hotX, hotY), x, y);
        return image;
    }

    private PresenterFixture Open()
    {
        var f = new PresenterFixture(new FakeCompositorOptions { SeatVersion = 8 });
        f.Presenter.Takes = InputKinds.Keyboard | InputKinds.Pointer;
        f.Show(_picture);
        return f;
    }
}
