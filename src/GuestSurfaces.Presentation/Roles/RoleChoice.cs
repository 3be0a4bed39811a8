// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>The roles that a surface can have.</summary>
internal enum RoleKind
{
    /// <summary>A window, perhaps full screen: <see cref="ToplevelRole"/>.</summary>
    Toplevel,

    /// <summary>A surface with a number: <see cref="IviRole"/>.</summary>
    Ivi,

    /// <summary>In the background layer: <see cref="LayerRole"/>.</summary>
    Layer,

    /// <summary>A background by our module in Weston: <see cref="BackgroundRole"/>.</summary>
    Background,
}

/// <summary>What a head's surface is to be on a compositor, and where.</summary>
/// <param name="Kind">Which role.</param>
/// <param name="Place">What that makes of it.</param>
/// <param name="Output">The monitor to be on; null: the compositor chooses.</param>
/// <param name="OutputName">Its name, or that of one that isn't there yet; empty: the compositor chooses.</param>
/// <param name="Reason">Why this isn't what was asked for, without a full stop; empty: it is.</param>
internal readonly record struct RoleChoice(RoleKind Kind, PlacementKind Place, WlOutput? Output, string OutputName, string Reason)
{
    /// <summary>Its name in statistics.</summary>
    public string Name => Kind == RoleKind.Ivi ? "ivi" : Place.Name();

    /// <summary>
    /// Whether a surface that is this can become another. Windows can fill a screen or cease to; nothing else moves, nor does what fills a screen already: xdg-shell lets it ask for another one,
    /// and desktops make of that what they like (Weston 10: nothing).
    /// </summary>
    /// <param name="next">The other.</param>
    public bool CanBecome(in RoleChoice next) => Kind == next.Kind && Kind switch
    {
        RoleKind.Toplevel => Place != PlacementKind.Fullscreen || next.Place != PlacementKind.Fullscreen || Output == next.Output,
        RoleKind.Layer => Output == next.Output,
        RoleKind.Background => OutputName == next.OutputName,
        _ => true,
    };
}
