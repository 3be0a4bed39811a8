// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

public class CursorTests
{
    [Fact]
    public void Cursor_is_shown_with_its_hotspot_at_its_place()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        var image = Set(f, x: 20, y: 10);
        var cursor = Assert.Single(f.Window.Surface.Children);
        Assert.Equal((17, 8), cursor.Position);
        Assert.True(cursor.IsDesync);
        Assert.True(cursor.HasEmptyInputRegion);
        Assert.Equal((uint)WlShmFormat.Argb8888, cursor.Buffer!.Format);
        f.Window.Render().AssertShows(64, image, image.Whole, 17, 8);
        Assert.Equal((0, 0, 64, 48), f.Window.Geometry);
    }

    [Fact]
    public void Cursor_set_before_the_first_frame_appears_with_the_window()
    {
        using var f = new PresenterFixture();
        var image = Set(f, x: 20, y: 10);
        f.Show(new TestPicture(64, 48));
        f.Window.Render().AssertShows(64, image, image.Whole, 17, 8);
    }

    [Fact]
    public void Cursor_moves_at_once_and_then_once_a_refresh()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        Set(f, x: 20, y: 10);
        f.Refresh();
        var cursor = f.Window.Surface.Children[0];
        var commits = f.Window.Surface.Commits;
        for (var i = 0; i < 10; i++)
        {
            f.Presenter.MoveCursor(0, 30 + i, 20);
            f.Pump();
        }

        Assert.Equal(commits + 1, f.Window.Surface.Commits);
        Assert.Equal((27, 18), cursor.Position);
        f.Refresh();
        Assert.Equal((36, 18), cursor.Position);
    }

    [Fact]
    public void Images_in_a_row_are_shown_once_a_refresh()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        Set(f, x: 20, y: 10);
        var cursor = f.Window.Surface.Children[0];
        f.Refresh();
        var images = Enumerable.Range(0, 10).Select(_ => Set(f, x: 20, y: 10)).ToList();
        Assert.Equal(2, cursor.Commits);
        f.Refresh();
        Assert.Equal(3, cursor.Commits);
        f.Window.Render().AssertShows(64, images[^1], images[^1].Whole, 17, 8);
        f.Refresh();
        Assert.All(images[..^1], static image => Assert.Equal(0, image.Storage.LockCount));
    }

    [Fact]
    public void Cursor_move_goes_along_with_a_frame()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(64, 48);
        f.Show(picture);
        Set(f, x: 20, y: 10);
        f.Presenter.MoveCursor(0, 30, 20); // the throttle is busy with the image
        f.Pump();
        f.Show(picture);
        f.Window.Surface.CallbackOnly(0);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal((27, 18), f.Window.Surface.Children[0].Position);
    }

    [Fact]
    public void Cursor_at_the_edge_is_cut_off_and_hidden_beyond_it()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        var image = Set(f, x: 0, y: 0);
        var cursor = f.Window.Surface.Children[0];
        Assert.Equal((0, 0), cursor.Position);
        Assert.Equal((5, 6), cursor.Size);
        f.Window.Render().AssertShows(64, image, new BufferRect(3, 2, 5, 6));
        f.Refresh();
        f.Presenter.MoveCursor(0, 500, 500);
        f.Pump();
        Assert.False(cursor.IsMapped);
        f.Refresh();
        f.Presenter.MoveCursor(0, 20, 20);
        f.Pump();
        Assert.True(cursor.IsMapped);
    }

    [Fact]
    public void Cursor_grows_with_the_picture()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        Set(f, x: 20, y: 10);
        f.Window.Configure(128, 96);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal((34, 16), f.Window.Surface.Children[0].Position);
        Assert.Equal((16, 16), f.Window.Surface.Children[0].Size);
    }

    [Fact]
    public void Replaced_hidden_and_unshowable_cursors_give_their_locks_back()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        var first = Set(f, x: 20, y: 10);
        var second = Set(f, x: 20, y: 10);
        f.Refresh();
        f.Refresh();
        Assert.Equal(0, first.Storage.LockCount);
        f.Presenter.SetCursor(0, default, 0, 0);
        f.Pump();
        f.Refresh();
        Assert.Equal(0, second.Storage.LockCount);
        Assert.False(f.Window.Surface.Children[0].IsMapped);
        f.Pump();
        Assert.Equal(2, f.Compositor.Buffers.Count); // the picture, and the last cursor until its storage closes
        var third = Set(f, x: 20, y: 10);
        f.Presenter.Disable(0);
        f.Pump();
        Assert.Equal(0, third.Storage.LockCount);
    }

    [Fact]
    public void Without_subsurfaces_there_is_no_cursor_and_no_lock_is_kept_after_it()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Subcompositor = false });
        f.Show(new TestPicture(64, 48));
        var image = Set(f, x: 20, y: 10);
        f.Presenter.SetCursor(0, default, 0, 0);
        f.Pump();
        Assert.Equal(0, image.Storage.LockCount);
    }

    private static TestPicture Set(PresenterFixture f, int x, int y)
    {
        var image = new TestPicture(8, 8, DrmFormat.Argb8888);
        image.Fill(image.Whole, static (px, py) => TestPicture.Pattern(px, py, 9) | 0xff00_0000);
        image.Storage.Lock();
        f.Presenter.SetCursor(0, new CursorImage(image.Storage, image.View.Size, 3, 2), x, y);
        f.Pump();
        return image;
    }
}
