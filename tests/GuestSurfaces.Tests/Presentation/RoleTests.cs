// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>Guests that are something else than windows: backgrounds, and surfaces with a number.</summary>
public sealed class RoleTests
{
    private static readonly WindowPlacement s_background = new(PlacementKind.Background, []);
    private static readonly PresenterOptions s_asBackground = new() { ResizeGuest = true, Placement = s_background, AppId = "org.guestsurfaces.Fedora" };
    private static readonly FakeCompositorOptions s_layers = new() { LayerShellVersion = 4 };

    [Fact]
    public void Heads_have_the_numbers_from_the_named_one_on_and_are_drawn_before_a_desktop_says_how_large()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Ivi = true }, new PresenterOptions { ResizeGuest = true, IviId = 4101 });
        using var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        f.Show(picture, scanout: 2);
        Assert.Empty(f.Compositor.Toplevels);
        Assert.Equal([4101u, 4103u], f.Compositor.Desktop.All.Select(static s => s.IviId!.Value));
        Assert.All(f.Compositor.Desktop.All, static s => Assert.True(s.IsShown));
        Assert.Equal(("ivi", ""), (f.Statistics.Placement, f.Statistics.PlacementReason));
    }

    [Fact]
    public void A_guest_with_a_number_gets_the_size_of_its_place_and_fills_it_until_it_has_that()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Ivi = true }, new PresenterOptions { ResizeGuest = true, IviId = 7 });
        using var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        f.Compositor.Desktop.Last.Configure(1, 1); // an animation's beginning
        f.Compositor.Desktop.Last.Configure(200, 120);
        f.Pump();
        Assert.DoesNotContain(f.Events.Modes, static mode => mode.Size == new BufferSize(1, 1));
        Assert.Equal(new BufferSize(200, 120), f.Events.Modes[^1].Size);
        Assert.Equal((200, 120), f.Compositor.Desktop.Last.Surface.Destination);
        Assert.Empty(f.Compositor.Desktop.Last.Surface.Children); // a bar beside it would lie outside of its place
        using var larger = new TestPicture(200, 120).FillPattern();
        f.Refresh();
        f.Show(larger);
        Assert.Null(f.Compositor.Desktop.Last.Surface.Destination);
        Assert.Equal((200, 120), f.Compositor.Desktop.Last.Surface.Size);
        f.Presenter.Disable(0);
        f.Pump();
        Assert.True(f.Compositor.Desktop.Last.IsDestroyed);
    }

    [Fact]
    public void A_background_says_what_it_is_before_its_first_commit_and_is_drawn_when_it_knows_its_size()
    {
        using var f = new PresenterFixture(s_layers, s_asBackground);
        using var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        var background = f.Compositor.Desktop.Last;
        Assert.Empty(f.Compositor.Toplevels);
        Assert.Equal("org.guestsurfaces.Fedora", background.Namespace);
        Assert.Equal((-1, ZwlrLayerSurfaceV1KeyboardInteractivity.OnDemand), (background.ExclusiveZone, background.Interactivity));
        Assert.Equal((1, false), (background.Surface.Commits, background.IsShown));
        background.Configure(1024, 768);
        f.Pump();
        Assert.True(background.IsShown);
        Assert.Equal((1024, 768), background.Surface.Size);
        Assert.Equal(new BufferSize(1024, 768), f.Events.Modes[^1].Size);
        background.Configure(800, 600);
        f.Pump();
        Assert.Equal((800, 600), background.Surface.Size);
        Assert.Equal(new BufferSize(800, 600), f.Events.Modes[^1].Size);
        Assert.Equal(("background", ""), (f.Statistics.Placement, f.Statistics.PlacementReason));
    }

    [Fact]
    public void A_layer_shell_that_knows_no_keyboard_on_demand_isnt_asked_for_it()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { LayerShellVersion = 3 }, s_asBackground);
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        Assert.Equal(ZwlrLayerSurfaceV1KeyboardInteractivity.None, f.Compositor.Desktop.Last.Interactivity);
    }

    [Fact]
    public void A_background_on_a_scaled_monitor_gives_the_guest_that_monitors_mode_to_the_pixel()
    {
        using var f = new PresenterFixture(s_layers with { FractionalScale = true }, s_asBackground);
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        var background = f.Compositor.Desktop.Last;
        f.Compositor.ChangeOutput(1365, 768, 0, 0, WlOutputTransform.Normal, 1);
        f.Compositor.EnterOutput(background.Surface);
        f.Compositor.Rescale(background.Surface, 180);
        background.Configure(910, 512);
        f.Pump();
        f.Refresh();
        Assert.Equal(new BufferSize(1365, 768), f.Events.Modes[^1].Size);
    }

    [Theory]
    [InlineData(null, "zwlr_layer_shell_v1")]
    [InlineData(7u, "ivi_application")]
    public void What_a_compositor_hasnt_is_a_window_instead_and_the_reason_is_told(uint? iviId, string missing)
    {
        using var f = new PresenterFixture(options: new PresenterOptions { Placement = iviId is null ? s_background : WindowPlacement.Windows, IviId = iviId });
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        Assert.True(f.Window.IsShown);
        Assert.False(f.Window.AsksForFullscreen);
        Assert.Equal("window", f.Statistics.Placement);
        Assert.Contains(missing, f.Statistics.PlacementReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_background_goes_to_its_monitor_when_that_comes_by_another_surface()
    {
        using var f = new PresenterFixture(s_layers, s_asBackground with { Placement = new WindowPlacement(PlacementKind.Background, ["DP-1"]) });
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        var first = f.Compositor.Desktop.Last;
        Assert.Null(first.Output);
        first.Configure(1024, 768);
        f.Pump();
        var (_, output) = f.Compositor.PlugOutput("DP-1", 1920, 1080, 60_000);
        f.Pump();
        var second = f.Compositor.Desktop.Last;
        Assert.Same(output(), second.Output);
        Assert.True(first.IsShown); // until there is something in its place
        second.Configure(1920, 1080);
        f.Pump();
        Assert.Equal((true, true), (first.IsDestroyed, second.IsShown));
    }

    [Fact]
    public void A_background_that_went_with_its_monitor_comes_back_on_another()
    {
        using var f = new PresenterFixture(s_layers, s_asBackground with { Placement = new WindowPlacement(PlacementKind.Background, ["DP-1"]) });
        var (global, _) = f.Compositor.PlugOutput("DP-1", 1920, 1080, 60_000);
        f.Pump();
        using var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        f.Compositor.Desktop.Last.Configure(1920, 1080);
        f.Pump();
        f.Compositor.Desktop.Last.Close();
        f.Compositor.UnplugOutput(global);
        f.Pump();
        var next = f.Compositor.Desktop.Last;
        Assert.Null(next.Output);
        next.Configure(1024, 768);
        f.Pump();
        Assert.Equal((2, true), (f.Compositor.Desktop.All.Count, next.IsShown));
    }

    [Fact]
    public void A_background_that_a_desktop_drops_without_a_word_about_monitors_comes_back_but_not_in_a_hurry()
    {
        using var f = new PresenterFixture(s_layers, s_asBackground);
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        for (var i = 1; i < 5; i++)
        {
            Assert.Equal(i, f.Compositor.Desktop.All.Count);
            f.Compositor.Desktop.Last.Close();
            f.Pump();
            f.Advance(400_000_000);
            Assert.Equal(i, f.Compositor.Desktop.All.Count);
            f.Advance(200_000_000);
        }

        f.Compositor.Desktop.Last.Configure(1024, 768);
        f.Pump();
        Assert.True(f.Compositor.Desktop.Last.IsShown);
    }

    [Fact]
    public void Weston_makes_the_background_and_hears_the_outputs_name_there_or_not()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Placement = (GuestSurfacesPresenterV1PlacementKind.Background, "DP-1,DP-2"), LayerShellVersion = 4 }, new PresenterOptions { ResizeGuest = true });
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        f.Show(picture, scanout: 1);
        Assert.Equal(["DP-1", "DP-2"], f.Compositor.Desktop.All.Select(static s => s.OutputName));
        Assert.False(f.Compositor.Desktop.All[0].IsShown);
        f.Compositor.Desktop.All[0].Configure(640, 480);
        f.Pump();
        Assert.True(f.Compositor.Desktop.All[0].IsShown);
        Assert.Equal(new BufferSize(640, 480), f.Events.Modes[^1].Size);
        Assert.Empty(f.Compositor.Desktop.WindowOutputs);
    }

    [Fact]
    public void Weston_hears_a_windows_output_before_its_first_picture_and_a_full_screen_one_says_it_by_xdg_shell()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Placement = (GuestSurfacesPresenterV1PlacementKind.Window, "DP-1") });
        using var picture = new TestPicture(64, 48);
        f.Show(picture);
        Assert.Equal((f.Window.Surface, "DP-1"), Assert.Single(f.Compositor.Desktop.WindowOutputs));
        f.Show(picture, scanout: 1);
        Assert.Single(f.Compositor.Desktop.WindowOutputs); // none is named for it
        f.Compositor.Desktop.Place(GuestSurfacesPresenterV1PlacementKind.Fullscreen, "DP-1");
        f.Pump();
        Assert.True(f.Compositor.Toplevels[0].AsksForFullscreen);
        Assert.Equal((2, 1), (f.Compositor.Toplevels.Count, f.Compositor.Desktop.WindowOutputs.Count));
    }

    [Theory]
    [InlineData(ReleaseMode.WhenReplaced)]
    [InlineData(ReleaseMode.AtCommit)]
    public void A_background_becomes_a_window_with_the_same_picture_and_the_guest_hears_nothing(ReleaseMode release)
    {
        using var f = new PresenterFixture(s_layers with { Release = release }, s_asBackground);
        using var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        var background = f.Compositor.Desktop.Last;
        background.Configure(64, 48);
        f.Pump();
        f.Refresh();
        var (committed, settled) = (f.Events.Committed.Count, f.Events.Settled.Count());
        f.Presenter.Place(WindowPlacement.Windows);
        f.Pump();
        Assert.Equal((false, true), (background.IsShown, f.Window.IsShown));
        f.Window.Render().AssertShows(64, picture, picture.Whole);
        f.Refresh();
        Assert.Equal((committed, settled), (f.Events.Committed.Count, f.Events.Settled.Count()));
        Assert.Empty(f.Events.Closes);

        using var next = new TestPicture(64, 48).FillPattern();
        next.Fill(next.Whole, static (x, y) => TestPicture.Pattern(x, y, 5));
        f.Show(next);
        f.Refresh();
        f.Refresh();
        f.Window.Render().AssertShows(64, next, next.Whole);
        Assert.Equal([1UL, 2UL], f.Events.Settled);
        Assert.Equal(0, picture.Storage.LockCount);
    }

    [Fact]
    public void A_frame_that_waits_is_what_the_window_shows_that_takes_over()
    {
        using var f = new PresenterFixture(s_layers);
        using var first = new TestPicture(64, 48).FillPattern();
        using var second = new TestPicture(64, 48).FillPattern();
        second.Fill(second.Whole, static (x, y) => TestPicture.Pattern(x, y, 9));
        f.Show(first);
        f.Show(second, DamageRect()); // waits for the frame callback
        f.Presenter.Place(s_background);
        f.Pump();
        f.Compositor.Desktop.Last.Configure(64, 48);
        f.Pump();
        Assert.True(f.Window.IsDestroyed);
        for (var x = 0; x < 64; x++)
            Assert.Equal(second.Get(x, 20) & 0xff_ffff, f.Compositor.Desktop.Last.Surface.Pixel(x, 20) & 0xff_ffff);
        f.Refresh();
        Assert.Equal([1UL, 2UL], f.Events.Settled.Order());
        Assert.Equal(0, first.Storage.LockCount);
    }

    [Fact]
    public void A_change_of_mind_while_the_new_surface_waits_leaves_the_old_one_until_something_else_is_shown()
    {
        using var f = new PresenterFixture(s_layers);
        using var picture = new TestPicture(64, 48).FillPattern();
        f.Show(picture);
        var window = f.Window;
        f.Presenter.Place(s_background);
        f.Pump();
        Assert.True(window.IsShown); // the background has no size yet
        f.Presenter.Place(WindowPlacement.Windows);
        f.Pump();
        Assert.Equal((true, true, true), (window.IsDestroyed, f.Compositor.Desktop.Last.IsDestroyed, f.Window.IsShown));
        f.Presenter.Place(s_background);
        f.Pump();
        f.Presenter.Disable(0);
        f.Pump();
        Assert.Empty(f.Compositor.Surfaces);
        Assert.Equal(0, picture.Storage.LockCount);
    }

    [Fact]
    public void Cursor_and_dimming_go_along_to_the_next_surface()
    {
        using var f = new PresenterFixture(s_layers);
        using var picture = new TestPicture(200, 150).FillPattern();
        f.Show(picture);
        using var cursor = new TestPicture(16, 16, DrmFormat.Argb8888).FillPattern();
        cursor.Storage.Lock();
        f.Presenter.SetCursor(0, new CursorImage(cursor.Storage, cursor.View.Size, 0, 0), 20, 10);
        f.Presenter.ShowDisconnected();
        f.Pump();
        f.Presenter.Place(s_background);
        f.Pump();
        f.Compositor.Desktop.Last.Configure(200, 150);
        f.Pump();
        var surface = f.Compositor.Desktop.Last.Surface;
        Assert.Contains(surface.Children, static child => child.IsMapped && child.Size == (16, 16));
        Assert.Contains(surface.Children, static child => child.IsMapped && child.Size == (200, 150)); // the shade
        f.Refresh();
        f.Show(picture);
        Assert.DoesNotContain(surface.Children, static child => child.IsMapped && child.Size == (200, 150));
    }

    private static DamageList DamageRect() => DamageList.Of(new BufferRect(0, 0, 4, 4));
}
