// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Plugin.Host;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary><c>guest-surfaces plugin</c> in a headless Weston 10 that has loaded the module.</summary>
[Collection(Alone.Name)]
public sealed class ControlTests : IDisposable
{
    private const uint Red = 0xFF0000;

    private readonly ModuleDesktop _desktop = new(10) { HasKnobs = true };

    private string Socket => _desktop[$"guest-surfaces/{ControlClient.FileName}"];

    private string LinkPath => _desktop["guest-surfaces/work.link"];

    public void Dispose() => _desktop.Dispose();

    [Fact]
    public void A_guest_comes_goes_and_comes_back_by_name()
    {
        StartDesktop();
        Assert.Contains("no guest on this desktop", _desktop.RunProgram("plugin", "list"), StringComparison.Ordinal);
        _ = _desktop.StartProgram("fake-guest", "card", "--size", "320x200", "--frames", "3", "--name", "work", "--link");
        _desktop.WaitUntil(() => File.Exists(LinkPath));
        Assert.Equal("", _desktop.RunProgram("plugin", "attach", "work", "--label-color", "0xff0000"));
        WaitForCard();
        var list = _desktop.RunProgram("plugin", "list");
        Assert.Matches(@"work +running +\d+ +window +any +0 +\w+", list);
        Assert.Equal("", _desktop.RunProgram("plugin", "detach", "work"));
        _desktop.WaitUntil(() => _desktop.Shoot().ToPixels().All(static pixel => pixel == ModuleDesktop.Background));
        Assert.Matches("work +detached", _desktop.RunProgram("plugin", "list"));
        Assert.Equal("", _desktop.RunProgram("plugin", "attach", "work"));
        WaitForCard();
    }

    [Fact]
    public void What_a_guest_shows_is_saved_as_it_is_if_weston_ini_says_so_and_else_not()
    {
        var size = new BufferSize(320, 200);
        StartDesktop($"name=work\nlink={LinkPath}\ncapture=true\nlabel-color=0xff0000", $"name=shy\nlink={_desktop["shy.link"]}");
        _ = _desktop.StartProgram("fake-guest", "card", "--size", $"{size.Width}x{size.Height}", "--frames", "3", "--name", "work", "--link");
        WaitForCard();
        var file = _desktop["work.png"];
        File.WriteAllText(_desktop["older.png"], "older");
        File.CreateSymbolicLink(file, _desktop["older.png"]);
        Assert.Equal("", _desktop.RunProgram("plugin", "capture", "work", file));
        Assert.Equal((null, UnixFileMode.UserRead | UnixFileMode.UserWrite, "older"), (File.ResolveLinkTarget(file, false), File.GetUnixFileMode(file), File.ReadAllText(_desktop["older.png"])));
        var picture = Picture.ReadPng(file);
        Assert.Equal((size.Width, size.Height), (picture.Width, picture.Height)); // no frame
        for (var y = 0; y < size.Height; y++)
            Assert.All(Enumerable.Range(0, size.Width), x => Assert.Equal(TestPictures.Pixel("card", size, 0, x, y), picture[x, y]));
        WaitForCard(); // still there
        Assert.Contains("head 1 shows nothing", _desktop.RunProgram("plugin", "capture", "work", "--head", "1", _desktop["head.png"]), StringComparison.Ordinal);
        Assert.Contains("capture=true in its [guest-surface]", _desktop.RunProgram("plugin", "capture", "shy", _desktop["shy.png"]), StringComparison.Ordinal);
        Assert.False(File.Exists(_desktop["shy.png"]) || File.Exists(_desktop["head.png"]));
    }

    [Fact]
    public void A_guest_fills_a_screen_is_a_window_again_and_moves()
    {
        StartDesktop("name=work\ncommand=true");
        _ = _desktop.StartProgram("fake-guest", "card", "--size", "320x200", "--frames", "3", "--name", "guest", "--link", _desktop["b.link"]);
        _desktop.WaitUntil(() => File.Exists(_desktop["b.link"]));
        Assert.Equal("", _desktop.RunProgram("plugin", "attach", _desktop["b.link"], "--name", "b", "--label-color", "0xff0000"));
        WaitForCard();
        Assert.Equal("", _desktop.RunProgram("plugin", "fullscreen", "b"));
        _desktop.WaitUntil(() => _desktop.Shoot() is var shot && shot[0, 240] != ModuleDesktop.Background && shot[ModuleDesktop.Width - 1, 240] != ModuleDesktop.Background); // from edge to edge
        Assert.Equal("", _desktop.RunProgram("plugin", "fullscreen", "b", "--off"));
        WaitForCard();
        Assert.Matches(@"b +running +\d+ +window +any", _desktop.RunProgram("plugin", "list"));
        Assert.Equal("", _desktop.RunProgram("plugin", "move", "b", "headless"));
        Assert.Matches(@"b +running +\d+ +window +headless", _desktop.RunProgram("plugin", "list"));
    }

