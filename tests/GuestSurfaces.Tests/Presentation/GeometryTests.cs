// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

public class GeometryTests
{
    [Fact]
    public void Letterbox_fits_touches_two_edges_and_keeps_the_shape_to_a_pixel() =>
        Prop.ForAll<ushort, ushort, Tuple<ushort, ushort>>((w, h, picture) =>
        {
            var space = new SurfaceSize(w + 1, h + 1);
            var size = new BufferSize(picture.Item1 + 1, picture.Item2 + 1);
            var fitted = Letterbox.Fit(space, size);
            var touches = fitted.Width == space.Width || fitted.Height == space.Height;
            var exactHeight = (double)fitted.Width * size.Height / size.Width;
            var exactWidth = (double)fitted.Height * size.Width / size.Height;
            var isShaped = Math.Abs(fitted.Height - exactHeight) <= 1 || Math.Abs(fitted.Width - exactWidth) <= 1;
            return fitted.Width >= 1 && fitted.Height >= 1 && fitted.Width <= space.Width && fitted.Height <= space.Height && touches && isShaped;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Window_follows_the_guests_mode_until_the_user_resizes_and_again_after_the_next_mode()
    {
        var sizing = default(WindowSizing);
        sizing.Configure(default, WindowStates.None);
        Assert.Equal(new SurfaceSize(640, 480), Arrange(ref sizing, 640, 480).Window);
        sizing.Configure(new SurfaceSize(640, 480), WindowStates.None); // an echo: the focus changed
        Assert.Equal(new SurfaceSize(800, 600), Arrange(ref sizing, 800, 600).Window);
        sizing.Configure(new SurfaceSize(640, 480), WindowStates.None); // an echo that was under way
        Assert.Equal(new SurfaceSize(800, 600), Arrange(ref sizing, 800, 600).Window);
        sizing.Configure(new SurfaceSize(1000, 1000), WindowStates.Resizing);
        Assert.Equal(new SurfaceSize(1000, 750), Arrange(ref sizing, 800, 600).Window);
        sizing.Configure(new SurfaceSize(1000, 750), WindowStates.None);
        Assert.Equal(new SurfaceSize(1000, 750), Arrange(ref sizing, 800, 600).Window);
        Assert.Equal(new SurfaceSize(1024, 768), Arrange(ref sizing, 1024, 768).Window);
    }

    [Fact]
    public void Fullscreen_window_takes_the_pictures_shape_and_maximized_one_has_bars()
    {
        var sizing = default(WindowSizing);
        sizing.Configure(new SurfaceSize(1920, 1080), WindowStates.Fullscreen);
        Assert.Equal(new WindowLayout(new(1440, 1080), new(0, 0, 1440, 1080)), Arrange(ref sizing, 640, 480));
        sizing.Configure(new SurfaceSize(1920, 1080), WindowStates.Exact);
        Assert.Equal(new WindowLayout(new(1920, 1080), new(240, 0, 1440, 1080)), Arrange(ref sizing, 640, 480));
        sizing.Configure(default, WindowStates.None);
        Assert.Equal(new WindowLayout(new(640, 480), new(0, 0, 640, 480)), Arrange(ref sizing, 640, 480));
    }

    [Theory]
    [InlineData(120)]
    [InlineData(150)]
    [InlineData(160)]
    [InlineData(180)]
    [InlineData(210)]
    [InlineData(240)]
    [InlineData(330)]
    public void A_size_in_pixels_is_the_size_on_the_screen_that_it_came_from_at_every_scale(uint of120)
    {
        var scale = SurfaceScale.Of(of120);
        for (var units = 1; units < 5000; units++)
            Assert.Equal(units, scale.ToUnits(scale.ToPixels(new SurfaceSize(units, 1))).Width);
    }

    [Theory]
    [InlineData(120, 1000, 700, 960, 700)]
    [InlineData(120, 1024, 700, 1024, 700)]
    [InlineData(120, 300, 200, 300, 200)] // a fifth of it would be missed
    [InlineData(180, 700, 401, 960, 602)] // 1024 pixels are no width that a window can have here
    [InlineData(240, 600, 400, 1152, 800)]
    public void A_floating_window_asks_for_a_width_that_imports_well_and_the_whole_answer_fits_it_one_to_one(uint of120, int width, int height, int askedWidth, int askedHeight)
    {
        var scale = SurfaceScale.Of(of120);
        var sizing = new WindowSizing { IsFollowed = true };
        sizing.Rescale(scale, 0);
        Arrange(ref sizing, 640, 480);
        sizing.Configure(new SurfaceSize(width, height), WindowStates.Resizing);
        Assert.Equal(new BufferSize(askedWidth, askedHeight), sizing.Wanted);
        sizing.Configure(new SurfaceSize(width, height), WindowStates.None);
        var layout = Arrange(ref sizing, askedWidth, askedHeight);
        Assert.Equal(layout.Window, layout.Content.Size);
        Assert.Equal(new BufferSize(askedWidth, askedHeight), scale.ToPixels(layout.Content.Size));
        Assert.Equal(default, sizing.Wanted); // answered
        Assert.Equal(layout, Arrange(ref sizing, askedWidth, askedHeight));
        Assert.Equal(scale.ToUnits(new BufferSize(800, 600)), Arrange(ref sizing, 800, 600).Window); // the guest's own choice
    }

    [Fact]
    public void A_picture_that_answers_an_older_wish_does_not_end_the_newer_one_and_is_never_stretched()
    {
        var sizing = new WindowSizing { IsFollowed = true };
        Arrange(ref sizing, 640, 480);
        sizing.Configure(new SurfaceSize(1280, 400), WindowStates.None);
        sizing.Configure(new SurfaceSize(1024, 1024), WindowStates.None);
        Assert.Equal(new SurfaceSize(1024, 320), Arrange(ref sizing, 1280, 400).Window);
        Assert.Equal(new BufferSize(1024, 1024), sizing.Wanted);
        Assert.Equal(new SurfaceSize(1024, 1024), Arrange(ref sizing, 1024, 1024).Window);
    }

    [Fact]
    public void A_guest_that_rounds_the_mode_is_shown_pixel_by_pixel_between_bars()
    {
        var sizing = new WindowSizing { IsFollowed = true };
        Arrange(ref sizing, 640, 480);
        sizing.Configure(new SurfaceSize(1366, 768), WindowStates.Exact);
        Assert.Equal(new WindowLayout(new(1366, 768), new(3, 0, 1360, 768)), Arrange(ref sizing, 1360, 768));
        sizing.Configure(new SurfaceSize(1366, 768), WindowStates.Fullscreen);
        Assert.Equal(new WindowLayout(new(1366, 768), new(3, 0, 1360, 768)), Arrange(ref sizing, 1360, 768));
    }

    [Fact]
    public void A_window_that_was_maximized_becomes_as_large_as_it_was_whether_the_compositor_remembers_or_not()
    {
        foreach (var restored in (SurfaceSize[])[default, new SurfaceSize(640, 480)])
        {
            var sizing = new WindowSizing { IsFollowed = true };
            Arrange(ref sizing, 640, 480);
            sizing.Configure(new SurfaceSize(1920, 1080), WindowStates.Exact);
            Arrange(ref sizing, 1920, 1080);
            sizing.Configure(restored, WindowStates.None);
            Assert.Equal(new BufferSize(640, 480), sizing.Wanted);
            Assert.Equal(new SurfaceSize(640, 480), Arrange(ref sizing, 640, 480).Window);
        }
    }

    [Fact]
    public void Picture_of_exactly_the_windows_size_is_not_scaled()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { ConfigureAtOnce = false });
        f.Show(new TestPicture(40, 30));
        f.Window.Configure(40, 30, XdgToplevelState.Maximized);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Null(f.Window.Surface.Destination);
        Assert.Null(f.Window.Surface.Source);
        Assert.Empty(f.Window.Surface.Children);
    }

