// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Link.Source;

/// <summary>What a surface shows now.</summary>
internal enum SurfaceContent
{
    /// <summary>There is no such surface.</summary>
    None,

    /// <summary>There is one, and nothing was shown yet.</summary>
    Empty,

    /// <summary>It is black.</summary>
    Black,

    /// <summary>Its newest frame.</summary>
    Frame,
}

/// <summary>One surface of the guest as it is now: what every viewer is brought to, whenever it comes.</summary>
internal struct HubSurface
{
    /// <summary>What it shows.</summary>
    public SurfaceContent Content;

    /// <summary>The newest frame, with its lock and its fence. Only if <see cref="Content"/> says so.</summary>
    public GuestFrame Newest;

    /// <summary>The frames that the guest's side has no answer for: those with the viewer in charge, and the newest.</summary>
    public SerialRing Unanswered;

    /// <summary>The cursor's image, with its lock.</summary>
    public CursorImage Cursor;

    /// <summary>Rises with every image.</summary>
    public uint CursorVersion;

    /// <summary>Place of the hotspot.</summary>
    public int CursorX;

    /// <summary>Place of the hotspot.</summary>
    public int CursorY;

    /// <summary>Answers the newest frame where nobody else will.</summary>
    public LoopTimer Pace;

    /// <summary>When it last did.</summary>
    public long PacedNs;

    /// <summary>How fast the output refreshes, as far as anybody told.</summary>
    public int RefreshMilliHz;
}
