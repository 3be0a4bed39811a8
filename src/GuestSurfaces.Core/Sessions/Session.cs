// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Core.Sessions;

/// <summary>
/// Stands between one guest and whatever shows it, and holds the policy that is neither's: a guest is answered even when nobody looks, a window
/// outlives the moments in which drivers blank it, and every frame is settled exactly once. With no display at all the guest runs on at a paced rate.
/// <para>
/// A frame's answer tells the guest that it may draw into what was shown before. So a frame is settled when the display is done with it (latched or
/// superseded) <b>and</b> reads none of the guest's own pages from before any more; two refreshes after it came at the latest. If something is still read then, the flip is
/// unprotected, which is counted, and a run of these makes the guest's side show copies (<see cref="IGuestTransport.CopiesWanted"/>) until frames are taken again.
/// </para>
/// Thread: the loop's.
/// </summary>
public sealed class Session : IGuestDisplay, IDisplayEvents, IBufferWatcher
{
    /// <summary>How long a scanout that was turned off keeps its last picture: drivers blank between two framebuffers.</summary>
    public const long BlankDelayNs = 100_000_000;

    /// <summary>How long a window stays, black or with its last picture, once another scanout shows something again: a driver turns its screens on one by one.</summary>
    public const long AwayDelayNs = 5_000_000_000;

    private const string NotTaken = "the guest draws into what its window still shows: nobody takes its flips in time (the window is hidden, or its compositor stands still)";
    private const string NotReleased = "the guest draws into what is still read: the compositor gives its buffers back later than two refreshes after a flip";

    private readonly Scanout[] _scanouts = new Scanout[Limits.MaxScanouts];
    private readonly DesktopLayout _layout = new();
    private readonly IClock _clock;
    private readonly long _maxHoldNs;

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

    /// <summary>What was counted.</summary>
    public GuestStatistics Statistics { get; }

    /// <summary>Remembers what became of each frame; null: nothing does. Borrowed.</summary>
    public FrameTrace? Trace { get; init; }

    /// <summary>The guest's side. Set once before the first frame.</summary>
    public IGuestTransport? Transport { get; set; }

    /// <summary>Whatever shows pictures now; null while nothing does.</summary>
    public IGuestDisplay? Display { get; set; }

    /// <summary>The guest's keyboard and pointer; null: what the user does is dropped.</summary>
    public IGuestInput? Input { get; set; }

