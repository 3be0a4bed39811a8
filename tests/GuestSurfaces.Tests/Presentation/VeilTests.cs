// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A picture that nobody sends any more is dimmed and has a sign on it, until the next one comes.</summary>
public class VeilTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Picture_is_dimmed_with_and_without_viewporter_and_single_pixel_buffers(bool viewporter, bool singlePixel)
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Viewporter = viewporter, SinglePixel = singlePixel });
        f.Show(new TestPicture(64, 48).FillPattern());
        Assert.Empty(f.Window.Surface.Children);
        var picture = f.Window.Render();
        Disconnect(f);

        Assert.Equal(Veiled.Expect(picture, 64), f.Window.Render());
        Assert.Equal(2, f.Window.Surface.Children.Count);
        Assert.All(f.Window.Surface.Children, static child => Assert.True(child.HasEmptyInputRegion && !child.IsDesync && child.IsMapped));
        var (shade, sign) = (f.Window.Surface.Children[0], f.Window.Surface.Children[1]);
        Assert.Equal(((0, 0), (64, 48)), (shade.Position, shade.Size));
        Assert.Equal(viewporter ? new BufferSize(1, 1) : new BufferSize(64, 48), shade.Buffer!.Size);
        Assert.Equal((uint)WlShmFormat.Argb8888, shade.Buffer.Format);
        Assert.Equal(((24, 16), (16, 16)), (sign.Position, sign.Size));
        Assert.Equal(!singlePixel, shade.Buffer.IsShared);
    }

    [Fact]
    public void Next_picture_takes_it_away_in_the_same_commit()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Refresh();
        Disconnect(f);
        var commits = f.Window.Surface.Commits;
        var next = new TestPicture(64, 48).FillPattern(2);
        f.Show(next);
        f.Window.Render().AssertShows(64, next, next.Whole);
        Assert.Equal(commits + 1, f.Window.Surface.Commits);
        Assert.DoesNotContain(f.Window.Surface.Children, static child => child.IsMapped);
    }

    [Fact]
    public void Picture_that_was_on_its_way_when_its_source_went_is_dimmed_too()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        var last = new TestPicture(64, 48).FillPattern(2);
        f.Show(last);
        Disconnect(f);
        f.Refresh();
        Assert.Equal(Veiled.Expect(Rgb(last), 64), f.Window.Render());
        var next = new TestPicture(64, 48).FillPattern(3);
        f.Show(next);
        f.Refresh();
        f.Window.Render().AssertShows(64, next, next.Whole);
    }

    [Fact]
    public void Window_that_shows_nothing_yet_comes_dimmed()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { ConfigureAtOnce = false });
        var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        Disconnect(f);
        f.Window.Configure(0, 0);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal(Veiled.Expect(Rgb(picture), 64), f.Window.Render());
    }

    [Theory]
    [InlineData(128, 96)] // twice the picture
    [InlineData(640, 480)] // with a larger sign
    [InlineData(32, 24)] // with none
    public void Resized_window_is_dimmed_all_over(int width, int height)
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        Disconnect(f);
        f.Window.Configure(width, height);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.True(f.Window.IsSettled);
        var veiled = f.Window.Render();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Refresh();
        Assert.Equal((0, 0, width, height), f.Window.Geometry);
        Assert.Equal(Veiled.Expect(f.Window.Render(), width), veiled);
    }

    [Theory]
    [InlineData(160, 48, 48, 0)]
    [InlineData(64, 100, 0, 26)]
    public void Maximized_window_is_dimmed_with_its_bars(int width, int height, int left, int top)
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Window.Configure(width, height, XdgToplevelState.Maximized);
        f.Compositor.Client.Flush();
        f.Pump();
        var picture = f.Window.Render();
        Disconnect(f);
        Assert.Equal(Veiled.Expect(picture, width), f.Window.Render());
        Assert.Equal((-left, -top), f.Window.Surface.Children[2].Position);
    }

    [Fact]
    public void Cursor_is_dimmed_as_well_also_one_that_is_younger_than_the_first_time()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Refresh();
        Disconnect(f);
        f.Show(new TestPicture(64, 48).FillPattern(2));
        f.Refresh();
        SetCursor(f);
        f.Refresh();
        var picture = f.Window.Render();
        Disconnect(f);
        Assert.Equal(Veiled.Expect(picture, 64), f.Window.Render());
    }

    [Fact]
    public void Cursors_of_the_next_source_leave_it_where_it_is_until_there_is_a_picture()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Refresh();
        SetCursor(f);
        f.Refresh();
        Disconnect(f);
        SetCursor(f);
        f.Presenter.MoveCursor(0, 5, 5);
        f.Pump();
        f.Refresh();
        Assert.All(f.Window.Surface.Children, static child => Assert.True(child.IsMapped));
    }

    [Fact]
    public void Blanked_window_shows_the_sign_and_blanking_ends_it()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Refresh();
        f.Presenter.Blank(0);
        Disconnect(f);
        Assert.Equal(Veiled.Expect(new uint[64 * 48], 64), f.Window.Render());
        f.Presenter.Blank(0);
        f.Pump();
        Assert.All(f.Window.Render(), static pixel => Assert.Equal(0u, pixel));
    }

    [Fact]
    public void Every_window_is_dimmed_and_each_ends_with_its_own_picture()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48).FillPattern());
        f.Show(new TestPicture(80, 60).FillPattern(), scanout: 1);
        f.Refresh();
        var pictures = f.Compositor.Toplevels.ConvertAll(static window => window.Render());
        Disconnect(f);
        Assert.Equal(Veiled.Expect(pictures[0], 64), f.Compositor.Toplevels[0].Render());
        Assert.Equal(Veiled.Expect(pictures[1], 80), f.Compositor.Toplevels[1].Render());
        f.Show(new TestPicture(64, 48).FillPattern());
        Assert.Equal(pictures[0], f.Compositor.Toplevels[0].Render());
        Assert.Equal(Veiled.Expect(pictures[1], 80), f.Compositor.Toplevels[1].Render());
    }

    [Fact]
    public void Closed_window_leaves_nothing_of_it()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(64, 48));
        Disconnect(f);
        f.Presenter.Disable(0);
        f.Pump();
        Assert.Empty(f.Compositor.Surfaces);
        Assert.Empty(f.Compositor.Client.Resources<WlSubsurfaceResource>());
        Assert.Empty(f.Compositor.Client.Resources<WpViewportResource>());
    }

    [Fact]
    public void Without_subsurfaces_only_the_title_tells()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Subcompositor = false });
        var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        Disconnect(f);
        f.Window.Render().AssertShows(64, picture, picture.Whole);
    }

    private static void Disconnect(PresenterFixture f)
    {
        f.Presenter.ShowDisconnected();
        f.Pump();
    }

    private static void SetCursor(PresenterFixture f)
    {
        var image = new TestPicture(8, 8, DrmFormat.Argb8888);
        image.Fill(image.Whole, static (_, _) => 0xffff_ffff);
        image.Storage.Lock();
        f.Presenter.SetCursor(0, new CursorImage(image.Storage, image.View.Size, 0, 0), 2, 2);
        f.Pump();
    }

    private static uint[] Rgb(TestPicture picture)
    {
        var (width, height) = (picture.View.Size.Width, picture.View.Size.Height);
        return [.. Enumerable.Range(0, width * height).Select(i => picture.Get(i % width, i / width) & 0xff_ffff)];
    }
}
