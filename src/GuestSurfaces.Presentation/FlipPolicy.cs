// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation;

/// <summary>What becomes of a guest's flips that come faster than the screen refreshes, or between two refreshes.</summary>
public enum FlipPolicy
{
    /// <summary>The newest is shown; what it overtakes is not, but what that changed counts.</summary>
    Mailbox,

    /// <summary>Each is shown for a refresh at least. For guests that wait for their flips' answers.</summary>
    Fifo,

    /// <summary>Each is shown at once, where it is possible in the middle of a refresh: full screen, for games. The picture tears.</summary>
    Immediate,
}
