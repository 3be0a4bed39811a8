// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Presentation;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Plugin;

/// <summary>
/// A presenter's side of the private protocol: where the desktop wants the guest. Only a desktop that has started the presenter itself offers that; with any other this does nothing.
/// Thread: the loop's.
/// </summary>
/// <param name="presenter">What is placed. Borrowed.</param>
public sealed class PrivatePlacement(WaylandPresenter presenter) : IGuestSurfacesPresenterV1Listener
{
    /// <summary>Looks whether the desktop has a say, as <see cref="WaylandPresenter.Offered"/> wants it.</summary>
    /// <param name="globals">The compositor's.</param>
    public void Bind(WaylandGlobals globals)
    {
        ArgumentNullException.ThrowIfNull(globals);
        if (globals.Bind<GuestSurfacesPresenterV1>() is { } proxy)
            proxy.Listener = this;
    }

    void IGuestSurfacesPresenterV1Listener.OnPlacement(GuestSurfacesPresenterV1 sender, GuestSurfacesPresenterV1PlacementKind kind, ReadOnlySpan<byte> outputs) =>
        presenter.Place(new WindowPlacement(
            kind == GuestSurfacesPresenterV1PlacementKind.Fullscreen,
            Encoding.UTF8.GetString(outputs).Split(',', StringSplitOptions.RemoveEmptyEntries)));
}
