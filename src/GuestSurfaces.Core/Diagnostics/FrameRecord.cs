// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GuestSurfaces.Core.Diagnostics;

/// <summary>What happens to a frame, in the order in which it should.</summary>
public enum FrameStage
{
    /// <summary>The guest's command was popped from its ring.</summary>
    Popped,

    /// <summary>The frame was handed to what shows it: the presenter, or the link to one in another process.</summary>
    Sent,

    /// <summary>wl_surface.commit.</summary>
    Committed,

    /// <summary>The compositor took it for its next refresh: the frame callback, or <see cref="Presented"/> if that came first.</summary>
    Latched,

    /// <summary>It was on the screen, as wp_presentation tells. A display in another process tells it along with its next frame's answer.</summary>
    Presented,

    /// <summary>Nobody reads its dma-buf any more. Of frames that share one, and follow each other, the last has the time; copies have none.</summary>
    Released,

    /// <summary>The guest had its answer.</summary>
    Answered,
}

/// <summary>What else is to be said of a frame.</summary>
[Flags]
public enum FrameMarks : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The guest waited for its answer.</summary>
    Awaited = 1,

    /// <summary>It was never shown: a later one took its place.</summary>
    Superseded = 2,

    /// <summary>The screen read its buffer itself: nothing was drawn.</summary>
    ZeroCopy = 4,

    /// <summary>It was shown from a dma-buf.</summary>
    Dmabuf = 8,
}

/// <summary>One frame in a <see cref="FrameTrace"/>, as it lies in its memory: 72 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FrameRecord
{
    /// <summary>The frame's; 0: none.</summary>
    public ulong Serial;

    /// <summary>0 to 15.</summary>
    public uint Scanout;

    /// <summary>What else is to be said.</summary>
    public FrameMarks Marks;

    /// <summary>When each <see cref="FrameStage"/> was reached: CLOCK_MONOTONIC in ns; 0: it wasn't, or nobody told.</summary>
    public StageTimes Times;

    /// <summary>When a stage was reached; 0: it wasn't, or nobody told.</summary>
    /// <param name="stage">Which.</param>
    public readonly long this[FrameStage stage] => Times[(int)stage];
}

/// <summary>One time for each <see cref="FrameStage"/>.</summary>
[InlineArray((int)FrameStage.Answered + 1)]
public struct StageTimes
{
    private long _first;
}
