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

    private readonly ModuleDesktop _desktop = new(major);

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
}

/// <summary>Debian 13's.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "A")]
public sealed class Module14Tests() : NewerModuleTests(14);

/// <summary>The newest.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "C")]
public sealed class Module16Tests() : NewerModuleTests(16);
