// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>Windows that belong on named outputs, and guests that see those as their monitors.</summary>
public sealed class PlacementTests
{
    private static readonly PresenterOptions s_following = new() { ResizeGuest = true };

    [Fact]
    public void A_guest_sees_the_monitor_that_is_named_for_it_before_it_shows_anything()
    {
        using var f = new PresenterFixture(options: s_following);
        f.Compositor.PlugOutput("HDMI-A-1", 1920, 1080, 75_000);
        f.Pump();
        f.Presenter.Place(new WindowPlacement(PlacementKind.Fullscreen, ["HDMI-A-1"]));
        Assert.Equal(new OutputMode(new BufferSize(1920, 1080), 75_000, 0, 0, Enabled: true), Assert.Single(f.Events.Modes));
    }

    [Fact]
    public void A_window_fills_the_output_that_is_named_and_becomes_a_window_again()
    {
        using var f = new PresenterFixture(options: s_following);
        var (_, output) = f.Compositor.PlugOutput("DP-1", 1920, 1080, 60_000);
        f.Show(new TestPicture(640, 480));
        Assert.False(f.Window.AsksForFullscreen);
        f.Presenter.Place(new WindowPlacement(PlacementKind.Fullscreen, ["DP-1"]));
        f.Pump();
        Assert.True(f.Window.AsksForFullscreen);
        Assert.Same(output(), f.Window.AskedOutput);
        f.Presenter.Place(WindowPlacement.Windows);
        f.Pump();
        Assert.False(f.Window.AsksForFullscreen);
    }

    [Fact]
    public void A_window_goes_to_its_output_when_that_comes_and_anywhere_when_it_goes()
    {
        using var f = new PresenterFixture(options: s_following);
        f.Presenter.Place(new WindowPlacement(PlacementKind.Fullscreen, ["DP-1"]));
        f.Show(new TestPicture(640, 480));
        Assert.Null(f.Window.AskedOutput);
        var (global, output) = f.Compositor.PlugOutput("DP-1", 1920, 1080, 60_000);
        f.Pump();
        Assert.Same(output(), f.Window.AskedOutput);
        f.Compositor.UnplugOutput(global);
        f.Pump();
        Assert.True(f.Window.AsksForFullscreen);
        Assert.Null(f.Window.AskedOutput);
    }

    [Fact]
    public void A_further_head_is_plugged_in_while_its_output_is_there_and_the_first_one_stays()
    {
        using var f = new PresenterFixture(options: s_following);
        var (first, _) = f.Compositor.PlugOutput("A", 1280, 800, 60_000);
        f.Pump();
        f.Presenter.Place(new WindowPlacement(PlacementKind.Fullscreen, ["A", "B"]));
        Assert.Equal(new BufferSize(1280, 800), Assert.Single(f.Events.Modes).Size);
        var (second, _) = f.Compositor.PlugOutput("B", 1024, 768, 60_000);
        f.Pump();
        Assert.Equal((2, new BufferSize(1024, 768), true), (f.Events.Modes.Count, f.Events.Modes[^1].Size, f.Events.Modes[^1].Enabled));
        f.Compositor.UnplugOutput(second);
        f.Compositor.UnplugOutput(first);
        f.Pump();
        Assert.Equal((3, false), (f.Events.Modes.Count, f.Events.Modes[^1].Enabled));
        f.Compositor.PlugOutput("B", 800, 600, 60_000);
        f.Pump();
        Assert.Equal((4, new BufferSize(800, 600), true), (f.Events.Modes.Count, f.Events.Modes[^1].Size, f.Events.Modes[^1].Enabled));
    }
}
