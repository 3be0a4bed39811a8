// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Viewer;

/// <summary>One surface at the viewer: what the source said of it in this connection, and what is to be said back.</summary>
internal struct ShownSurface
{
    /// <summary>Whether this connection's source has it.</summary>
    public bool IsAnnounced;

    /// <summary>Whether the display shows it; it may be an earlier connection's.</summary>
    public bool IsShown;

    /// <summary>Whether the next frame counts as changed all over, whatever it says.</summary>
    public bool IsStale;

    /// <summary>The last frame's serial.</summary>
    public ulong LastSerial;

    /// <summary>The frames that the source waits for.</summary>
    public FrameAnswers Answers;

    /// <summary>When its frames were on the screen.</summary>
    public FramePresentations Presentations;

    /// <summary>The mode that the display wants, for this source and any later one.</summary>
    public OutputMode Mode;

    /// <summary>The refresh rate that the display sees; 0: it hasn't said.</summary>
    public int RefreshMilliHz;

    /// <summary>What the source doesn't know yet.</summary>
    public Wishes Untold;
}
