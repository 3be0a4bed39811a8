// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>What a compositor offers for grabs; each may be missing.</summary>
/// <param name="globals">The registry.</param>
internal sealed class GrabProtocols(WaylandGlobals globals)
{
    /// <summary>Keeps pointers where they are.</summary>
    public ZwpPointerConstraintsV1? Constraints { get; } = globals.Bind<ZwpPointerConstraintsV1>();

    /// <summary>Tells how far they would have gone.</summary>
    public ZwpRelativePointerManagerV1? Movements { get; } = globals.Bind<ZwpRelativePointerManagerV1>();

    /// <summary>Leaves the desktop's shortcuts to a window.</summary>
    public ZwpKeyboardShortcutsInhibitManagerV1? Shortcuts { get; } = globals.Bind<ZwpKeyboardShortcutsInhibitManagerV1>();
}
