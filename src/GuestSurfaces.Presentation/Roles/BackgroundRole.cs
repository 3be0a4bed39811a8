// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>An output's background by our module in Weston, which has no interface of its own for that but its shell's. The module finds the output, and moves the surface when outputs come and go.</summary>
internal sealed class BackgroundRole : SurfaceRole, IGuestSurfacesBackgroundV1Listener
{
    private readonly ISurfaceRoleOwner _owner;
    private readonly GuestSurfacesBackgroundV1 _background;

    /// <summary>Gives a fresh surface its role; its size follows.</summary>
    /// <param name="desktop">The module. Only while it places this guest so, or the connection ends.</param>
    /// <param name="surface">Without role. Borrowed; destroyed after this.</param>
    /// <param name="output">Whose background, by name; empty: any's.</param>
    /// <param name="owner">Who is told.</param>
    public BackgroundRole(GuestSurfacesPresenterV1 desktop, WlSurface surface, string output, ISurfaceRoleOwner owner)
    {
        ArgumentNullException.ThrowIfNull(desktop);
        _owner = owner;
        _background = desktop.GetBackground(surface, output);
        _background.Listener = this;
    }

    /// <inheritdoc/>
    public override void Destroy() => _background.Destroy();

    void IGuestSurfacesBackgroundV1Listener.OnConfigure(GuestSurfacesBackgroundV1 sender, int width, int height)
    {
        IsConfigured = true;
        _owner.OnConfigured(new SurfaceSize(width, height), WindowStates.Exact | WindowStates.Covering);
    }
}
