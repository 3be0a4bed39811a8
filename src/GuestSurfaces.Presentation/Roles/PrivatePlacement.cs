// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>A presenter's side of the private protocol with our module in Weston, which has started it: where the desktop wants the guest. With any other compositor there is none.</summary>
/// <param name="proxy">Bound.</param>
/// <param name="placed">Hears of a placement: before there are windows, and again whenever it changes.</param>
internal sealed class PrivatePlacement(GuestSurfacesPresenterV1 proxy, Action<WindowPlacement> placed) : IGuestSurfacesPresenterV1Listener
{
    /// <summary>What makes backgrounds, and puts windows onto outputs.</summary>
    public GuestSurfacesPresenterV1 Proxy => proxy;

    /// <summary>Looks whether the desktop has a say.</summary>
    /// <param name="globals">The compositor's.</param>
    /// <param name="placed">Hears of placements.</param>
    public static PrivatePlacement? TryBind(WaylandGlobals globals, Action<WindowPlacement> placed)
    {
        ArgumentNullException.ThrowIfNull(globals);
        if (globals.Bind<GuestSurfacesPresenterV1>() is not { } proxy)
            return null;
        var placement = new PrivatePlacement(proxy, placed);
        proxy.Listener = placement;
        return placement;
    }

    void IGuestSurfacesPresenterV1Listener.OnPlacement(GuestSurfacesPresenterV1 sender, GuestSurfacesPresenterV1PlacementKind kind, ReadOnlySpan<byte> outputs) =>
        placed(new WindowPlacement((PlacementKind)kind, Encoding.UTF8.GetString(outputs).Split(',', StringSplitOptions.RemoveEmptyEntries)));
}