    /// <summary>Hears when the last window is closed: the program decides whether that ends the VM's viewer.</summary>
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
            Enable(scanout);
        s.Shown = frame.Storage;
        _layout.Set(scanout, frame.Source);
        Statistics.FramesReceived++;
        var now = _clock.NowNs;
        Trace?.Begin(scanout, in frame, now);
        s.Unsettled.Add(frame.Serial, now, frame.Awaited);
        if (!s.Reads.Add(frame.Storage, frame.Serial))
            Statistics.UnprotectedFlips++; // one buffer is not waited for any more
        if (frame.Storage.IsDmabuf)
            frame.Storage.Watch(this);
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
        s.Shown = null;
        _layout.Set(scanout, default);
        s.BlankTimer.ArmIn(BlankDelayNs);
    }

    /// <inheritdoc/>
    public void Suspend(int scanout)
    {
        _scanouts[scanout].Enabled = false;
        _scanouts[scanout].Shown = null;
        _layout.Set(scanout, default);
    }

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

    /// <inheritdoc/>
    public bool IsFreeBefore(int scanout, ulong serial) => FreeUpTo(scanout) >= serial;

    /// <inheritdoc/>
    /// <remarks>Half of a frame's time is a refresh.</remarks>
    public void Hurry(int scanout, ulong serial)
    {
        ref var s = ref _scanouts[scanout];
        s.Unsettled.Hurry(serial, _clock.NowNs - (s.HoldNs / 2));
        ArmHoldTimer(ref s);
    }

    /// <summary>The VM is gone: its windows go, and whatever was still awaited is settled.</summary>
    public void CloseWindows()
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            ref var s = ref _scanouts[i];
            s.BlankTimer.Cancel();
            s.Enabled = false;
            s.Shown = null;
            _layout.Set(i, default);
            CloseWindow(i);
            s.HoldTimer.Cancel();
            s.Reads.Clear();
            var wasLost = s.Trust.IsLost;
            s.Trust = default;
            if (wasLost)
                Transport?.CopiesWanted(i, null);
            if (s.Unsettled.TakeAll() is var serial and > 0)
                Answer(i, serial);
        }

        Opened(); // the next VM has all its monitors
    }

    /// <inheritdoc/>
    public void Committed(int scanout, ulong serial) => CommittedAt(scanout, serial, _clock.NowNs);

    /// <inheritdoc/>
    public void CommittedAt(int scanout, ulong serial, long timeNs)
    {
        Trace?.Reach(serial, FrameStage.Committed, timeNs);
        if (_scanouts[scanout].Recent.TryGet(serial, out var poppedNs))
            Statistics.FlushToCommit.Add(timeNs - poppedNs);
    }

    /// <inheritdoc/>
    public void Latched(int scanout, ulong serial, long timeNs)
    {
        Statistics.FramesPresented++;
        Trace?.Reach(serial, FrameStage.Latched, timeNs);
        ref var s = ref _scanouts[scanout];
        s.Unsettled.MarkUpTo(serial);
        if (s.Trust.AddTaken(_clock.NowNs))
            Transport?.CopiesWanted(scanout, null);
        Settle(scanout);
    }

    /// <inheritdoc/>
    public void Presented(int scanout, ulong serial, in FramePresentation presentation)
    {
        Trace?.Reach(serial, FrameStage.Presented, presentation.TimeNs);
        if (presentation.IsZeroCopy)
            Trace?.Mark(serial, FrameMarks.ZeroCopy);
    }

    /// <inheritdoc/>
    /// <remarks>A guest takes the answer for all before it: so it waits while an earlier frame is on its way.</remarks>
    public void Superseded(int scanout, ulong serial)
    {
        Statistics.FramesDropped++;
        Trace?.Mark(serial, FrameMarks.Superseded);
        _scanouts[scanout].Unsettled.Mark(serial);
        Settle(scanout);
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
    public void DisplayChanged() => Transport?.DisplayChanged();

    /// <inheritdoc/>
    /// <remarks>One window of several is a monitor that is unplugged: the guest's desktop moves what stood there to the others, and turns it off. When the guest turns it on again it is plugged in, as when somebody opens it. About the last one the program decides.</remarks>
    public void CloseWanted(int scanout)
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            if (i == scanout || !_scanouts[i].Enabled || _scanouts[i].IsUnplugged)
                continue;
            _scanouts[scanout].IsUnplugged = true;
            Transport?.SetMode(scanout, default);
            return;
        }

        WindowClosed?.Invoke(scanout);
    }

    /// <inheritdoc/>
    public void Opened()
    {
        for (var i = 0; i < _scanouts.Length; i++)
            PlugIn(i);
    }

    /// <inheritdoc/>
    void IDisplayEvents.Input(int scanout, InputKind kind, ReadOnlySpan<InputEvent> frame)
    {
        if (Input is not { } input)
            return;
        Span<InputEvent> mapped = stackalloc InputEvent[InputCodes.MaxFrame];
        mapped = mapped[..frame.Length];
        frame.CopyTo(mapped);
        _layout.Map(scanout, mapped);
        input.Send(kind, mapped);
    }

    /// <inheritdoc/>
    public void InputLeft(InputKind kind) => Input?.Release(kind);

    void IBufferWatcher.OnFree(BufferStorage storage)
    {
        // All first, then the upcalls.
        uint readers = 0;
        for (var i = 0; i < _scanouts.Length; i++)
        {
            if (!_scanouts[i].Reads.Remove(storage, out var lastSerial))
                continue;
            readers |= 1u << i;
            Trace?.Reach(lastSerial, FrameStage.Released, _clock.NowNs);
        }

        for (var i = 0; readers != 0; i++, readers >>= 1)
        {
            if ((readers & 1) == 0)
                continue;
            Statistics.ReleaseWaits += Settle(i);
            Transport?.BuffersFreed(i);
        }
    }

    private void OnHeldTooLong(int scanout) => Settle(scanout, _clock.NowNs - _scanouts[scanout].HoldNs);

    /// <summary>Answers what can be answered. The upcall is last: it may present the next frame.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="sinceNs">Frames from this time and before are answered in any case.</param>
    /// <returns>How many settled frames a guest waited for.</returns>
    private int Settle(int scanout, long sinceNs = long.MinValue)
    {
        ref var s = ref _scanouts[scanout];
        var due = s.Unsettled.Take(FreeUpTo(scanout), sinceNs);
        Statistics.LateFlips += due.TimedOut;
        Statistics.UnprotectedFlips += due.Unprotected;
        ArmHoldTimer(ref s);
        JudgeFlips(scanout, ref s.Trust, in due);
        if (due.Serial > 0)
            Answer(scanout, due.Serial);
        return due.Settled;
    }

    private void Answer(int scanout, ulong serial)
    {
        Trace?.Answer(scanout, serial, _clock.NowNs);
        Transport?.FrameSettled(scanout, serial);
    }

    private void JudgeFlips(int scanout, ref PageTrust trust, in DueFrames due)
    {
        if (due.TimedOut == 0)
            trust.AddProtected(due.Settled);
        else if (trust.AddLate(due.Unprotected, _clock.NowNs))
            Transport?.CopiesWanted(scanout, due.IsReleaseLate ? NotReleased : NotTaken);
    }

    /// <summary>The last frame whose answer lets the guest draw into nothing that is still read.</summary>
    private ulong FreeUpTo(int scanout)
    {
        ref var reads = ref _scanouts[scanout].Reads;
        var upTo = ulong.MaxValue;
        for (var i = 0; i < reads.Count; i++)
        {
            var (storage, lastSerial) = reads[i];
            if (lastSerial < upTo && !IsShownElsewhere(storage, scanout))
                upTo = lastSerial;
        }

        return upTo;
    }

    // A buffer that left this scanout alone is no news for a guest that shows it on another one: the frame that takes it from the last one waits for it.
    private bool IsShownElsewhere(BufferStorage storage, int scanout)
    {
        for (var i = 0; i < _scanouts.Length; i++)
        {
            if (i != scanout && _scanouts[i].Shown == storage)
                return true;
        }

        return false;
    }

    /// <summary>Every frame has its own time, and the oldest that waits comes first.</summary>
    private static void ArmHoldTimer(ref Scanout s)
    {
        if (s.Unsettled.IsEmpty)
            s.HoldTimer.Cancel();
        else
            s.HoldTimer.ArmAt(s.Unsettled.OldestNs + s.HoldNs);
    }

    private void Enable(int scanout)
    {
        ref var s = ref _scanouts[scanout];
        s.Enabled = true;
        s.HasWindow = true;
        PlugIn(scanout); // it had been turned off, and the guest itself turns it on again
        foreach (ref var other in _scanouts.AsSpan())
        {
            if (other.HasWindow && !other.Enabled && !other.BlankTimer.IsArmed)
                other.BlankTimer.ArmIn(AwayDelayNs);
        }
    }

    private void PlugIn(int scanout)
    {
        if (!_scanouts[scanout].IsUnplugged)
            return;
        _scanouts[scanout].IsUnplugged = false;
        Transport?.SetMode(scanout, new OutputMode(default, 0, 0, 0, Enabled: true));
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

        /// <summary>Whether the user has closed its window, one of several.</summary>
        public bool IsUnplugged;

        /// <summary>What the guest wants to have shown now.</summary>
        public BufferStorage? Shown;
        public UnsettledFrames Unsettled;
        public ReadBuffers Reads;
        public PageTrust Trust;
        public RecentFrames Recent;
    }
}