    [Theory]
    [InlineData(80, 30, 20, 0)]
    [InlineData(40, 50, 0, 10)]
    [InlineData(81, 30, 20, 0)]
    public void Maximized_window_of_another_shape_has_black_bars_and_the_picture_in_the_middle(int width, int height, int left, int top)
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        f.Window.Configure(width, height, XdgToplevelState.Maximized, XdgToplevelState.Activated);
        f.Compositor.Client.Flush();
        f.Pump();
        var screen = f.Window.Render();
        Assert.Equal(width * height, screen.Length);
        screen.AssertShows(width, picture, picture.Whole, left, top);
        for (var i = 0; i < screen.Length; i++)
        {
            var (x, y) = (i % width, i / width);
            if (x < left || x >= left + 40 || y < top || y >= top + 30)
                Assert.Equal(0u, screen[i]);
        }

        Assert.All(f.Window.Surface.Children, static bar => Assert.True(bar.HasEmptyInputRegion));
        f.Window.Configure(0, 0);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal((0, 0, 40, 30), f.Window.Geometry);
        Assert.DoesNotContain(f.Window.Surface.Children, static bar => bar.IsMapped);
    }

    [Fact]
    public void Resized_window_shows_the_picture_scaled()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        f.Window.Configure(80, 60);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal((80, 60), f.Window.Surface.Destination);
        var screen = f.Window.Render();
        for (var y = 0; y < 60; y++)
        {
            for (var x = 0; x < 80; x++)
                Assert.Equal(picture.Get(x / 2, y / 2) & 0xff_ffff, screen[(y * 80) + x]);
        }
    }

    [Fact]
    public void Maximized_without_subsurfaces_is_stretched_because_another_size_is_a_protocol_error()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Subcompositor = false });
        f.Show(new TestPicture(40, 30));
        f.Window.Configure(80, 30, XdgToplevelState.Maximized);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal((80, 30), f.Window.Surface.Size);
    }

    [Fact]
    public void Without_viewporter_the_window_has_one_size_and_says_so()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Viewporter = false });
        f.Show(new TestPicture(40, 30));
        Assert.Equal(((40, 30), (40, 30)), (f.Window.MinSize, f.Window.MaxSize));
        f.Refresh();
        var larger = new TestPicture(50, 60).FillPattern();
        f.Show(larger);
        Assert.Equal(((50, 60), (50, 60)), (f.Window.MinSize, f.Window.MaxSize));
        f.Window.Render().AssertShows(50, larger, larger.Whole);
    }

    [Fact]
    public void New_mode_of_the_guest_resizes_the_window_and_replaces_every_pixel()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30).FillPattern());
        f.Refresh();
        var larger = new TestPicture(64, 48).FillPattern(3);
        f.Show(larger, DamageList.Of(new BufferRect(0, 0, 1, 1)));
        Assert.Equal((0, 0, 64, 48), f.Window.Geometry);
        f.Window.Render().AssertShows(64, larger, larger.Whole);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Part_of_a_picture_is_cut_out_by_offset_and_stride_without_a_copy(bool viewporter)
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Viewporter = viewporter });
        var picture = new TestPicture(100, 80, offsetBytes: 64, extraStride: 16).FillPattern();
        var source = new BufferRect(30, 20, 40, 30);
        f.Show(picture, source: source);
        Assert.Equal(64UL + (20 * 416) + (30 * 4), f.Window.Surface.Buffer!.OffsetBytes);
        Assert.Null(f.Window.Surface.Source);
        f.Window.Render().AssertShows(40, picture, source);
        f.Refresh();
        var damage = new BufferRect(35, 25, 5, 5);
        picture.Fill(damage, static (_, _) => 0x77);
        f.Show(picture, DamageList.Of(damage), source);
        Assert.Equal([new BufferRect(5, 5, 5, 5)], f.Window.Surface.LastDamage);
        f.Window.Render().AssertShows(40, picture, source);
        Assert.Equal(0, f.Statistics.BytesCopied);
    }

    [Fact]
    public void Lower_right_part_which_wl_shm_measures_beyond_the_pool_is_cropped_by_the_viewport()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(100, 80).FillPattern();
        var source = new BufferRect(60, 50, 40, 30);
        f.Show(picture, source: source);
        Assert.Equal((60, 50, 40, 30), f.Window.Surface.Source);
        f.Window.Render().AssertShows(40, picture, source);
        Assert.Equal(0, f.Statistics.BytesCopied);
    }

    [Fact]
    public void Lower_right_part_without_viewporter_is_cut_out_by_the_cpu_and_counted()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Viewporter = false });
        var picture = new TestPicture(100, 80).FillPattern();
        var source = new BufferRect(60, 50, 40, 30);
        f.Show(picture, source: source);
        f.Window.Render().AssertShows(40, picture, source);
        Assert.Equal(40 * 30 * 4, f.Statistics.BytesCopied);
        Assert.Contains("crop", f.Statistics.Rung.Reason);
    }

    [Theory]
    [InlineData(0, 0, 100, 80)]
    [InlineData(60, 50, 40, 30)]
    [InlineData(10, 5, 40, 30)]
    public void Bottom_up_picture_stands_upright(int x, int y, int width, int height)
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(100, 80).FillPattern();
        var source = new BufferRect(x, y, width, height);
        f.Show(picture, source: source, flipY: true);
        f.Window.Render().AssertShows(width, picture, source, flipY: true);
        f.Refresh();
        f.Show(picture, source: source);
        f.Window.Render().AssertShows(width, picture, source);
    }

    [Fact]
    public void Viewport_source_and_smaller_buffer_change_in_one_commit()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(100, 80).FillPattern(), source: new BufferRect(60, 50, 40, 30));
        f.Refresh();
        var small = new TestPicture(20, 10).FillPattern();
        f.Show(small); // the old source would be outside of it: out_of_buffer
        f.Window.Render().AssertShows(20, small, small.Whole);
    }

    private static WindowLayout Arrange(ref WindowSizing sizing, int width, int height) => sizing.Arrange(new BufferSize(width, height), canScale: true, canAddBars: true);
}
