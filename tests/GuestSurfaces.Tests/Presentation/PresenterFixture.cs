// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A presenter and a strict compositor in one thread, on one clock that stands still.</summary>
internal sealed class PresenterFixture : IDisposable
{
    private readonly FakeGpu? _gpu;
    private ulong _serial;

    public PresenterFixture(FakeCompositorOptions? compositor = null, PresenterOptions? options = null, FakeGpu? gpu = null)
    {
        _gpu = gpu;
        Timers = new TimerQueue(Clock);
        Compositor = new FakeCompositor(compositor ?? new FakeCompositorOptions(), Clock);
        Presenter = new WaylandPresenter(
            Compositor.ClientConnection,
            Timers,
            new FakeDmabufSync(),
            Events,
            options ?? new PresenterOptions { Title = "Fedora", AppId = "org.guestsurfaces.Fedora" },
            Statistics,
            NullLogger.Instance,
            gpu is null ? null : _ => gpu)
        {
            Lost = failure => Lost = failure,
        };
        Pump();
    }

    public VirtualClock Clock { get; } = new();

    public TimerQueue Timers { get; }

    public RecordedEvents Events { get; } = new();

    public GuestStatistics Statistics { get; } = new();

    public FakeCompositor Compositor { get; }

    public WaylandPresenter Presenter { get; }

    public WaylandFailure? Lost { get; private set; }

    public FakeToplevel Window => Compositor.Toplevel;

    /// <summary>Both sides, and the GPU, handle everything that is under way.</summary>
    public void Pump()
    {
        for (var left = 6; left > 0; left--)
        {
            Presenter.Dispatch();
            Compositor.Dispatch();
            if (_gpu?.Run() == true)
                left = 6;
        }

        Presenter.Dispatch();
    }

    /// <summary>A refresh of the screen, 16.7 ms later, and what comes of it.</summary>
    public void Refresh()
    {
        Clock.Advance(16_666_667);
        Compositor.Refresh();
        Pump();
    }

    /// <summary>Time passes, and timers run.</summary>
    public void Advance(long ns)
    {
        Clock.Advance(ns);
        Timers.RunDue();
        Pump();
    }

    public GuestFrame Frame(TestPicture picture, DamageList? damage = null, BufferRect? source = null, bool flipY = false)
    {
        picture.Storage.Lock();
        return new GuestFrame
        {
            Storage = picture.Storage,
            View = picture.View,
            Source = source ?? picture.Whole,
            Damage = damage ?? DamageList.Of(source ?? picture.Whole),
            FlipY = flipY,
            Serial = ++_serial,
            Awaited = true,
        };
    }

    /// <summary>Presents, and lets both sides handle it.</summary>
    public ulong Show(TestPicture picture, DamageList? damage = null, BufferRect? source = null, bool flipY = false, int scanout = 0)
    {
        var frame = Frame(picture, damage, source, flipY);
        Presenter.Present(scanout, in frame);
        Pump();
        return frame.Serial;
    }

    public void Dispose()
    {
        Presenter.Dispose();
        Compositor.Dispose();
    }
}

/// <summary>What tests ask of pictures on the screen.</summary>
internal static class Pixels
{
    public static void AssertShows(this Picture screen, TestPicture picture, BufferRect source, int left = 0, int top = 0, bool flipY = false) =>
        screen.ToPixels().AssertShows(screen.Width, picture, source, left, top, flipY);

    public static void AssertShows(this uint[] screen, int screenWidth, TestPicture picture, BufferRect source, int left = 0, int top = 0, bool flipY = false)
    {
        for (var y = 0; y < source.Height; y++)
        {
            for (var x = 0; x < source.Width; x++)
            {
                var guest = picture.Get(source.X + x, flipY ? source.Bottom - 1 - y : source.Y + y) & 0xff_ffff;
                Assert.True(guest == screen[((top + y) * screenWidth) + left + x], $"at ({x},{y}): {screen[((top + y) * screenWidth) + left + x]:x6}, drawn was {guest:x6}");
            }
        }
    }
}
