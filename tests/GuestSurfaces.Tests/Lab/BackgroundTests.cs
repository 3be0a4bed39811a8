// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Testing.Seats;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>A guest as the background of a real desktop: sway 1.10, by its layer shell.</summary>
[Trait("Tier", "A")]
public sealed class BackgroundTests : IDisposable
{
    private const int Width = 640;
    private const int Height = 480;
    private const ushort KeyA = 30;
    private const uint WindowsColor = 0xff0000;

    private readonly EventLoop _loop = new();
    private readonly RecordedEvents _events = new();
    private readonly List<TestPicture> _pictures = [];
    private ulong _serial;

    [Fact]
    public void A_guest_is_under_all_windows_fills_the_output_that_it_is_on_and_takes_clicks_and_keys_there()
    {
        using var bench = new LabBench("sway", shell: "desktop", size: $"{Width}x{Height}");
        using var hub = new LinkHub(_loop, _events, "work", new GuestStatistics(), NullLogger.Instance) { Takes = InputKinds.Keyboard | InputKinds.Pointer };
        using var listener = LinkListener.Open(_loop, hub, bench["work.link"], LinkListener.OwnerOnly, NullLogger.Instance);
        Show(hub, 64, 48);
        var viewer = bench.StartViewer("work", "--placement", "background");
        RunUntil(() => _events.Modes.Exists(static mode => mode.Size == new BufferSize(Width, Height)), () => viewer.Output);
        var behind = Show(hub, Width, Height);
        RunUntil(() => IsShown(bench, behind), () => viewer.Output);

        // A window comes above it, and goes.
        using var front = new LinkHub(_loop, new RecordedEvents(), "front", new GuestStatistics(), NullLogger.Instance);
        using var frontListener = LinkListener.Open(_loop, front, bench["front.link"], LinkListener.OwnerOnly, NullLogger.Instance);
        var window = Add(200, 150);
        window.Fill(window.Whole, static (_, _) => WindowsColor);
        Show(front, window);
        var frontViewer = bench.StartViewer("front");
        var left = (Width - 200) / 2;
        var top = (Height - 150) / 2;
        RunUntil(() => IsShown(bench, behind, new BufferRect(left, top, 200, 150)), () => frontViewer.Output);
        frontViewer.Signal("TERM");
        RunUntil(() => IsShown(bench, behind), () => viewer.Output);

        // What the user does where nothing else is.
        using (var seat = new VirtualSeat(bench.Display, Width, Height))
        {
            RunUntil(
                () =>
                {
                    seat.MoveTo(100, 100); // (again and again: the viewer may not have heard yet that there is a pointer)
                    seat.Button(InputCodes.FirstButton, true);
                    seat.Button(InputCodes.FirstButton, false);
                    return Heard(InputCodes.FirstButton);
                },
                () => viewer.Output);
            RunUntil(
                () =>
                {
                    seat.Key(KeyA, true);
                    seat.Key(KeyA, false);
                    return Heard(KeyA);
                },
                () => viewer.Output);
        }

        // Another mode, and another output.
        _ = bench.Tell("output HEADLESS-1 mode --custom 800x600@60Hz");
        RunUntil(() => _events.Modes[^1].Size == new BufferSize(800, 600), () => viewer.Output);
        behind = Show(hub, 800, 600);
        RunUntil(() => IsShown(bench, behind), () => viewer.Output);
        _ = bench.Tell("create_output");
        _ = bench.Tell("output HEADLESS-2 mode --custom 320x240@60Hz");
        _ = bench.Tell("output HEADLESS-1 unplug");
        RunUntil(() => _events.Modes[^1].Size == new BufferSize(320, 240), () => viewer.Output);
        behind = Show(hub, 320, 240);
        RunUntil(() => IsShown(bench, behind), () => viewer.Output);
        Assert.False(viewer.HasExited, viewer.Output);
    }

    public void Dispose()
    {
        foreach (var picture in _pictures)
            picture.Dispose();
        _loop.Dispose();
    }

    private static bool IsShown(LabBench bench, TestPicture behind, BufferRect window = default)
    {
        Picture screen;
        try
        {
            screen = bench.Shoot();
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or TimeoutException)
        {
            return false; // its output is being changed
        }

        if ((screen.Width, screen.Height) != (behind.Whole.Width, behind.Whole.Height))
            return false;
        for (var y = 0; y < screen.Height; y++)
        {
            for (var x = 0; x < screen.Width; x++)
            {
                var isWindow = x >= window.X && x < window.Right && y >= window.Y && y < window.Bottom;
                if (screen[x, y] != (isWindow ? WindowsColor : behind.Get(x, y) & 0xff_ffff))
                    return false;
            }
        }

        return true;
    }

    private bool Heard(int code) => _events.Inputs.Exists(input => Array.Exists(input.Frame, e => e.Code == code && e.Value == 1));

    private TestPicture Add(int width, int height)
    {
        var picture = new TestPicture(width, height);
        _pictures.Add(picture);
        return picture;
    }

    private TestPicture Show(LinkHub hub, int width, int height) => Show(hub, Add(width, height).FillPattern());

    private TestPicture Show(LinkHub hub, TestPicture picture)
    {
        picture.Storage.Lock();
        hub.Present(0, new GuestFrame { Storage = picture.Storage, View = picture.View, Source = picture.Whole, Damage = DamageList.Of(picture.Whole), Serial = ++_serial });
        return picture;
    }

    private void RunUntil(Func<bool> condition, Func<string> explain)
    {
        var deadline = Environment.TickCount64 + 30_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"waited in vain; modes: {string.Join(", ", _events.Modes)}\n{explain()}");
            _loop.RunOnce(20);
        }
    }
}
