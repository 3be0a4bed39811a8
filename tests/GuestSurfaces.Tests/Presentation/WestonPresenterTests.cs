// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Diagnostics;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Tests.Lab;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>The whole presenter, behind a session, in a real loop, against weston 10 without a screen: the portable floor.</summary>
public sealed class WestonPresenterTests : IDisposable, IGuestTransport
{
    private const int Width = 320;
    private const int Height = 200;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(20);

    private readonly EventLoop _loop = new();
    private readonly GuestStatistics _statistics = new();
    private readonly List<ulong> _settled = [];
    private WestonHost? _weston;
    private Session? _session;
    private WaylandPresenter? _presenter;
    private WaylandFailure? _lost;
    private ulong _serial;

    [Fact]
    public void Screen_shows_exactly_what_the_guest_drew_damage_by_damage_and_nothing_after_the_windows_are_closed()
    {
        Start(new PresenterOptions { Title = "Guest" });
        var picture = new TestPicture(Width, Height).FillPattern();
        Show(picture, picture.Whole);
        Shoot().AssertShows(picture, picture.Whole);

        // Another buffer, of which only a part is new: as the copy rung does it.
        var other = new TestPicture(Width, Height).FillPattern();
        var damage = new BufferRect(100, 50, 60, 40);
        other.Fill(damage, static (x, y) => TestPicture.Pattern(x, y, 77));
        Show(other, damage);
        Shoot().AssertShows(other, other.Whole);
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Equal(new RungReport(Rung.Copy, "the compositor offers no linux-dmabuf"), _statistics.Rung);
        Assert.Equal(0, _statistics.BytesCopied);
        Assert.Equal(0, _statistics.UnprotectedFlips);

        _session!.CloseWindows();
        RunUntil(() => Shoot().ToPixels().All(static pixel => pixel == WestonHost.Background));
        RunUntil(() => other.Storage.LockCount == 0);
        Assert.Null(_lost);
    }

    [Fact]
    public void Fullscreen_picture_of_another_shape_is_in_the_middle_of_black()
    {
        Start(new PresenterOptions { Placement = WindowPlacement.Fullscreen });
        var picture = new TestPicture(Width / 2, Height).FillPattern();
        Show(picture, picture.Whole);
        var screen = Shoot();
        screen.AssertShows(picture, picture.Whole, left: Width / 4);
        for (var y = 0; y < Height; y++)
            Assert.Equal((0u, 0u), (screen[0, y], screen[Width - 1, y]));
        Assert.Null(_lost);
    }

    [Fact]
    public void Cropped_converted_bottom_up_picture_and_cursor_are_shown_as_they_should()
    {
        Start(new PresenterOptions());
        var picture = new TestPicture(Width + 50, Height + 30, offsetBytes: 4096, extraStride: 64).FillPattern();
        var source = new BufferRect(50, 30, Width, Height);
        Show(picture, source, source, flipY: true);
        Shoot().AssertShows(picture, source, flipY: true);

        var converted = new TestPicture(Width, Height, DrmFormat.Xbgr8888);
        converted.Fill(converted.Whole, static (x, y) => (uint)((x & 0xff) | (y << 8) | 0x300000));
        Show(converted, converted.Whole);
        var screen = Shoot().ToPixels();
        for (var i = 0; i < screen.Length; i++)
            Assert.Equal((uint)(((i % Width & 0xff) << 16) | ((i / Width) << 8) | 0x30), screen[i]);

        var cursor = new TestPicture(16, 16, DrmFormat.Argb8888);
        cursor.Fill(cursor.Whole, static (x, y) => TestPicture.Pattern(x, y, 5) | 0xff00_0000);
        cursor.Storage.Lock();
        _session!.SetCursor(0, new CursorImage(cursor.Storage, cursor.View.Size, 2, 3), 100, 80);
        RunUntil(() => Shoot()[98, 77] == (cursor.Get(0, 0) & 0xff_ffff));
        Shoot().AssertShows(cursor, cursor.Whole, 98, 77);
        Assert.Null(_lost);
    }

