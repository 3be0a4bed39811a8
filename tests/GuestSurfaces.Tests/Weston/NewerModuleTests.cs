// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>The module in the Westons of the lab's roots.</summary>
public abstract class NewerModuleTests(int major) : IDisposable
{
    private const uint Red = 0xFF0000;
    private const uint Green = 0x00FF00;
    private const uint Lavender = 0x8080FF;

    private readonly ModuleDesktop _desktop = new(major);

    private protected ModuleDesktop Desktop => _desktop;

    public void Dispose()
    {
        _desktop.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_guest_is_shown_in_its_frame_and_its_window_comes_back_when_the_presenter_is_killed()
    {
        var link = _desktop["vm.link"];
        var device = _desktop.StartProgram("fake-guest", "card", "--size", "320x200", "--frames", "3", "--link", link);
        _desktop.Start($"name=work\nlink={link}\nlabel-color=0xff0000", "name=wrong");
        _desktop.WaitForFramed(Red, 320, 200, static (x, y) => TestPictures.Pixel("card", new BufferSize(320, 200), 0, x, y));
        Assert.Contains("number 2 is left out: key \"link\" is missing", _desktop.Log, StringComparison.Ordinal);
        var presenter = ModuleDesktop.FindProcess(link, "present");
        ModuleDesktop.Signal("KILL", presenter);
        _desktop.WaitUntil(() => ModuleDesktop.FindProcess(link, "present") is var next && next != 0 && next != presenter);
        _desktop.WaitForFramed(Red, 320, 200, static (x, y) => TestPictures.Pixel("card", new BufferSize(320, 200), 0, x, y));
        Assert.False(device.HasExited);
    }

    [Fact]
    public void A_hostile_presenter_draws_neither_over_its_frame_nor_beyond_it_and_hurts_nobody_else()
    {
        string[] hostile = ["garbage", "requests", "greedy", "deaf"];
        _desktop.Start([$"name=window\ncommand=exec {_desktop.Presenter} window\nlabel-color=0xff0000", .. hostile.Select(scenario => $"name={scenario}\ncommand=exec {_desktop.Presenter} {scenario}")]);
        foreach (var name in hostile[..3])
            _desktop.WaitUntil(() => _desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 2);
        _desktop.WaitForFramed(Red, 200, 120, static (_, _) => Green);
        Assert.Contains("doesn't see it", _desktop.RunClient("spy"), StringComparison.Ordinal);
        Assert.DoesNotContain("bound it", _desktop.RunClient("spy"), StringComparison.Ordinal);
        _desktop.End();
        Assert.DoesNotContain("window: its presenter is gone", _desktop.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_raised_window_is_whole_with_its_frame_and_no_guest_shows_outside_of_its_own()
    {
        using var stack = new WindowStack(_desktop);
        stack.RaiseEach();
        stack.FillScreen(0);
        stack.Minimise(1);
    }

    [Fact]
    public void A_background_fills_its_output_under_windows_and_is_for_those_that_are_placed_so()
    {
        _desktop.HasGuests("2 background", "0 window", "0 background");
        _desktop.Start();
        _desktop.WaitUntil(() => _desktop.Output.Contains("background 640x480", StringComparison.Ordinal));
        _desktop.WaitUntil(() => _desktop.Shoot().ToPixels() is var pixels
            && pixels.Count(static pixel => pixel == Lavender) + pixels.Count(static pixel => pixel is Red or Green) == 640 * 480 && pixels.Contains(Red) && pixels.Contains(Green));
        _desktop.WaitUntil(() => _desktop.Output.Contains("disconnected", StringComparison.Ordinal));
        _desktop.End();
    }

    protected void ThrobInItsFrame()
    {
        _desktop.Start($"name=sly\ncommand=exec {_desktop.Presenter} throb\nlabel-color=0xff0000");
        _desktop.WatchFrame(Red, Green, 40);
    }

    [Fact]
    public void Backgrounds_come_and_go_in_any_order()
    {
        _desktop.HasGuests("2 fidget", "0 window");
        _desktop.Start();
        _desktop.WaitUntil(() => _desktop.Output.Contains("fidgeted", StringComparison.Ordinal) && _desktop.Output.Contains("disconnected", StringComparison.Ordinal));
        _desktop.WaitForFramed(Red, 200, 120, static (_, _) => Green);
    }

    [Fact]
    public void A_window_that_gets_a_larger_subsurface_later_shows_nothing_of_it_beyond_its_frame_in_any_refresh()
    {
        _desktop.Start($"name=sly\ncommand=exec {_desktop.Presenter} sneak\nlabel-color=0xff0000");
        _desktop.WatchFrame(Red, Green, 40);
    }

    [Fact]
    public void A_host_that_raves_loses_its_connection_and_nothing_else()
    {
        _desktop.HasHost("rave $$");
        _desktop.Start();
        _desktop.WaitUntil(() => _desktop.CountInLog("the guests' host is gone") >= 4);
        _ = _desktop.RunClient("draw"); // it is served still
        Assert.True(_desktop.IsRunning);
    }
}

/// <summary>Debian 13's.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "A")]
public sealed class Module14Tests() : NewerModuleTests(14)
{
    [Fact]
    public void Weston_under_valgrind_has_no_error_no_leak_and_no_descriptor_of_the_modules() => Memcheck.Run(Desktop);
}

/// <summary>The newest.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "C")]
public sealed class Module16Tests() : NewerModuleTests(16)
{
    [Fact]
    public void The_frame_is_where_the_window_is_in_each_refresh_even_if_commits_take_effect_in_it() => ThrobInItsFrame();
}