    [Fact]
    public void What_cannot_be_done_is_said()
    {
        StartDesktop();
        Assert.Contains("there is no guest named nobody", _desktop.RunProgram("plugin", "detach", "nobody"), StringComparison.Ordinal);
        Assert.Contains("name at most 16, with commas between them", _desktop.RunProgram("plugin", "move", "work", new string('x', 4096)), StringComparison.Ordinal);
        Assert.Contains("--label-color blue isn't a colour", _desktop.RunProgram("plugin", "attach", "work", "--label-color", "blue"), StringComparison.Ordinal);
        _desktop.End();
        _desktop.WaitUntil(() => !File.Exists(Socket));
        Assert.Contains("no desktop answers", _desktop.RunProgram("plugin", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_socket_is_its_users_alone_and_survives_whoever_sends_junk_or_nothing()
    {
        StartDesktop("name=work\ncommand=exec sleep 600");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Socket));
        var silent = Enumerable.Range(0, 20).Select(_ => UnixSocketHandle.Connect(Socket, SocketKind.Packets)).ToList();
        foreach (var junk in new[] { "", "{", "[]", "{\"action\":99}", "{\"action\":\"Attach\"}", "{\"action\":\"Move\",\"placement\":{\"Outputs\":null}}", new string('x', 60_000) })
        {
            using var socket = UnixSocketHandle.Connect(Socket, SocketKind.Packets);
            Assert.Equal(Errno.None, socket.Send(Encoding.UTF8.GetBytes(junk), [], out _));
        }

        var tooLong = new ControlRequest { Action = ControlAction.Move, Name = "work", Placement = new WindowPlacement(PlacementKind.Fullscreen, [new string('x', 4096)]) };
        Assert.Equal("that is no request", ControlClient.Ask(Socket, tooLong).Problem);
        Assert.Empty(Assert.Single(ControlClient.Ask(Socket, new ControlRequest { Action = ControlAction.List }).Guests).Outputs);
        foreach (var socket in silent)
            socket.Dispose();
    }

    [Fact]
    public void A_killed_host_comes_back_with_its_guests()
    {
        StartDesktop($"name=work\ncommand=exec {_desktop.Presenter} window\nlabel-color=0xff0000");
        WaitForWindow();
        ModuleDesktop.Signal("KILL", ModuleDesktop.FindProcess(_desktop["weston.ini"], "serve"));
        _desktop.WaitUntil(() => _desktop.Log.Contains("the guests' host is gone", StringComparison.Ordinal));
        WaitForWindow();
        Assert.True(_desktop.IsRunning);
    }

    [Fact]
    public void A_killed_host_takes_with_it_what_has_never_connected()
    {
        StartDesktop("name=silent\ncommand=exec sleep 54321");
        _desktop.WaitUntil(() => ModuleDesktop.FindProcess("54321", "sleep") != 0);
        var silent = ModuleDesktop.FindProcess("54321", "sleep");
        var weston = ModuleDesktop.FindProcess(_desktop["weston.ini"], "weston");
        ModuleDesktop.Signal("STOP", weston); // the module ends its host's processes if Weston hasn't collected the host before it looks
        ModuleDesktop.Signal("KILL", ModuleDesktop.FindProcess(_desktop["weston.ini"], "serve"));
        _desktop.WaitUntil(() => !Directory.Exists($"/proc/{silent}"));
        ModuleDesktop.Signal("CONT", weston);
        _desktop.WaitUntil(() => ModuleDesktop.FindProcess("54321", "sleep") is not 0 and var next && next != silent);
    }

    [Fact]
    public void A_guest_whose_window_its_user_closes_is_detached_until_it_is_asked_for()
    {
        _ = _desktop.StartProgram("fake-guest", "card", "--size", "320x200", "--frames", "3", "--name", "guest", "--link", _desktop["b.link"]);
        StartDesktop($"name=work\nlink={_desktop["b.link"]}\nlabel-color=0xff0000\npolicy=fifo\nsync=implicit", "name=brief\ncommand=true", "name=sick\ncommand=exit 3");
        WaitForCard();
        var presenter = ModuleDesktop.FindProcess(_desktop["b.link"], "present");
        Assert.Contains("--policy=fifo\0--sync=implicit", File.ReadAllText($"/proc/{presenter}/cmdline"), StringComparison.Ordinal);
        _desktop.Turn("close");
        _desktop.WaitUntil(() => _desktop.Log.Contains(" work: its window was closed; guest-surfaces plugin attach work brings it back", StringComparison.Ordinal));
        _desktop.WaitUntil(() => _desktop.CountInLog(" sick: its presenter is gone; another is started") >= 2);
        Assert.Matches(@"work +detached +- +window +any +0 ", _desktop.RunProgram("plugin", "list"));
        Assert.Equal([GuestState.Detached, GuestState.Detached], ControlClient.Ask(Socket, new ControlRequest { Action = ControlAction.List }).Guests.Take(2).Select(static guest => guest.State));
        Assert.Equal(0, ModuleDesktop.FindProcess(_desktop["b.link"], "present"));
        Assert.Equal("", _desktop.RunProgram("plugin", "attach", "work"));
        WaitForCard();
    }

    [Fact]
    public void A_presenter_that_a_signal_tells_to_end_is_started_again()
    {
        _ = _desktop.StartProgram("fake-guest", "card", "--size", "320x200", "--frames", "3", "--name", "guest", "--link", _desktop["b.link"]);
        StartDesktop($"name=work\nlink={_desktop["b.link"]}\nlabel-color=0xff0000");
        WaitForCard();
        ModuleDesktop.Signal("TERM", ModuleDesktop.FindProcess(_desktop["b.link"], "present"));
        _desktop.WaitUntil(() => _desktop.Log.Contains(" work: its presenter is gone; another is started", StringComparison.Ordinal));
        WaitForCard();
        Assert.Matches(@"work +running +\d+ +window +any +1 ", _desktop.RunProgram("plugin", "list"));
    }

    [Fact]
    public void A_program_that_crashes_long_after_the_shell_that_left_it_in_the_background_is_started_again()
    {
        StartDesktop($"name=work\ncommand={_desktop.Presenter} window &\nlabel-color=0xff0000");
        WaitForWindow();
        _desktop.WaitUntil(() => Assert.Single(ControlClient.Ask(Socket, new ControlRequest { Action = ControlAction.List }).Guests) is { State: GuestState.Running, Pid: null });
        var shellEnded = Stopwatch.StartNew();
        _desktop.WaitUntil(() => shellEnded.Elapsed > TimeSpan.FromSeconds(1)); // what is long after
        ModuleDesktop.Signal("KILL", ModuleDesktop.FindProcess(_desktop.Presenter, Path.GetFileName(_desktop.Presenter)));
        _desktop.WaitUntil(() => _desktop.Log.Contains(" work: its presenter is gone; another is started", StringComparison.Ordinal));
        WaitForWindow();
    }

    [Fact]
    public void Without_the_filter_the_globals_are_seen_and_binding_them_is_still_refused()
    {
        StartDesktop($"name=work\ncommand=exec {_desktop.Presenter} window\nlabel-color=0xff0000");
        WaitForWindow();
        _desktop.Turn("unfilter");
        var spy = _desktop.RunClient("see");
        Assert.Contains("sees it", spy, StringComparison.Ordinal);
        Assert.Contains("is for presenters of Weston's own guests", spy, StringComparison.Ordinal);
        Assert.DoesNotContain("placement", spy, StringComparison.Ordinal);
        var host = _desktop.RunClient("host");
        Assert.Contains("is for the process that Weston itself has started", host, StringComparison.Ordinal);
    }

    [Fact]
    public void Screens_come_and_go_under_a_guest_that_belongs_on_one()
    {
        StartDesktop($"name=work\ncommand=exec {_desktop.Presenter} fullscreen\nplacement=fullscreen\noutput=second");
        _desktop.WaitUntil(() => _desktop.Output.Contains("placement 1 \"second\"", StringComparison.Ordinal));
        _desktop.Plug("second");
        _desktop.Turn("replug second");
        _desktop.Turn("focus");
        Assert.True(_desktop.IsRunning);
        Assert.Equal(GuestState.Running, Assert.Single(ControlClient.Ask(Socket, new ControlRequest { Action = ControlAction.List }).Guests).State);
    }

    private void StartDesktop(params string[] sections)
    {
        _desktop.Start(sections);
        _desktop.WaitUntil(() => File.Exists(Socket));
    }

    private void WaitForCard() => _desktop.WaitForFramed(Red, 320, 200, static (x, y) => TestPictures.Pixel("card", new BufferSize(320, 200), 0, x, y));

    private void WaitForWindow() => _desktop.WaitForFramed(Red, 200, 120, static (_, _) => 0x00FF00);
}
