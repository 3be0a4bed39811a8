// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Cli.Trace;

/// <summary>A guest's frames over some time, and what they come to.</summary>
internal sealed class TracedRun
{
    private readonly HashSet<ulong> _unprotected = [];

    /// <summary>Takes a closer look at frames.</summary>
    /// <param name="name">The guest's.</param>
    /// <param name="frames">By serial.</param>
    public TracedRun(string name, IReadOnlyList<FrameRecord> frames)
    {
        Name = name;
        Frames = frames;
        var readUntil = new Dictionary<uint, long>();
        for (var i = 0; i < frames.Count; i++)
        {
            var frame = frames[i];
            var answered = frame[FrameStage.Answered];
            Count(FlushToCommit, in frame, FrameStage.Popped, FrameStage.Committed);
            Count(CommitToScreen, in frame, FrameStage.Committed, OnScreen(in frame));
            Count(FlushToAnswer, in frame, FrameStage.Popped, FrameStage.Answered);
            Superseded += frame.Marks.HasFlag(FrameMarks.Superseded) ? 1 : 0;
            ZeroCopy += frame.Marks.HasFlag(FrameMarks.ZeroCopy) ? 1 : 0;
            Latched += frame[FrameStage.Latched] > 0 ? 1 : 0;

            // The answer lets the guest draw into whatever was shown before.
            if (frame.Marks.HasFlag(FrameMarks.Awaited) && answered > 0
                && ((IsUntakenAt(in frame, answered) && IsShownFromDmabufAt(i, answered)) || readUntil.GetValueOrDefault(frame.Scanout) > answered))
            {
                _unprotected.Add(frame.Serial);
            }

            readUntil[frame.Scanout] = Math.Max(readUntil.GetValueOrDefault(frame.Scanout), frame[FrameStage.Released]);
        }
    }

    /// <summary>The guest's.</summary>
    public string Name { get; }

    /// <summary>By serial.</summary>
    public IReadOnlyList<FrameRecord> Frames { get; }

    /// <summary>From the guest's flush to wl_surface.commit.</summary>
    public LatencyHistogram FlushToCommit { get; } = new();

    /// <summary>From there to the screen, or, where the compositor doesn't tell, to its taking the frame.</summary>
    public LatencyHistogram CommitToScreen { get; } = new();

    /// <summary>From the guest's flush to its answer.</summary>
    public LatencyHistogram FlushToAnswer { get; } = new();

    /// <summary>Frames that the compositor took.</summary>
    public int Latched { get; }

    /// <summary>Frames that were overtaken.</summary>
    public int Superseded { get; }

    /// <summary>Frames that the screen read itself.</summary>
    public int ZeroCopy { get; }

    /// <summary>Frames answered before the compositor had taken them in a dma-buf's place, or while it still read one of before.</summary>
    public int Unprotected => _unprotected.Count;

    /// <summary>When its first frame was flushed: CLOCK_MONOTONIC in ns.</summary>
    public long BeginNs => Frames.Count == 0 ? 0 : Frames.Min(static frame => frame[FrameStage.Popped]);

    /// <summary>When the last thing happened to any of its frames.</summary>
    public long EndNs => Frames.Count == 0 ? 0 : Frames.Max(static frame => Last(in frame));

    /// <summary>Whether a frame was answered while the guest could still be seen drawing.</summary>
    /// <param name="frame">One of these.</param>
    public bool IsUnprotected(in FrameRecord frame) => _unprotected.Contains(frame.Serial);

    /// <summary>The best word there is about a frame's time on screen.</summary>
    /// <param name="frame">Any.</param>
    public static FrameStage OnScreen(in FrameRecord frame) => frame[FrameStage.Presented] > 0 ? FrameStage.Presented : FrameStage.Latched;

    /// <summary>When the last thing happened to a frame.</summary>
    /// <param name="frame">Any.</param>
    public static long Last(in FrameRecord frame)
    {
        var last = 0L;
        foreach (var time in frame.Times)
            last = Math.Max(last, time);
        return last;
    }

    private static bool IsUntakenAt(in FrameRecord frame, long timeNs) =>
        !frame.Marks.HasFlag(FrameMarks.Superseded) && frame[FrameStage.Latched] is var latched && (latched == 0 || latched > timeNs);

    /// <summary>Whether what a scanout showed before a frame is something that the guest can draw into: nobody draws into copies.</summary>
    private bool IsShownFromDmabufAt(int index, long timeNs)
    {
        for (var i = index - 1; i >= 0; i--)
        {
            if (Frames[i].Scanout != Frames[index].Scanout || Frames[i][FrameStage.Latched] is not (> 0 and var latched) || latched > timeNs)
                continue;
            var released = Frames[i][FrameStage.Released];
            return Frames[i].Marks.HasFlag(FrameMarks.Dmabuf) && (released == 0 || released > timeNs); // a hidden window's is replaced by a copy that nobody latches
        }

        return Frames[0].Serial > 1 && Frames[index].Marks.HasFlag(FrameMarks.Dmabuf); // what was shown is forgotten: it was like this one
    }

    private static void Count(LatencyHistogram into, in FrameRecord frame, FrameStage from, FrameStage to)
    {
        if (frame[from] > 0 && frame[to] > 0)
            into.Add(frame[to] - frame[from]);
    }
}
