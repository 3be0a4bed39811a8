// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Policies;

/// <summary>
/// One window's policy: what was asked for, as far as compositor, guest and window allow it. What it says about a commit it says in one method, which is called where a
/// picture is committed and nowhere else: so a barrier is never set without waiting for the one before, and no commit has two times.
/// </summary>
/// <param name="offered">The compositor's.</param>
/// <param name="wanted">What was asked for.</param>
/// <param name="surface">Destroyed after this.</param>
/// <param name="clock">CLOCK_MONOTONIC.</param>
internal sealed class SurfacePolicy(PolicyProtocols offered, FlipPolicy wanted, WlSurface surface, IClock clock)
{
    /// <summary>A source can ask for any time: it may not make its window stand still.</summary>
    public const long FarthestNs = 1_000_000_000;

    private const string Unfenced = "the guest doesn't wait for its flips (it has no fences), so nothing can hold it back";

    private static readonly PolicyReport s_mailbox = new(FlipPolicy.Mailbox, string.Empty);
    private static readonly PolicyReport s_fifo = new(FlipPolicy.Fifo, string.Empty);
    private static readonly PolicyReport s_immediate = new(FlipPolicy.Immediate, string.Empty);
    private static readonly PolicyReport s_noFifo = new(FlipPolicy.Mailbox, "the compositor doesn't offer fifo");
    private static readonly PolicyReport s_noTearing = new(FlipPolicy.Mailbox, "the compositor doesn't offer tearing-control");
    private static readonly PolicyReport s_unfenced = new(FlipPolicy.Mailbox, Unfenced);
    private static readonly PolicyReport s_windowed = new(FlipPolicy.Mailbox, "only a window that is full screen can be shown in the middle of a refresh");

    private WpFifoV1? _fifo;
    private WpCommitTimerV1? _timer;
    private WpTearingControlV1? _tearing;
    private bool _mayTear;

    /// <summary>What was in force for the last frame.</summary>
    public PolicyReport Report { get; private set; } = s_mailbox;

    /// <summary>Whether a frame needn't wait for the commit before to be taken.</summary>
    /// <param name="frame">The frame.</param>
    public bool IsUnpaced(in GuestFrame frame) => frame.Awaited && Report.Policy == FlipPolicy.Immediate;

    /// <summary>Says how the surface's next commit is to be shown, which brings a frame's picture.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="isFullscreen">Whether the window fills a screen.</param>
    /// <param name="isOverdue">Whether nobody refreshes the surface: then nobody lifts a barrier either.</param>
    public void Prepare(in GuestFrame frame, bool isFullscreen, bool isOverdue)
    {
        Report = Choose(frame.Awaited, isFullscreen);
        if (Report.Policy == FlipPolicy.Fifo)
        {
            _fifo ??= offered.Fifo!.GetFifo(surface);
            if (!isOverdue)
                _fifo.WaitBarrier();
            _fifo.SetBarrier();
        }

        LetTear(Report.Policy == FlipPolicy.Immediate);
        if (frame.TargetNs > 0 && offered.Timing is { } timing && frame.TargetNs - clock.NowNs is > 0 and <= FarthestNs)
        {
            _timer ??= timing.GetTimer(surface);
            var (seconds, ns) = Math.DivRem((ulong)offered.Clock.FromMonotonic(frame.TargetNs), 1_000_000_000);
            _timer.SetTimestamp((uint)(seconds >> 32), (uint)seconds, (uint)ns);
        }
    }

    /// <summary>The surface is about to be destroyed.</summary>
    public void Destroy()
    {
        _fifo?.Destroy();
        _timer?.Destroy();
        _tearing?.Destroy();
    }

    private PolicyReport Choose(bool isAwaited, bool isFullscreen) => wanted switch
    {
        FlipPolicy.Fifo when offered.Fifo is null => s_noFifo,
        FlipPolicy.Immediate when offered.Tearing is null => s_noTearing,
        FlipPolicy.Fifo or FlipPolicy.Immediate when !isAwaited => s_unfenced,
        FlipPolicy.Fifo => s_fifo,
        FlipPolicy.Immediate when !isFullscreen => s_windowed,
        FlipPolicy.Immediate => s_immediate,
        _ => s_mailbox,
    };

    private void LetTear(bool mayTear)
    {
        if (mayTear == _mayTear)
            return;
        _mayTear = mayTear;
        _tearing ??= offered.Tearing!.GetTearingControl(surface);
        _tearing.SetPresentationHint(mayTear ? WpTearingControlV1PresentationHint.Async : WpTearingControlV1PresentationHint.Vsync);
    }
}
