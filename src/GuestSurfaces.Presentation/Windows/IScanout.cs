// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Cursors;
using GuestSurfaces.Presentation.Frames;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>What a window (transient) knows of its scanout (persistent).</summary>
internal interface IScanout
{
    /// <summary>Which: 0 to 15.</summary>
    int Index { get; }

    /// <summary>Its frames.</summary>
    FrameMailbox Mailbox { get; }

    /// <summary>Its cursor.</summary>
    GuestCursor Cursor { get; }

    /// <summary>Where to count.</summary>
    GuestStatistics Statistics { get; }

    /// <summary>The look.</summary>
    PresenterOptions Options { get; }

    /// <summary>The window's title.</summary>
    string Title { get; }

    /// <summary>What desktops group windows and find icons by.</summary>
    string AppId { get; }

    /// <summary>Whether whoever sent a frame is gone.</summary>
    /// <param name="serial">The frame's.</param>
    bool IsOrphan(ulong serial);

    /// <summary>The refresh rate is known.</summary>
    /// <param name="refreshMilliHz">60 Hz is 60000.</param>
    void TellRefresh(int refreshMilliHz);

    /// <summary>The guest should have this mode. Said again it isn't told again.</summary>
    /// <param name="mode">Of a monitor that is the window.</param>
    void TellModeWanted(in OutputMode mode);

    /// <summary>A frame was on the screen.</summary>
    /// <param name="serial">Which.</param>
    /// <param name="presentation">When and how.</param>
    void TellPresented(ulong serial, in FramePresentation presentation);

    /// <summary>The window shows something.</summary>
    void TellMapped();

    /// <summary>The desktop doesn't show the window any more: another is worth a try.</summary>
    /// <param name="compositor">The connection.</param>
    void TellLost(Compositor compositor);

    /// <summary>The user closed the window.</summary>
    void TellCloseWanted();

    /// <summary>What couldn't be shown here may be now.</summary>
    void TellDisplayChanged();

    /// <summary>A storage can't be shown here.</summary>
    /// <param name="storage">Which; locked for the call.</param>
    /// <param name="report">Why.</param>
    void TellRefused(BufferStorage storage, RungReport report);
}
