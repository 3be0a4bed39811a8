// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Plugin.Host;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Tests.Weston;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>A real guest on the screen of a headless Weston, full screen by weston.ini and the module, while what shows it is killed.</summary>
/// <param name="major">Weston's major version.</param>
public abstract class ModuleGuestTests(int major) : IDisposable
{
    private const string SecondSize = "800x608";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(150);
    private static readonly string s_firstSize = $"{ModuleDesktop.Width}x{ModuleDesktop.Height}";

    private readonly ModuleDesktop _desktop = Open(major);
    private string? _guest;

    private string LinkPath => _desktop["vm.link"];

    private string Section => $"name=work\nlink={LinkPath}\nplacement=fullscreen\noutput=headless";

    public void Dispose()
    {
        if (_guest is not null)
        {
            Script("down");
            _desktop.WaitUntil(() => File.Exists(Path.Combine(_guest, "qemu.status"))); // the last file of it
        }

        _desktop.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void A_guest_lives_on_when_its_presenter_and_Weston_are_killed_and_each_time_its_window_comes_back()
    {
        var device = StartGuest("vm", "flip", frames: 0);
        _desktop.Start(Section);
        Script("wait", "^GS-READY", "120");
        var frame = WaitForFrame(after: -1);

        var presenter = FindPresenter();
        ModuleDesktop.Signal("KILL", presenter);
        var watch = Stopwatch.StartNew();
        _desktop.WaitUntil(() => FindPresenter() is not 0 and var next && next != presenter);
        frame = WaitForFrame(after: frame + 2); // it may have drawn two that nobody waited for
        Tell("its presenter was killed", watch);

        _desktop.Kill();
        _desktop.WaitUntil(() => FindPresenter() == 0);
        _desktop.Start(Section);
        watch.Restart();
        WaitForFrame(after: frame);
        Tell("a killed Weston was up again", watch);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);

        Script("press");
        SurvivalTests.AssertNeverTimedOut(Script("wait", "^GS-DONE", "60").Trim());
        WaitForHeld();
        Script("errors");
        Assert.False(device.HasExited, device.Output);
    }

    /// <summary>The VM is killed, which its device ends with, and another takes its place.</summary>
    protected void KillTheVmAndBringAnother()
    {
        var device = StartGuest("first", "flip", frames: 1_000_000);
        _desktop.Start(Section);
        Script("wait", "^GS-READY", "120");
        WaitForFrame(after: -1);

        var presenter = FindPresenter();
        ModuleDesktop.Signal("KILL", int.Parse(File.ReadAllText(Path.Combine(_guest!, "qemu.pid")), CultureInfo.InvariantCulture));
        Assert.True(device.WaitForExit(TimeSpan.FromSeconds(20)), device.Output);
        var report = Assert.Single(ControlClient.Ask(_desktop[$"guest-surfaces/{ControlClient.FileName}"], new ControlRequest { Action = ControlAction.List }).Guests);
        Assert.Equal((GuestState.Running, presenter, "fullscreen", "headless"), (report.State, report.Pid, report.Placement, Assert.Single(report.Outputs)));
        Assert.Matches(@"work +running +\d+ +fullscreen +headless +0 +\? +\?", _desktop.RunProgram("plugin", "list"));
        Script("down");

        StartGuest("second", "pattern", frames: 1);
        Script("wait", "^GS-DONE", "120");
        WaitForHeld();
        Script("errors");
        Assert.Equal(presenter, FindPresenter());
        Assert.True(_desktop.IsRunning);
    }

    /// <summary>A screen of its own size comes, goes and comes back under a guest that belongs on it.</summary>
    protected void PlugItsScreenAndReplugIt()
    {
        var device = StartGuest("vm", "follow", frames: 0, "--verbose");
        (_desktop.HasKnobs, _desktop.SecondSize) = (true, SecondSize);
        _desktop.Start($"name=work\nlink={LinkPath}\nplacement=fullscreen\noutput=second");
        Script("wait", "^GS-DONE", "120");
        AwaitPicture(0, s_firstSize); // the only screen that there is without it
        _desktop.Plug("second");
        AwaitPicture(1, SecondSize);
        _desktop.Turn("connect second 0");
        AwaitPicture(0, s_firstSize);
        _desktop.Turn("connect second 1");
        AwaitPicture(1, SecondSize);

        Assert.Equal(3, device.Output.Split($"head 0: the guest is told {SecondSize} at 60000 mHz").Length);
        Script("errors");
        Assert.DoesNotContain("its presenter is gone", _desktop.Log, StringComparison.Ordinal);
    }

