// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Source;

/// <summary>What one viewer was told about a surface, and what it said. What differs from the <see cref="HubSurface"/> is still to be told.</summary>
internal struct ViewerSurface
{
    /// <summary>What it shows, for all the viewer knows.</summary>
    public SurfaceContent Told;

    /// <summary>The last frame sent.</summary>
    public ulong ToldSerial;

    /// <summary>Frames that the viewer hasn't answered: as many as it gave credit for.</summary>
    public SerialRing Outstanding;

    /// <summary>Damage of the frames since the last one sent.</summary>
    public DamageList Missed;

    /// <summary>Everything changed: <see cref="Missed"/> doesn't tell.</summary>
    public bool HasMissedAll;

    /// <summary>The last cursor image sent.</summary>
    public uint ToldCursor;

    /// <summary>Where the viewer knows the cursor to be.</summary>
    public int ToldX;

    /// <summary>Where the viewer knows the cursor to be.</summary>
    public int ToldY;

    /// <summary>The mode that the viewer wants; refresh 0 and no size: none.</summary>
    public OutputMode Mode;

    /// <summary>The refresh rate that the viewer sees; 0: none told.</summary>
    public int RefreshMilliHz;

    /// <summary>What of this the guest's side hasn't heard.</summary>
    public Wishes Unheard;
}
