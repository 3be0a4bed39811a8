// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Diagnostics;

/// <summary>What has happened to one guest's frames. Written on the loop's thread by whoever does the thing; read there too.</summary>
public sealed class GuestStatistics
{
    private static readonly RungReport s_noFrame = new(Diagnostics.Rung.None, "no frame yet");

    private RungReport _source = new(Diagnostics.Rung.Direct, "");
    private RungReport _display = s_noFrame;

    /// <summary>Frames that the transport handed over.</summary>
    public long FramesReceived { get; set; }

    /// <summary>Frames that a compositor latched.</summary>
    public long FramesPresented { get; set; }

    /// <summary>Frames of which the compositor said that the screen read the guest's buffer itself: nothing was drawn anywhere.</summary>
    public long ZeroCopyPresented { get; set; }

    /// <summary>Frames superseded before they were committed. Their damage went into the successor.</summary>
    public long FramesDropped { get; set; }

    /// <summary>Awaited frames answered by the timer, not by the compositor.</summary>
    public long LateFlips { get; set; }

    /// <summary>Those of them whose answer let the guest draw into pages that were still read. Copies are nobody's to draw into: on the copy rung there are none.</summary>
    public long UnprotectedFlips { get; set; }

    /// <summary>Awaited frames whose answer waited for a buffer shown before, when the compositor had taken the frame already.</summary>
    public long ReleaseWaits { get; set; }

    /// <summary>Times a storage was rewritten while a compositor might still read it (all spares taken).</summary>
    public long TornWrites { get; set; }

    /// <summary>Bytes that our process wrote into pixel storage, repairs included.</summary>
    public long BytesCopied { get; set; }

    /// <summary>Times the guest's queue was left waiting because its flips flooded us.</summary>
    public long Throttled { get; set; }

    /// <summary>From the flush's pop to the wl_surface.commit that carries it.</summary>
    public LatencyHistogram FlushToCommit { get; } = new();

    /// <summary>From the flush's pop to its answer in the used ring.</summary>
    public LatencyHistogram FlushToGuest { get; } = new();

    /// <summary>
    /// Why the compositor draws the shown frame once more instead of scanning it out; empty if it may scan it out, or if nothing was shown yet. Whether it
    /// does, <see cref="ZeroCopyPresented"/> tells. Set by the display with every frame.
    /// </summary>
    public string CompositedBecause { get; set; } = string.Empty;

    /// <summary>How the display and the compositor tell each other when dma-bufs are read: "linux-drm-syncobj", "linux-explicit-synchronization" or "implicit"; empty before the first frame.</summary>
    public string SyncMode { get; set; } = string.Empty;

    /// <summary>Why <see cref="SyncMode"/> is none that is better, or not the one that was asked for; empty if it is the best.</summary>
    public string SyncReason { get; set; } = string.Empty;

    /// <summary>What the guest's windows are on the desktop: "window", "fullscreen", "background" or "ivi"; empty before the first frame.</summary>
    public string Placement { get; set; } = string.Empty;

    /// <summary>Why <see cref="Placement"/> isn't the one that was asked for; empty if it is.</summary>
    public string PlacementReason { get; set; } = string.Empty;

    /// <summary>What becomes of flips that come faster than the screen refreshes: "mailbox", "fifo" or "immediate"; empty before the first frame.</summary>
    public string Policy { get; set; } = string.Empty;

    /// <summary>Why <see cref="Policy"/> isn't the one that was asked for; empty if it is.</summary>
    public string PolicyReason { get; set; } = string.Empty;

    /// <summary>The highest rung that the guest's side allows, and why no higher one. Set by the transport; unlimited until then.</summary>
    public RungReport SourceRung
    {
        get => _source;
        set
        {
            if (!_source.Equals(value))
                (_source, Rung) = (value, Combine(value, _display));
        }
    }

    /// <summary>The rung by which the display shows what it is given, and why no higher one. Set by the display, perhaps with every frame.</summary>
    public RungReport DisplayRung
    {
        get => _display;
        set
        {
            if (!_display.Equals(value))
                (_display, Rung) = (value, Combine(_source, value));
        }
    }

    /// <summary>The rung in use, and every reason why it isn't a higher one: both sides can have one.</summary>
    public RungReport Rung { get; private set; } = s_noFrame;

    /// <summary>There is no display any more: what it has said of itself doesn't count. What was counted still does.</summary>
    /// <param name="why">The rung of nothing, with the reason.</param>
    public void ForgetDisplay(RungReport why)
    {
        DisplayRung = why;
        CompositedBecause = SyncMode = SyncReason = Placement = PlacementReason = Policy = PolicyReason = string.Empty;
    }

    private static RungReport Combine(RungReport source, RungReport display)
    {
        if (ReferenceEquals(display, s_noFrame))
            return source;
        if (source.Rung == Diagnostics.Rung.Direct && display.Rung != Diagnostics.Rung.Direct && display.Reason.Length == 0)
            return new RungReport(display.Rung, "the last picture was copied; the guest's pages are tried with its next one");
        if (display.Rung == Diagnostics.Rung.None || source.Rung == Diagnostics.Rung.Direct)
            return display;
        if (display.Rung == Diagnostics.Rung.Direct || display.Reason.Length == 0)
            return source;
        var lower = source.Rung < display.Rung ? source.Rung : display.Rung;
        var reason = source.Reason == display.Reason ? source.Reason : $"{source.Reason}; also, {display.Reason}";
        return new RungReport(lower, reason, source.Remedy.Length > 0 ? source.Remedy : display.Remedy);
    }
}
