// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Presentation;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Cli.Bench;

/// <summary>The whole path from a guest's flush on: session, presenter, compositor. The guest draws its next frame as soon as the last one is settled.</summary>
internal sealed class BridgeRun : IBenchRun, IGuestTransport
{
    private readonly BenchPicture _picture;
    private readonly BenchMeasure _measure;
    private readonly EventLoop _loop;
    private readonly GuestStatistics _statistics = new();
    private readonly Session _session;
    private readonly WaylandPresenter _presenter;
    private readonly BufferView _view;
    private readonly BufferStorage[] _storages;
    private readonly LoopTimer _next;
    private int _frame;
    private long _presentedBefore;

    public BridgeRun(EventLoop loop, string? display, BenchPicture picture, BenchMeasure measure, ILogger log)
    {
        _loop = loop;
        _picture = picture;
        _measure = measure;
        _session = new Session(loop.Timers, _statistics, new Limits()) { Transport = this };
        _presenter = WaylandPresenter.Connect(loop, display, _session, new PresenterOptions { Title = "guest-surfaces bench" }, _statistics, log);
        _presenter.Lost = failure => Failure = failure.Message;
        _session.Display = _presenter;
        _view = new BufferView(picture.Size, DrmFormat.Xrgb8888, DrmModifier.Linear, 0, (uint)picture.StrideBytes);
        _storages = [.. Enumerable.Range(0, 3).Select(_ => Allocate(picture))];
        _next = loop.Timers.Create(DrawNext);
    }

    /// <inheritdoc/>
    public string? Failure { get; private set; }

    /// <summary>The rung that its frames took.</summary>
    public RungReport Rung => _statistics.Rung;

    /// <inheritdoc/>
    public void Start() => DrawNext();

    /// <inheritdoc/>
    public void Begin()
    {
        _statistics.FlushToCommit.Clear();
        _presentedBefore = _statistics.FramesPresented;
        _measure.Begin(_loop.Timers.Clock.NowNs);
    }

    /// <inheritdoc/>
    public void End()
    {
        _measure.Presented += _statistics.FramesPresented - _presentedBefore;
        _measure.FlushToCommit.Add(_statistics.FlushToCommit);
        _measure.End(_loop.Timers.Clock.NowNs);
    }

    /// <inheritdoc/>
    public void FrameSettled(int scanout, ulong serial)
    {
        if (serial == (ulong)_frame && !_next.IsArmed)
            _next.ArmIn(0); // not from in here: the display is in the middle of something
    }

    /// <inheritdoc/>
    public void SetMode(int scanout, in OutputMode mode)
    {
        // The picture has the size that was asked for; the window scales it.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _next.Cancel();
        _session.CloseWindows();
        _presenter.Dispose();
        foreach (var storage in _storages)
            storage.Drop();
    }

    private static BufferStorage Allocate(BenchPicture picture) =>
        BufferStorage.TryAllocate("guest-surfaces-bench", (ulong)picture.StrideBytes * (uint)picture.Size.Height, null, out var errno)
        ?? throw new UserErrorException($"no memory for three {picture.Size} pictures: {errno}", "ask for a smaller --size");

    private void DrawNext()
    {
        var storage = Array.Find(_storages, static s => s.LockCount == 0);
        if (storage is null)
        {
            _next.ArmIn(1_000_000); // the compositor holds all three
            return;
        }

        _picture.Draw(storage.Pixels!, 0, _frame);
        var damage = _picture.Changes(_frame);
        if (_measure.IsRunning)
            _measure.BytesCopied += damage.Area * 4;
        storage.Lock();
        _session.Present(0, new GuestFrame
        {
            Storage = storage,
            View = _view,
            Source = _picture.Size.Whole,
            Damage = DamageList.Of(damage),
            Acquire = SyncPoint.Signalled,
            Serial = (ulong)++_frame,
            Awaited = true,
            PoppedNs = _loop.Timers.Clock.NowNs,
        });
    }
}
