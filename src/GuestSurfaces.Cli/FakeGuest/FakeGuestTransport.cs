// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;

namespace GuestSurfaces.Cli.FakeGuest;

/// <summary>
/// A guest without a VM: draws test pictures into two storages in turn and presents them, as fast as they are settled or at a fixed rate.
/// For trying a compositor, and for tests that need to know every pixel.
/// </summary>
internal sealed class FakeGuestTransport : IGuestTransport, IDisposable
{
    private static readonly RungReport s_drawn = new(Rung.Copy, "test pictures are drawn into shared memory");

    private readonly IGuestDisplay _display;
    private readonly GuestStatistics _statistics;
    private readonly string _picture;
    private readonly BufferSize _size;
    private readonly int _scanouts;
    private readonly int _frames;
    private readonly long _periodNs;
    private readonly LoopTimer _timer;
    private readonly IClock _clock;
    private readonly BufferView _view;
    private readonly Head[] _heads;
    private readonly byte[] _row;
    private ulong _serial;

    /// <summary>Makes a guest; <see cref="Start"/> shows its first frame.</summary>
    /// <param name="display">The session.</param>
    /// <param name="timers">The loop's.</param>
    /// <param name="statistics">Where copied bytes are counted.</param>
    /// <param name="picture">From <see cref="TestPictures.Names"/>.</param>
    /// <param name="size">Of each scanout.</param>
    /// <param name="scanouts">1 to 16.</param>
    /// <param name="frames">How many to draw; then the last one stays.</param>
    /// <param name="framesPerSecond">The rate.</param>
    public FakeGuestTransport(
        IGuestDisplay display, TimerQueue timers, GuestStatistics statistics, string picture, BufferSize size, int scanouts, int frames, int framesPerSecond)
    {
        _display = display;
        _statistics = statistics;
        _statistics.SourceRung = s_drawn;
        _picture = picture;
        _size = size;
        _scanouts = scanouts;
        _frames = frames;
        _periodNs = 1_000_000_000 / framesPerSecond;
        _clock = timers.Clock;
        _timer = timers.Create(DrawNext);
        _view = new BufferView(size, DrmFormat.Xrgb8888, DrmModifier.Linear, 0, (uint)size.Width * 4);
        _row = new byte[size.Width * 4];
        _heads = [.. Enumerable.Range(0, scanouts).Select(_ => new Head(Allocate(), Allocate()))];
    }

    /// <summary>Called when the last frame was presented.</summary>
    public Action? Finished { get; set; }

    /// <summary>Shows the first frame and goes on by timer.</summary>
    public void Start() => DrawNext();

    /// <inheritdoc/>
    public void FrameSettled(int scanout, ulong serial)
    {
        if (_heads[scanout].Frame == _frames && serial == _heads[scanout].Serial)
            Finished?.Invoke();
    }

    /// <inheritdoc/>
    public void SetMode(int scanout, in OutputMode mode)
    {
        // A test picture has the size that was asked for; the window scales it.
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Cancel();
        foreach (var head in _heads)
        {
            head.Front.Drop();
            head.Back.Drop();
        }
    }

    private void DrawNext()
    {
        var start = _clock.NowNs;
        var more = false;
        for (var i = 0; i < _scanouts; i++)
        {
            var head = _heads[i];
            if (head.Frame == _frames)
                continue;
            if (head.Back.LockCount > 0 && head.Frame > 0)
            {
                more = true; // both buffers are in use: this tick shows nothing new
                continue;
            }

            Draw(i, head, start);
            more |= head.Frame < _frames;
        }

        if (more)
            _timer.ArmAt(start + _periodNs);
    }

    private void Draw(int scanout, Head head, long poppedNs)
    {
        var damage = default(DamageList);
        foreach (var rect in TestPictures.Changes(_picture, _size, head.Frame))
            damage.Add(rect);

        // The back buffer holds the frame before the last one: both frames' changes are stale there.
        var stale = damage;
        if (head.Frame > 0)
        {
            foreach (var rect in TestPictures.Changes(_picture, _size, head.Frame - 1))
                stale.Add(rect);
        }

        var pixels = head.Back.Pixels!;
        for (var i = 0; i < stale.Count; i++)
        {
            var rect = stale[i];
            TestPictures.Draw(_picture, _size, head.Frame, rect, _row, (y, row) => pixels.TryWrite((ulong)(((y * _size.Width) + rect.X) * 4L), row.AsSpan(0, rect.Width * 4)));
            _statistics.BytesCopied += rect.Area * 4;
        }

        head.Back.Lock();
        (head.Front, head.Back) = (head.Back, head.Front);
        head.Frame++;
        head.Serial = ++_serial;
        _display.Present(scanout, new GuestFrame
        {
            Storage = head.Front,
            View = _view,
            Source = _size.Whole,
            Damage = damage,
            Acquire = SyncPoint.Signalled,
            Serial = head.Serial,
            PoppedNs = poppedNs,
        });
    }

    private BufferStorage Allocate() =>
        BufferStorage.TryAllocate("fake-guest", (ulong)_size.Width * (ulong)_size.Height * 4, null, out var errno)
        ?? throw new UserErrorException($"no memory for two {_size} pictures: {errno}", "ask for a smaller --size");

    private sealed class Head(BufferStorage front, BufferStorage back)
    {
        public BufferStorage Front { get; set; } = front;

        public BufferStorage Back { get; set; } = back;

        public int Frame { get; set; }

        public ulong Serial { get; set; }
    }
}
