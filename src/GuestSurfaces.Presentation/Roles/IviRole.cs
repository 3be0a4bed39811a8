// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>
/// A surface that an in-vehicle desktop knows by a number. Its controller scales the surface to the place that it has for that number, whatever size the surface has; it need not say how large
/// that is, and weston's says so only after the first picture. Source: ivi-application v1, weston's ivi-shell.
/// </summary>
internal sealed class IviRole : SurfaceRole, IIviSurfaceListener
{
    // weston's controller lets places grow from one pixel: no guest is to follow that.
    private const int SmallestSide = 64;

    private readonly ISurfaceRoleOwner _owner;
    private readonly IviSurface _ivi;

    /// <summary>Gives a fresh surface its number.</summary>
    /// <param name="application">Gives numbers.</param>
    /// <param name="surface">Without role. Borrowed; destroyed after this.</param>
    /// <param name="id">No other surface's on this desktop, or the connection ends.</param>
    /// <param name="owner">Who is told.</param>
    public IviRole(IviApplication application, WlSurface surface, uint id, ISurfaceRoleOwner owner)
    {
        ArgumentNullException.ThrowIfNull(application);
        _owner = owner;
        _ivi = application.SurfaceCreate(id, surface);
        _ivi.Listener = this;
        IsConfigured = true;
    }

    /// <inheritdoc/>
    public override void Destroy() => _ivi.Destroy();

    void IIviSurfaceListener.OnConfigure(IviSurface sender, int width, int height)
    {
        if (Math.Min(width, height) >= SmallestSide)
            _owner.OnConfigured(new SurfaceSize(width, height), WindowStates.Exact);
    }
}