    /// <summary>A guest's two heads are two screens of the desktop, of a size of their own each; one of them goes and comes back.</summary>
    protected void FillTwoScreens()
    {
        StartGuest("vm", "follow", frames: 0, "--outputs", "2");
        (_desktop.HasKnobs, _desktop.SecondSize) = (true, SecondSize);
        _desktop.Start($"name=work\nlink={LinkPath}\nplacement=fullscreen\noutput=headless,second");
        _desktop.Plug("second");
        Script("wait", "^GS-DONE", "120");
        AwaitPicture(0, s_firstSize);
        AwaitPicture(1, SecondSize, head: 1);
        _desktop.Turn("connect second 0");
        Script("wait", "^GS-OFF job=follow head=1", "60");
        AwaitPicture(0, s_firstSize);
        _desktop.Turn("connect second 1");
        AwaitPicture(1, SecondSize, head: 1, after: "GS-OFF");
        AwaitPicture(0, s_firstSize);
        Script("errors");
        Assert.DoesNotContain("its presenter is gone", _desktop.Log, StringComparison.Ordinal);
    }

    private static ModuleDesktop Open(int major)
    {
        LabBench.Require();
        return new ModuleDesktop(major);
    }

    private string SerialLog => Path.Combine(_guest!, "serial.log");

    private LabProcess StartGuest(string name, string job, int frames, params string[] options)
    {
        var socket = _desktop[$"{name}.sock"];
        var device = _desktop.StartProgram(["device", "--name", "work", "--socket-path", socket, "--link", LinkPath, "--size", $"{ModuleDesktop.Width}x{ModuleDesktop.Height}", .. options]);
        _desktop.WaitUntil(() => File.Exists(socket) || device.HasExited, () => device.Output);
        _guest = _desktop[name];
        Script("up", "--gpu", socket, "--limit", "300", "--qemu", "vmm", "--device", "test", "--job", job, "--frames", $"{frames}");
        return device;
    }

    private string Script(string command, params string[] arguments) => LabProcess.Run(LabBench.ScriptPath("vm.sh"), [command, _guest!, .. arguments], s_patience);

    private int FindPresenter() => ModuleDesktop.FindProcess(LinkPath, "present");

    private int WaitForFrame(int after)
    {
        var shown = default(int?);
        _desktop.WaitUntil(() => (shown = GuestPicture.FrameOf(_desktop.Shoot())) > after, () => $"frame {shown} is shown, not one after {after}");
        return shown!.Value;
    }

    // (in full screen the picture is all that there is)
    private void AwaitPicture(int output, string mode, int head = 0, string? after = null) => _desktop.WaitUntil(
        () => LastHold(head, after) is { } hold && hold.Contains($" mode={mode} ", StringComparison.Ordinal) && _desktop.Shoot(output).Crc == LabBench.ParseHold(hold)!.Value.Crc,
        () => $"screen {output} isn't the guest's picture of {mode}: {LastHold(head, after)}");

    private string? LastHold(int head = 0, string? after = null)
    {
        var words = File.ReadAllText(SerialLog);
        return (after is null ? words : words.Split(after)[^1]).Split('\n').LastOrDefault(line => LabBench.ParseHold(line)?.Head == head);
    }

    private void WaitForHeld()
    {
        var held = LabBench.ParseHold(LastHold()!)!.Value.Crc;
        _desktop.WaitUntil(() => _desktop.Shoot().Crc == held, () => $"the screen isn't the picture {held:x8} that the guest drew");
    }

    private void Tell(string what, Stopwatch watch) =>
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Weston {major}: the guest drew on the screen {watch.Elapsed.TotalSeconds:0.0} s after {what}"));
}

/// <summary>This machine's.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "A")]
public sealed class Module10GuestTests() : ModuleGuestTests(10)
{
    [Fact]
    public void The_desktop_keeps_a_killed_VMs_place_for_the_next_one_on_its_link() => KillTheVmAndBringAnother();

    [Fact]
    public void A_guest_takes_the_size_of_its_screen_when_that_comes_and_each_time_it_comes_back() => PlugItsScreenAndReplugIt();

    [Fact]
    public void A_guests_heads_are_screens_of_the_desktop_and_one_that_goes_is_unplugged_in_the_guest() => FillTwoScreens();
}

/// <summary>Debian 13's.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "A")]
public sealed class Module14GuestTests() : ModuleGuestTests(14);

/// <summary>The newest.</summary>
[Collection(Alone.Name)]
[Trait("Tier", "C")]
public sealed class Module16GuestTests() : ModuleGuestTests(16);
