// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Core.Sessions;

/// <summary>
/// Stands between one guest and whatever shows it, and holds the policy that is neither's: a guest is answered even when nobody looks, a window
/// outlives the moments in which drivers blank it, and every frame is settled exactly once. With no display at all the guest runs on at a paced rate.
/// Thread: the loop's.
/// </summary>
public sealed class Session : IGuestDisplay, IDisplayEvents
{
    /// <summary>How long a scanout that was turned off keeps its last picture: drivers blank between two framebuffers.</summary>
    public const long BlankDelayNs = 100_000_000;

    /// <summary>How long a window stays, black or with its last picture, once another scanout shows something again: a driver turns its screens on one by one.</summary>
    public const long AwayDelayNs = 5_000_000_000;

    private readonly Scanout[] _scanouts = new Scanout[Limits.MaxScanouts];
    private readonly IClock _clock;

    /// <summary>Makes a session of one guest.</summary>
    /// <param name="timers">The loop's.</param>
    /// <param name="statistics">Where to count.</param>
    /// <param name="limits">The guest's.</param>
    public Session(TimerQueue timers, GuestStatistics statistics, Limits limits)
    {
        ArgumentNullException.ThrowIfNull(timers);
        ArgumentNullException.ThrowIfNull(limits);
        _clock = timers.Clock;
        Statistics = statistics;
        for (var i = 0; i < _scanouts.Length; i++)
        {
            var index = i;
            _scanouts[i] = new Scanout
            {
                HoldNs = limits.MaxFlushHoldNs,
                HoldTimer = timers.Create(() => OnHeldTooLong(index)),
                BlankTimer = timers.Create(() => OnBlankDue(index)),
            };
        }

        _maxHoldNs = limits.MaxFlushHoldNs;
    }

    private readonly long _maxHoldNs;

    /// <summary>What was counted.</summary>
    public GuestStatistics Statistics { get; }

    /// <summary>The guest's side. Set once before the first frame.</summary>
    public IGuestTransport? Transport { get; set; }

    /// <summary>Whatever shows pictures now; null while nothing does.</summary>
    public IGuestDisplay? Display { get; set; }

    /// <summary>Hears of closed windows: the program decides whether that ends the VM's viewer.</summary>
    public Action<int>? WindowClosed { get; set; }

    /// <summary>
    /// Hears of a display that threw, a bug of ours: it is not <see cref="Display"/> any more, and the guest runs on without it. Called from inside the guest's
    /// call: dispose it later. Null: the exception goes on to the guest's side.
    /// </summary>
    public Action<Exception>? DisplayFailed { get; set; }

    /// <inheritdoc/>
    public void Present(int scanout, in GuestFrame frame)
    {
        ref var s = ref _scanouts[scanout];
        s.BlankTimer.Cancel();
        if (!s.Enabled)
            Enable(ref s);
        Statistics.FramesReceived++;
        s.Unsettled.Add(frame.Serial, _clock.NowNs, frame.Awaited);
        if (!s.HoldTimer.IsArmed)
            s.HoldTimer.ArmIn(s.HoldNs);
        if (Display is { } display)
        {
            s.Recent.Add(frame.Serial, frame.PoppedNs);
            try
            {
                display.Present(scanout, in frame);
            }
            catch (Exception e) when (DisplayFailed is not null)
            {
                FailDisplay(e);
            }
        }
        else
        {
            frame.Acquire.Fence?.Dispose();
            frame.Storage.Unlock();
        }
    }

    /// <inheritdoc/>
    public void Disable(int scanout)
    {
        ref var s = ref _scanouts[scanout];
        if (!s.Enabled)
            return;
        s.Enabled = false;
        s.BlankTimer.ArmIn(BlankDelayNs);
    }

    /// <inheritdoc/>
    public void Suspend(int scanout) => _scanouts[scanout].Enabled = false;

    /// <inheritdoc/>
    public void Blank(int scanout)
    {
        try
        {
            Display?.Blank(scanout);
        }
        catch (Exception e) when (DisplayFailed is not null)
        {
            FailDisplay(e);
        }
    }

