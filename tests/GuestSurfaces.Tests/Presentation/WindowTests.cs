// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

public class WindowTests
{
    [Fact]
    public void Another_title_is_for_every_window_and_for_those_that_are_still_to_come()
    {
        using var f = new PresenterFixture();
        using var picture = new TestPicture(16, 16);
        f.Show(picture);
        f.Presenter.SetTitle("Debian", " (disconnected)");
        f.Pump();
        Assert.Equal("Debian (disconnected)", f.Window.Title);
        f.Show(picture, scanout: 1);
        Assert.Equal(["Debian (disconnected)", "Debian (2) (disconnected)"], f.Compositor.Toplevels.Select(static t => t.Title));
    }

    [Fact]
    public void First_frame_makes_a_window_with_title_and_app_id_and_shows_its_pixels()
    {
        using var f = new PresenterFixture();
        Assert.Empty(f.Compositor.Toplevels);
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        Assert.Equal("Fedora", f.Window.Title);
        Assert.Equal("org.guestsurfaces.Fedora", f.Window.AppId);
        Assert.Equal((0, 0, 40, 30), f.Window.Geometry);
        Assert.True(f.Window.Surface.HasOpaqueRegion);
        Assert.Null(f.Window.Surface.Destination);
        f.Window.Render().AssertShows(40, picture, picture.Whole);
    }

