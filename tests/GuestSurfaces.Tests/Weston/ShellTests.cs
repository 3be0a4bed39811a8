// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.Lab;
using GuestSurfaces.Tests.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>Weston 10's shells for kiosks and cars, which put a guest where its app id or its number belongs.</summary>
[Collection(Alone.Name)]
public sealed class ShellTests : IDisposable, IGuestTransport
{
    // What weston's hmi-controller wants to be told: its own surfaces' numbers. A picture's place is a quarter of the width and half of the height above its panel.
    private const string IviIni =
        """
        [ivi-shell]
        ivi-shell-user-interface=/usr/lib/x86_64-linux-gnu/weston-ivi-shell-user-interface
        transition-duration=1
        background-image=/usr/share/weston/background.png
        background-id=1001
        panel-image=/usr/share/weston/panel.png
        panel-id=1002
        surface-id-offset=10
        tiling-image=/usr/share/weston/tiling.png
        tiling-id=1003
        sidebyside-image=/usr/share/weston/sidebyside.png
        sidebyside-id=1004
        fullscreen-image=/usr/share/weston/fullscreen.png
        fullscreen-id=1005
        random-image=/usr/share/weston/random.png
        random-id=1006
        home-image=/usr/share/weston/home.png
        home-id=1007
        workspace-background-color=0x99000000
        workspace-background-id=2001

        """;

    private readonly EventLoop _loop = new();
    private readonly List<(int Head, OutputMode Mode)> _modes = [];
    private readonly GuestStatistics _statistics = new();
    private ModuleDesktop? _desktop;
    private WaylandPresenter? _presenter;
    private Session? _session;
    private ulong _serial;

    [Fact]
    public void An_ivi_shell_shows_each_head_by_its_number_and_gives_the_guest_the_size_of_its_place()
    {
        _desktop = new ModuleDesktop(10) { Shell = "ivi-shell.so", Ini = IviIni, Modules = ["hmi-controller.so"], LacksScreenshots = true };
        _desktop.Start();
        _desktop.WaitUntil(() => _desktop.Shoot()[10, 10] != 0); // its controller places nothing before its background is there
        Present(new PresenterOptions { ResizeGuest = true, IviId = 5000 });
        using var small = new TestPicture(64, 48).FillPattern();
        Show(small, 0);
        RunUntil(() => _modes.Count > 0 && _modes[^1].Mode.Size.Width == ModuleDesktop.Width / 4);
        var place = _modes[^1].Mode.Size;
        Assert.InRange(place.Height, ModuleDesktop.Height / 4, ModuleDesktop.Height / 2);
        using var left = new TestPicture(place.Width, place.Height).FillPattern();
        using var right = new TestPicture(place.Width, place.Height).FillPattern(5);
        Show(left, 0);
        Show(right, 1);
        RunUntil(() => (Shows(left, 0, 0, 0) && Shows(right, 0, place.Width, 0)) || (Shows(right, 0, 0, 0) && Shows(left, 0, place.Width, 0))); // which comes first is the controller's to say
        Assert.Equal(("ivi", ""), (_statistics.Placement, _statistics.PlacementReason));
        Assert.DoesNotContain(_modes, static told => told.Mode.Size.Width == 1); // the controller lets places grow from one pixel
        _presenter!.Disable(0);
        RunUntil(() => !Shows(left, 0, 0, 0) && !Shows(left, 0, place.Width, 0));
    }

    [Fact]
    public void A_kiosk_shows_a_guest_on_the_output_that_lists_its_app_id()
    {
        _desktop = new ModuleDesktop(10) { Shell = "kiosk-shell.so", HasKnobs = true, Ini = "app-ids=org.guestsurfaces.map\n[output]\nname=second\napp-ids=org.guestsurfaces.radio\n" };
        _desktop.Start();
        _desktop.Turn("plug second");
        using var radio = StartGuest("radio");
        using var map = StartGuest("map");
        foreach (var (picture, output) in new[] { ("gradient", 1), ("card", 0) })
        {
            var size = new BufferSize(ModuleDesktop.Width, ModuleDesktop.Height);
            _desktop.WaitUntil(
                () =>
                {
                    var screen = _desktop.Shoot(output);
                    for (var i = 0; i < size.Width * size.Height; i += 97)
                    {
                        if (screen[i % size.Width, i / size.Width] != TestPictures.Pixel(picture, size, 0, i % size.Width, i / size.Width))
                            return false;
                    }

                    return true;
                },
                () => $"{radio.Output}{map.Output}");
        }
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial)
    {
    }

    void IGuestTransport.SetMode(int scanout, in OutputMode mode) => _modes.Add((scanout, mode));

    public void Dispose()
    {
        _presenter?.Dispose();
        _loop.Dispose();
        _desktop?.Dispose();
    }

    // A viewer that is told no name has its guest's, in its app id too.
    private LabProcess StartGuest(string name)
    {
        var link = _desktop![$"{name}.link"];
        var device = _desktop.StartProgram(
            "fake-guest", name == "radio" ? "gradient" : "card", "--name", name, "--size", $"{ModuleDesktop.Width}x{ModuleDesktop.Height}", "--frames", "1", "--link", link);
        _desktop.WaitUntil(() => File.Exists(link) || device.HasExited, () => device.Output);
        return LabProcess.Start(
            _desktop["bin/guest-surfaces"], ["present", link], new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = Path.GetDirectoryName(_desktop.Display)!, ["WAYLAND_DISPLAY"] = _desktop.Display });
    }

    private void Present(PresenterOptions options)
    {
        _session = new Session(_loop.Timers, _statistics, new Limits()) { Transport = this };
        _presenter = WaylandPresenter.Connect(_loop, _desktop!.Display, _session, options, _statistics, NullLogger.Instance);
        _session.Display = _presenter;
    }

    private void Show(TestPicture picture, int head)
    {
        picture.Storage.Lock();
        _session!.Present(head, new GuestFrame
        {
            Storage = picture.Storage,
            View = picture.View,
            Source = picture.Whole,
            Damage = DamageList.Of(picture.Whole),
            Serial = ++_serial,
            PoppedNs = MonotonicClock.Instance.NowNs,
        });
    }

    private bool Shows(TestPicture picture, int output, int left, int top)
    {
        var screen = _desktop!.Shoot(output);
        for (var y = 0; y < picture.Whole.Height; y++)
        {
            for (var x = 0; x < picture.Whole.Width; x++)
            {
                if (screen[left + x, top + y] != (picture.Get(x, y) & 0xff_ffff))
                    return false;
            }
        }

        return true;
    }

    private void RunUntil(Func<bool> condition)
    {
        for (var watch = Stopwatch.StartNew(); !condition();)
        {
            if (watch.Elapsed > TimeSpan.FromSeconds(30))
                Assert.Fail($"waited in vain; modes: {string.Join(", ", _modes)}; {_desktop!.Output}{_desktop.Log}");
            _loop.RunOnce(20);
        }
    }
}