    /// <inheritdoc/>
    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        if (Display is not { } display)
        {
            image.Storage?.Unlock();
            return;
        }

        try
        {
            display.SetCursor(scanout, in image, x, y);
        }
        catch (Exception e) when (DisplayFailed is not null)
        {
            FailDisplay(e);
        }
    }

    /// <inheritdoc/>
    public void MoveCursor(int scanout, int x, int y)
    {
        try
        {
            Display?.MoveCursor(scanout, x, y);
        }
        catch (Exception e) when (DisplayFailed is not null)
        {
            FailDisplay(e);
        }
    }

    /// <summary>The VM is gone: its windows go, and whatever was still awaited is settled.</summary>
    public void CloseWindows()
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            ref var s = ref _scanouts[i];
            s.BlankTimer.Cancel();
            s.Enabled = false;
            CloseWindow(i);
            s.HoldTimer.Cancel();
            if (s.Unsettled.TakeAll() is var serial and > 0)
                Transport?.FrameSettled(i, serial);
        }
    }

    /// <inheritdoc/>
    public void Committed(int scanout, ulong serial)
    {
        if (_scanouts[scanout].Recent.TryGet(serial, out var poppedNs))
            Statistics.FlushToCommit.Add(_clock.NowNs - poppedNs);
    }

    /// <inheritdoc/>
    public void Latched(int scanout, ulong serial, long timeNs)
    {
        Statistics.FramesPresented++;
        _scanouts[scanout].Unsettled.MarkUpTo(serial);
        TellSettled(scanout);
    }

    /// <inheritdoc/>
    /// <remarks>A guest takes the answer for all before it: so it waits while an earlier frame is on its way.</remarks>
    public void Superseded(int scanout, ulong serial)
    {
        Statistics.FramesDropped++;
        _scanouts[scanout].Unsettled.Mark(serial);
        TellSettled(scanout);
    }

    /// <inheritdoc/>
    public void ModeWanted(int scanout, in OutputMode mode)
    {
        RefreshKnown(scanout, mode.RefreshMilliHz);
        Transport?.SetMode(scanout, in mode);
    }

    /// <inheritdoc/>
    public void RefreshKnown(int scanout, int refreshMilliHz)
    {
        if (refreshMilliHz > 0)
            _scanouts[scanout].HoldNs = Math.Min(_maxHoldNs, 2 * 1_000_000_000_000 / refreshMilliHz);
    }

    /// <inheritdoc/>
    public void BufferRefused(int scanout, BufferStorage storage, string reason) => Transport?.BufferRefused(scanout, storage, reason);

    /// <inheritdoc/>
    public void CloseWanted(int scanout) => WindowClosed?.Invoke(scanout);

    // The upcall is last: it may present the next frame.
    private void TellSettled(int scanout)
    {
        ref var s = ref _scanouts[scanout];
        var serial = s.Unsettled.TakeMarked();
        if (serial == 0)
            return;
        ArmHoldTimer(ref s);
        Transport?.FrameSettled(scanout, serial);
    }

    private void OnHeldTooLong(int scanout)
    {
        ref var s = ref _scanouts[scanout];
        Statistics.UnprotectedFlips += s.Unsettled.MarkOlderThan(_clock.NowNs - s.HoldNs);
        var serial = s.Unsettled.TakeMarked();
        ArmHoldTimer(ref s);
        if (serial > 0)
            Transport?.FrameSettled(scanout, serial);
    }

    /// <summary>Every frame has its own time, and the oldest that waits comes first.</summary>
    private static void ArmHoldTimer(ref Scanout s)
    {
        if (s.Unsettled.IsEmpty)
            s.HoldTimer.Cancel();
        else
            s.HoldTimer.ArmAt(s.Unsettled.OldestNs + s.HoldNs);
    }

    private void Enable(ref Scanout s)
    {
        s.Enabled = true;
        s.HasWindow = true;
        foreach (ref var other in _scanouts.AsSpan())
        {
            if (other.HasWindow && !other.Enabled && !other.BlankTimer.IsArmed)
                other.BlankTimer.ArmIn(AwayDelayNs);
        }
    }

    private void OnBlankDue(int scanout)
    {
        foreach (ref var other in _scanouts.AsSpan())
        {
            if (other.Enabled)
            {
                CloseWindow(scanout);
                return;
            }
        }

        Blank(scanout);
    }

    private void CloseWindow(int scanout)
    {
        _scanouts[scanout].HasWindow = false;
        try
        {
            Display?.Disable(scanout);
        }
        catch (Exception e) when (DisplayFailed is not null)
        {
            FailDisplay(e);
        }
    }

    private void FailDisplay(Exception exception)
    {
        Display = null; // what it was given is settled by the timers
        DisplayFailed?.Invoke(exception);
    }

    private struct Scanout
    {
        public LoopTimer HoldTimer;
        public LoopTimer BlankTimer;
        public long HoldNs;
        public bool Enabled;
        public bool HasWindow;
        public UnsettledFrames Unsettled;
        public RecentFrames Recent;
    }

    /// <summary>
    /// The frames of a scanout whose answer is due, by age. Displays keep two at a time; a frame beyond the room shares the last place, and is settled with what
    /// comes after it there, in the time of the first of them.
    /// </summary>
    private struct UnsettledFrames
    {
        private Entries _entries;
        private int _count;

        public readonly bool IsEmpty => _count == 0;

        public readonly long OldestNs => _entries[0].SinceNs;

        public void Add(ulong serial, long nowNs, bool awaited)
        {
            if (_count < Entries.Capacity)
                _entries[_count++] = new Entry { SinceNs = nowNs };
            ref var entry = ref _entries[_count - 1];
            entry.Serial = serial;
            entry.Awaited += awaited ? 1 : 0;
            entry.IsSettled = false;
        }

        public void Mark(ulong serial)
        {
            for (var i = 0; i < _count; i++)
                _entries[i].IsSettled |= _entries[i].Serial == serial;
        }

        public void MarkUpTo(ulong serial)
        {
            for (var i = 0; i < _count; i++)
                _entries[i].IsSettled |= _entries[i].Serial <= serial;
        }

        /// <summary>Settles those that are too old.</summary>
        /// <returns>How many of them a guest waited for.</returns>
        public int MarkOlderThan(long ns)
        {
            var awaited = 0;
            for (var i = 0; i < _count && _entries[i].SinceNs <= ns; i++)
            {
                awaited += _entries[i].IsSettled ? 0 : _entries[i].Awaited;
                _entries[i].IsSettled = true;
            }

            return awaited;
        }

        /// <summary>Takes out what is settled, up to the first that isn't.</summary>
        /// <returns>The last serial taken out; 0 if none was.</returns>
        public ulong TakeMarked()
        {
            var taken = 0;
            ulong serial = 0;
            for (; taken < _count && _entries[taken].IsSettled; taken++)
                serial = _entries[taken].Serial;
            for (var i = taken; i < _count; i++)
                _entries[i - taken] = _entries[i];
            _count -= taken;
            return serial;
        }

        public ulong TakeAll()
        {
            var serial = _count > 0 ? _entries[_count - 1].Serial : 0;
            _count = 0;
            return serial;
        }

        private struct Entry
        {
            public ulong Serial;
            public long SinceNs;
            public int Awaited;
            public bool IsSettled;
        }

        [InlineArray(Capacity)]
        private struct Entries
        {
            public const int Capacity = 8;
            private Entry _entry0;
        }
    }

    /// <summary>When the last few frames were popped, for the latency figures: a display holds at most two at a time.</summary>
    private struct RecentFrames
    {
        private (ulong Serial, long PoppedNs) _a;
        private (ulong Serial, long PoppedNs) _b;
        private (ulong Serial, long PoppedNs) _c;

        public void Add(ulong serial, long poppedNs)
        {
            _a = _b;
            _b = _c;
            _c = (serial, poppedNs);
        }

        public readonly bool TryGet(ulong serial, out long poppedNs)
        {
            poppedNs = _c.Serial == serial ? _c.PoppedNs : _b.Serial == serial ? _b.PoppedNs : _a.PoppedNs;
            return _c.Serial == serial || _b.Serial == serial || _a.Serial == serial;
        }
    }
}
