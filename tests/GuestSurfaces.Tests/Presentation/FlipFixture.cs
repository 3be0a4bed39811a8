// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A guest, its session, the presenter, a strict compositor and a GPU: everything that an answer hangs on, on one clock turned by hand.</summary>
internal sealed class FlipFixture : IGuestTransport, IDisposable
{
    public const long Ms = 1_000_000;

    private readonly TimerQueue _timers;
    private readonly PresenterOptions _options;

    public FlipFixture(FakeCompositorOptions? compositor = null, Func<Session, IDisplayEvents>? spy = null, int timelinesLeft = int.MaxValue, PresenterOptions? options = null)
    {
        _options = options ?? new PresenterOptions();
        _timers = new TimerQueue(Clock);
        Compositor = new FakeCompositor(compositor ?? new FakeCompositorOptions { DmabufVersion = 4 }, Clock);
        Session = new Session(_timers, new GuestStatistics(), new Limits()) { Transport = this, Trace = Trace };
        Events = spy?.Invoke(Session) ?? Session;
        Fences = Compositor.Options.Fences ?? new FakeFences();
        Gpu.Fences = Fences;
        Timelines = NewTimelines(timelinesLeft);
        Presenter = NewPresenter();
    }

    public VirtualClock Clock { get; } = new();

    public FrameTrace Trace { get; } = FrameTrace.TryCreate(out _)!;

    public FakeDmabufSync Gpu { get; } = new();

    public FakeFences Fences { get; }

    public FakeTimelineDevice Timelines { get; private set; }

    public FakeCompositor Compositor { get; private set; }

    public Session Session { get; }

    public WaylandPresenter Presenter { get; private set; }

    public IDisplayEvents Events { get; }

    public GuestStatistics Statistics => Session.Statistics;

    /// <summary>The answers, in their order.</summary>
    public List<(int Scanout, ulong Serial)> Answers { get; } = [];

    /// <summary>Why the guest's side is to show copies of each scanout; null: it isn't.</summary>
    public string?[] CopiesBecause { get; } = new string?[Limits.MaxScanouts];

    /// <summary>How often that changed.</summary>
    public int CopyChanges { get; private set; }

    /// <summary>Hears of each answer.</summary>
    public Action<int, ulong>? Answered { get; set; }

    public bool IsLost { get; private set; }

    public ulong LastSerial { get; private set; }

    public FakeSurface Surface(int window = 0) => Compositor.Toplevels[window].Surface;

    public static TestPicture Dmabuf() => new(24, 16, isDmabuf: true);

    public static TestPicture Shm() => new(24, 16);

    /// <summary>The guest flushes a picture, and both sides handle it.</summary>
    public ulong Flip(TestPicture picture, int scanout = 0, bool awaited = true, FakeFence? acquire = null, long targetNs = 0)
    {
        Present(picture, scanout, awaited, acquire, targetNs);
        Pump();
        return LastSerial;
    }

    /// <summary>The guest flushes a picture.</summary>
    public void Present(TestPicture picture, int scanout = 0, bool awaited = true, FakeFence? acquire = null, long targetNs = 0)
    {
        picture.Storage.Lock();
        var frame = new GuestFrame
        {
            Storage = picture.Storage,
            View = picture.View,
            Source = picture.Whole,
            Damage = DamageList.Of(picture.Whole),
            Serial = ++LastSerial,
            PoppedNs = Clock.NowNs,
            TargetNs = targetNs,
            Awaited = awaited,
            Acquire = acquire is null ? SyncPoint.Signalled : SyncPoint.FromFence(acquire.Open()),
        };
        Session.Present(scanout, in frame);
    }

    /// <summary>The compositor takes what was committed, and goes on reading what it read.</summary>
    public void Latch(int window = 0)
    {
        Surface(window).CallbackOnly(Clock.NowNs);
        Pump();
    }

    /// <summary>The compositor releases what it doesn't show any more.</summary>
    public void Release(int window = 0)
    {
        Surface(window).ReleaseDue();
        Pump();
    }

    /// <summary>Both, on all windows.</summary>
    public void Refresh()
    {
        Compositor.Refresh();
        Pump();
    }

    /// <summary>Time goes by, and every timer has its turn.</summary>
    public void Pass(long ns)
    {
        var until = Clock.NowNs + ns;
        while (_timers.NextDueNs <= until)
        {
            Clock.Advance(Math.Max(_timers.NextDueNs - Clock.NowNs, 0));
            _timers.RunDue();
        }

        Clock.Advance(Math.Max(until - Clock.NowNs, 0));
    }

    public void Pump()
    {
        for (var i = 0; i < 6 && !IsLost; i++)
        {
            Compositor.Client.Flush();
            Presenter.Dispatch();
            Compositor.Dispatch();
            Compositor.Options.Timelines?.Deliver();
        }

        Presenter.Dispatch();
    }

    /// <summary>Another compositor after one that died.</summary>
    public void Reconnect()
    {
        var options = Compositor.Options;
        Presenter.Dispose();
        Compositor.Dispose();
        IsLost = false;
        Compositor = new FakeCompositor(options, Clock);
        Timelines = NewTimelines(int.MaxValue);
        Presenter = NewPresenter();
    }

    public void Die()
    {
        Compositor.Die();
        Presenter.Dispatch();
    }

    public void Dispose()
    {
        Presenter.Dispose();
        Compositor.Dispose();
        Compositor.Options.Timelines?.Dispose();
        Fences.Dispose();
        Trace.Dispose();
    }

    /// <summary>What is remembered of the frames.</summary>
    public List<FrameRecord> ReadTrace() => Read(Trace);

    /// <summary>Reads a trace as another process does.</summary>
    public static List<FrameRecord> Read(FrameTrace trace)
    {
        var bytes = new byte[trace.File.GetSizeBytes()];
        using var reader = SharedRegion.TryOpen(trace.File.Duplicate<MemFdHandle>(), 0, (ulong)bytes.Length, mayMap: false, out _)!;
        Assert.True(reader.TryRead(0, bytes));
        return FrameTrace.Read(bytes)!;
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial)
    {
        Answers.Add((scanout, serial));
        Answered?.Invoke(scanout, serial);
    }

    void IGuestTransport.CopiesWanted(int scanout, string? reason)
    {
        CopiesBecause[scanout] = reason;
        CopyChanges++;
    }

    void IGuestTransport.SetMode(int scanout, in OutputMode mode)
    {
    }

    private FakeTimelineDevice NewTimelines(int left) => new(Compositor.Options.Timelines ?? new FakeTimelines(), Fences) { Left = left };

    private WaylandPresenter NewPresenter()
    {
        var presenter = new WaylandPresenter(
            Compositor.ClientConnection, _timers, Gpu, Events, _options, Session.Statistics, NullLogger.Instance, null, _ => (Timelines, ""))
        {
            Lost = _ => IsLost = true,
        };
        Presenter = presenter;
        Session.Display = presenter;
        Pump();
        return presenter;
    }
}
