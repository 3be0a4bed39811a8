// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.Orders;

/// <summary>What can happen to a picture on its way, to or from anybody who has to do with it.</summary>
internal enum Happening
{
    /// <summary>The guest destroys the resource that is shown.</summary>
    ResourceDestroyed,

    /// <summary>The screen refreshes: what was still shown is given back, what was flipped to is shown, and the guest flips again.</summary>
    Flipped,

    /// <summary>The presenter's process is killed.</summary>
    PresenterGone,

    /// <summary>The compositor is killed.</summary>
    CompositorGone,

    /// <summary>The guest resets the device.</summary>
    GuestReset,

    /// <summary>The guest resets the device, and its next driver begins. Takes the place of the reset in some tables.</summary>
    GuestRebooted,

    /// <summary>The VMM takes the memory away that the pictures are in.</summary>
    MemoryRemoved,

    /// <summary>The VMM's process is killed.</summary>
    VmDead,
}
