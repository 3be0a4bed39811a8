// SPDX-License-Identifier: MIT
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

    /// <inheritdoc/>
    public void Present(int scanout, in GuestFrame frame)
    {
        ref var s = ref _scanouts[scanout];
        s.BlankTimer.Cancel();
        s.Enabled = true;
        s.LastSerial = frame.Serial;
        s.LastPoppedNs = frame.PoppedNs;
        s.UnsettledAwaited += frame.Awaited ? 1 : 0;
        Statistics.FramesReceived++;
        if (!s.HoldTimer.IsArmed)
            s.HoldTimer.ArmIn(s.HoldNs);
        if (Display is { } display)
        {
            s.Records.Add(frame.Serial, frame.PoppedNs);
            display.Present(scanout, in frame);
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
    public void Blank(int scanout) => Display?.Blank(scanout);

    /// <inheritdoc/>
    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        if (Display is { } display)
            display.SetCursor(scanout, in image, x, y);
        else
            image.Storage?.Unlock();
    }

    /// <inheritdoc/>
    public void MoveCursor(int scanout, int x, int y) => Display?.MoveCursor(scanout, x, y);

    /// <summary>The VM is gone: its windows go.</summary>
    public void CloseWindows()
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            _scanouts[i].BlankTimer.Cancel();
            _scanouts[i].HoldTimer.Cancel();
            _scanouts[i].Enabled = false;
            Display?.Disable(i);
        }
    }

    /// <inheritdoc/>
    public void Committed(int scanout, ulong serial)
    {
        if (_scanouts[scanout].Records.TryGet(serial, out var poppedNs))
            Statistics.FlushToCommit.Add(_clock.NowNs - poppedNs);
    }

    /// <inheritdoc/>
    public void Latched(int scanout, ulong serial, long timeNs)
    {
        Statistics.FramesPresented++;
        Settle(scanout, serial);
    }

    /// <inheritdoc/>
    public void Superseded(int scanout, ulong serial)
    {
        Statistics.FramesDropped++;
        if (serial == _scanouts[scanout].LastSerial)
            Settle(scanout, serial);
        else
            Transport?.FrameSettled(scanout, serial);
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

    private void Settle(int scanout, ulong serial)
    {
        ref var s = ref _scanouts[scanout];
        if (serial == s.LastSerial)
        {
            s.HoldTimer.Cancel();
            s.UnsettledAwaited = 0;
        }
        else
        {
            // Something newer waits still: its own time starts where it was popped.
            s.HoldTimer.ArmAt(s.LastPoppedNs + s.HoldNs);
        }

        Transport?.FrameSettled(scanout, serial);
    }

    private void OnHeldTooLong(int scanout)
    {
        ref var s = ref _scanouts[scanout];
        Statistics.UnprotectedFlips += s.UnsettledAwaited;
        s.UnsettledAwaited = 0;
        Transport?.FrameSettled(scanout, s.LastSerial);
    }

    private void OnBlankDue(int scanout)
    {
        foreach (ref var other in _scanouts.AsSpan())
        {
            if (other.Enabled)
            {
                Display?.Disable(scanout);
                return;
            }
        }

        Display?.Blank(scanout);
    }

    private struct Scanout
    {
        public LoopTimer HoldTimer;
        public LoopTimer BlankTimer;
        public long HoldNs;
        public bool Enabled;
        public ulong LastSerial;
        public long LastPoppedNs;
        public int UnsettledAwaited;
        public RecentFrames Records;
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
