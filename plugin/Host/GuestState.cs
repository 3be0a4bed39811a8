// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Plugin.Host;

/// <summary>How a guest of the desktop fares.</summary>
public enum GuestState
{
    /// <summary>Its presenter runs.</summary>
    Running,

    /// <summary>Its presenter has ended, and the next one is due.</summary>
    Restarting,

    /// <summary>The user doesn't want it on the desktop now: detached it, or closed its window.</summary>
    Detached,
}