    [Fact]
    public void Weston_that_is_killed_leaves_the_guest_running()
    {
        Start(new PresenterOptions());
        var picture = new TestPicture(Width, Height);
        Show(picture, picture.Whole);
        _weston!.Dispose();
        _weston = null;
        RunUntil(() => _lost is not null);
        Assert.Equal(0, picture.Storage.LockCount);
        _session!.Display = null;
        Present(picture, picture.Whole, picture.Whole, flipY: false);
        RunUntil(() => _settled.Contains(_serial));
    }

    [Fact]
    public void Dma_buf_is_shown_directly_by_a_weston_that_imports_linear_memory()
    {
        // Debian 13's weston with GL in software takes plain memfds for dma-bufs.
        using var bench = new LabBench("weston14-gl", size: "320x200");
        var display = bench.Display;
        var dmabufs = CompositorProbe.Run(display).Report!.Dmabufs;
        Assert.True(dmabufs.Offers(DrmFormat.Xrgb8888, DrmModifier.Linear));
        Assert.False(dmabufs.ScansOut(DrmFormat.Xrgb8888, DrmModifier.Linear)); // there is no screen
        var screen = Screenshot.Take(display);
        Present(display, new PresenterOptions());
        var picture = new TestPicture(screen.Width, screen.Height, isDmabuf: true).FillPattern();
        Show(picture, picture.Whole);
        Assert.Equal(new RungReport(Rung.Direct, string.Empty), _statistics.Rung);
        Screenshot.Take(display).AssertShows(picture, picture.Whole);
        Show(picture, picture.Whole, flipY: true);
        Screenshot.Take(display).AssertShows(picture, picture.Whole, flipY: true);
        _session!.CloseWindows();
        RunUntil(() => picture.Storage.LockCount == 0);
        Assert.Equal(0, _statistics.BytesCopied);
        Assert.Null(_lost);
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial) => _settled.Add(serial);

    void IGuestTransport.SetMode(int scanout, in OutputMode mode)
    {
    }

    public void Dispose()
    {
        _presenter?.Dispose();
        _weston?.Dispose();
        _loop.Dispose();
    }

    private void Start(PresenterOptions options)
    {
        _weston = WestonHost.TryStart(Width, Height);
        if (_weston is null)
            Missing("weston isn't installed");
        _weston!.Connect().Dispose();
        Present(_weston.Display, options);
        RunUntil(() => Shoot().ToPixels().All(static pixel => pixel == WestonHost.Background)); // its shell is there
    }

    private void Present(string display, PresenterOptions options)
    {
        _session = new Session(_loop.Timers, _statistics, new Limits()) { Transport = this };
        _presenter = WaylandPresenter.Connect(_loop, display, _session, options, _statistics, NullLogger.Instance);
        _presenter.Lost = failure => _lost = failure;
        _session.Display = _presenter;
    }

    private Picture Shoot() => Screenshot.Take(_weston!.Display);

    private static void Missing(string what)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail(what);
        Assert.Skip(what);
    }

    /// <summary>Shows a picture twice: weston's first frame callback may come before the first repaint.</summary>
    private void Show(TestPicture picture, BufferRect damage, BufferRect? source = null, bool flipY = false)
    {
        for (var i = 0; i < 2; i++)
        {
            var before = _statistics.FramesPresented;
            Present(picture, i == 0 ? damage : new BufferRect(0, 0, 1, 1), source ?? picture.Whole, flipY);
            RunUntil(() => _statistics.FramesPresented > before);
        }
    }

    private void Present(TestPicture picture, BufferRect damage, BufferRect source, bool flipY)
    {
        picture.Storage.Lock();
        _session!.Present(0, new GuestFrame
        {
            Storage = picture.Storage,
            View = picture.View,
            Source = source,
            Damage = DamageList.Of(damage),
            FlipY = flipY,
            Serial = ++_serial,
            PoppedNs = MonotonicClock.Instance.NowNs,
        });
    }

    private void RunUntil(Func<bool> condition)
    {
        for (var watch = Stopwatch.StartNew(); !condition();)
        {
            if (watch.Elapsed > s_timeout)
                Assert.Fail($"waited {s_timeout.TotalSeconds} s in vain; the presenter says '{_lost?.Message}', weston's log: {_weston?.Log}");
            _loop.RunOnce(20);
        }
    }
}