    [Fact]
    public void Second_scanout_has_a_window_with_a_number()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Show(new TestPicture(40, 30), scanout: 1);
        Assert.Equal(["Fedora", "Fedora (2)"], f.Compositor.Toplevels.Select(static t => t.Title));
    }

    [Fact]
    public void No_buffer_is_attached_before_the_first_configure()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { ConfigureAtOnce = false });
        f.Show(new TestPicture(40, 30));
        Assert.False(f.Window.Surface.IsMapped);
        Assert.Empty(f.Events.Committed);
        f.Window.Configure(0, 0);
        f.Pump();
        Assert.True(f.Window.Surface.IsMapped);
        Assert.True(f.Window.IsSettled);
        Assert.Equal([1UL], f.Events.Committed);
    }

    [Fact]
    public void Frame_presented_before_the_connection_is_set_up_is_shown()
    {
        var clock = new VirtualClock();
        using var compositor = new FakeCompositor(new FakeCompositorOptions(), clock);
        var events = new RecordedEvents();
        using var presenter = new WaylandPresenter(
            compositor.ClientConnection, new TimerQueue(clock), new FakeDmabufSync(), events, new PresenterOptions(), new(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var picture = new TestPicture(40, 30);
        picture.Storage.Lock();
        presenter.Present(0, new() { Storage = picture.Storage, View = picture.View, Source = picture.Whole, Serial = 1 });
        for (var i = 0; i < 8; i++)
        {
            compositor.Dispatch();
            presenter.Dispatch();
        }

        Assert.Equal([1UL], events.Committed);
    }

    [Fact]
    public void Ping_is_answered_also_without_windows()
    {
        using var f = new PresenterFixture();
        f.Compositor.Ping(77);
        f.Pump();
        Assert.Equal([77u], f.Compositor.Pongs);
    }

    [Fact]
    public void Closing_the_window_is_a_wish_that_the_session_hears()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Window.Close();
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal([0], f.Events.Closes);
        Assert.True(f.Window.Surface.IsMapped);
    }

    [Fact]
    public void Server_side_decoration_is_asked_for_where_it_is_offered()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Decorations = true });
        f.Show(new TestPicture(40, 30));
        Assert.Equal(ZxdgToplevelDecorationV1Mode.ServerSide, f.Window.Decoration);
    }

    [Fact]
    public void Decoration_is_not_asked_for_if_the_options_say_so()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Decorations = true }, new PresenterOptions { Decorations = false });
        f.Show(new TestPicture(40, 30));
        Assert.Null(f.Window.Decoration);
    }

    [Fact]
    public void Fullscreen_is_asked_for_before_the_window_is_mapped()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { ConfigureAtOnce = false }, new PresenterOptions { Placement = WindowPlacement.Fullscreen });
        f.Show(new TestPicture(40, 30));
        Assert.True(f.Window.AsksForFullscreen);
    }

    [Fact]
    public void Every_configure_is_acknowledged_and_answered_by_a_commit_even_with_no_frame_and_no_refresh()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Window.Configure(80, 60, XdgToplevelState.Resizing);
        f.Window.Configure(100, 60, XdgToplevelState.Resizing);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.True(f.Window.IsSettled);
        Assert.Equal((80, 60), f.Window.Surface.Size);
    }

    [Fact]
    public void Blank_turns_the_window_black_and_the_next_frame_is_shown_whole()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        f.Refresh();
        f.Presenter.Blank(0);
        f.Pump();
        Assert.All(f.Window.Render(), static pixel => Assert.Equal(0u, pixel));
        f.Refresh();
        Assert.Equal(0, picture.Storage.LockCount);
        f.Show(picture, DamageList.Of(new BufferRect(0, 0, 1, 1)));
        f.Window.Render().AssertShows(40, picture, picture.Whole);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Blank_works_with_and_without_viewporter_and_single_pixel_buffers(bool viewporter, bool singlePixel)
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Viewporter = viewporter, SinglePixel = singlePixel });
        f.Show(new TestPicture(40, 30).FillPattern());
        f.Presenter.Blank(0);
        f.Pump();
        Assert.Equal((40, 30), f.Window.Surface.Size);
        Assert.All(f.Window.Render(), static pixel => Assert.Equal(0u, pixel));
    }

    [Fact]
    public void Blank_supersedes_the_frame_that_waits()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        var waiting = new TestPicture(40, 30);
        f.Show(waiting);
        f.Presenter.Blank(0);
        f.Pump();
        Assert.Equal([2UL], f.Events.Superseded);
        Assert.Equal(0, waiting.Storage.LockCount);
    }

    [Fact]
    public void Disable_destroys_the_window_in_order_and_gives_everything_back()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Decorations = true });
        var shown = new TestPicture(40, 30);
        var waiting = new TestPicture(40, 30);
        f.Show(shown);
        f.Show(waiting);
        f.Presenter.Disable(0);
        f.Pump();
        Assert.Empty(f.Compositor.Surfaces);
        Assert.Empty(f.Compositor.Client.Resources<XdgToplevelResource>());
        Assert.Empty(f.Compositor.Client.Resources<XdgSurfaceResource>());
        Assert.Empty(f.Compositor.Client.Resources<WpViewportResource>());
        Assert.Empty(f.Compositor.Buffers);
        Assert.Equal(0, shown.Storage.LockCount + waiting.Storage.LockCount);
        Assert.Equal([1UL, 2UL], f.Events.Settled.Order());
        Assert.Null(f.Lost);
    }

    [Fact]
    public void Frame_after_Disable_makes_a_new_window()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        f.Presenter.Disable(0);
        f.Pump();
        f.Show(picture);
        Assert.Equal(2, f.Compositor.Toplevels.Count);
        f.Window.Render().AssertShows(40, picture, picture.Whole);
    }

    [Fact]
    public void Wl_buffers_and_pool_go_when_the_storage_closes()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Release = ReleaseMode.AtCommit });
        var picture = new TestPicture(40, 30);
        f.Show(picture);
        Assert.Single(f.Compositor.Buffers);
        Assert.Equal(1, f.Compositor.Pools);
        picture.Storage.Drop();
        Assert.True(picture.Storage.IsClosed);
        f.Presenter.MoveCursor(0, 0, 0); // anything that flushes
        f.Pump();
        Assert.Empty(f.Compositor.Buffers);
        Assert.Equal(0, f.Compositor.Pools);
    }

    [Fact]
    public void One_wl_buffer_serves_a_storage_that_is_shown_again_and_again()
    {
        using var f = new PresenterFixture();
        var a = new TestPicture(40, 30);
        var b = new TestPicture(40, 30);
        for (var i = 0; i < 10; i++)
        {
            f.Show(i % 2 == 0 ? a : b);
            f.Refresh();
        }

        Assert.Equal(2, f.Compositor.Buffers.Count);
        Assert.Equal(2, f.Compositor.Pools);
    }

    [Fact]
    public void A_guest_that_pans_around_in_one_storage_leaves_no_heap_of_wl_buffers()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(100, 100).FillPattern();
        for (var i = 0; i < 50; i++)
        {
            var source = new BufferRect(i, i, 40, 30);
            f.Show(picture, source: source);
            f.Refresh();
            f.Window.Render().AssertShows(40, picture, source);
        }

        Assert.True(f.Compositor.Buffers.Count <= 8, $"{f.Compositor.Buffers.Count} wl_buffers");
    }

    [Fact]
    public void Compositor_without_a_shell_is_reported_as_unfit()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Shell = false });
        Assert.Contains("xdg_wm_base", f.Lost?.Message);
        Assert.False(f.Presenter.IsConnected);
    }

    [Fact]
    public void Compositor_that_dies_costs_the_windows_and_nothing_else()
    {
        using var f = new PresenterFixture();
        var shown = new TestPicture(40, 30);
        var waiting = new TestPicture(40, 30);
        f.Show(shown);
        f.Show(waiting);
        f.Compositor.Die();
        f.Presenter.Dispatch();
        Assert.Equal(WaylandFailureKind.Closed, f.Lost?.Kind);
        Assert.Equal([1UL, 2UL], f.Events.Settled.Order());
        Assert.Equal(0, shown.Storage.LockCount + waiting.Storage.LockCount);

        // The guest goes on: each frame is unlocked at once, and answered when the next one comes.
        for (var i = 0; i < 3; i++)
        {
            var frame = f.Frame(shown);
            f.Presenter.Present(0, in frame);
            Assert.Equal(0, shown.Storage.LockCount);
        }

        f.Presenter.SetCursor(0, default, 0, 0);
        f.Presenter.Blank(0);
        f.Presenter.Disable(0);
        Assert.Equal([1UL, 2UL, 3UL, 4UL, 5UL], f.Events.Settled.Order());
    }

    [Fact]
    public void Refresh_rate_of_the_output_that_shows_the_window_is_told()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { RefreshMilliHz = 59_940 });
        f.Show(new TestPicture(40, 30));
        Assert.Empty(f.Events.Refreshes);
        f.Compositor.EnterOutput(f.Window.Surface);
        f.Pump();
        f.Compositor.ChangeRefresh(144_000);
        f.Pump();
        Assert.Equal([59_940, 144_000], f.Events.Refreshes);
        Assert.Empty(f.Events.Modes);
    }

    [Fact]
    public void Resize_asks_the_guest_for_a_mode_only_if_the_options_say_so()
    {
        using var off = new PresenterFixture();
        off.Show(new TestPicture(40, 30));
        off.Window.Configure(80, 60);
        off.Compositor.Client.Flush();
        off.Pump();
        Assert.Empty(off.Events.Modes);

        using var on = new PresenterFixture(options: new PresenterOptions { ResizeGuest = true });
        on.Show(new TestPicture(40, 30));
        on.Window.Configure(90, 70, XdgToplevelState.Resizing);
        on.Window.Configure(80, 60);
        on.Compositor.Client.Flush();
        on.Pump();
        Assert.Equal([new BufferSize(90, 70), new BufferSize(80, 60)], on.Events.Modes.Select(static m => m.Size));
    }

    [Fact]
    public void A_storage_that_closes_takes_its_wl_buffer_and_its_pool_with_it_though_no_frame_follows()
    {
        using var f = new PresenterFixture();
        using var first = new TestPicture(40, 30);
        using var second = new TestPicture(40, 30);
        f.Show(first);
        f.Refresh();
        f.Show(second);
        f.Refresh();
        Assert.Equal((2, 2), (f.Compositor.Buffers.Count, f.Compositor.Pools));
        first.Storage.Drop();
        Assert.True(first.Storage.IsClosed);
        f.Timers.RunDue(); // neither the guest nor the compositor gives the presenter another turn
        f.Compositor.Dispatch();
        Assert.Equal((1, 1), (f.Compositor.Buffers.Count, f.Compositor.Pools));
    }
}
