// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Plugin.Host;
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
        Assert.Contains("--label-color blue isn't a colour", _desktop.RunProgram("plugin", "attach", "work", "--label-color", "blue"), StringComparison.Ordinal);
        _desktop.End();
        _desktop.WaitUntil(() => !File.Exists(Socket));
        Assert.Contains("no desktop answers", _desktop.RunProgram("plugin", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_socket_is_its_users_alone_and_survives_whoever_sends_junk_or_nothing()
    {
        StartDesktop();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Socket));
        var silent = Enumerable.Range(0, 20).Select(_ => UnixSocketHandle.Connect(Socket, SocketKind.Packets)).ToList();
        foreach (var junk in new[] { "", "{", "[]", "{\"action\":99}", "{\"action\":\"Attach\"}", "{\"action\":\"Move\",\"placement\":{\"Outputs\":null}}", new string('x', 60_000) })
        {
            using var socket = UnixSocketHandle.Connect(Socket, SocketKind.Packets);
            Assert.Equal(Errno.None, socket.Send(Encoding.UTF8.GetBytes(junk), [], out _));
        }

        Assert.Empty(ControlClient.Ask(Socket, new ControlRequest { Action = ControlAction.List }).Guests);
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
        _desktop.Turn("plug second");
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
