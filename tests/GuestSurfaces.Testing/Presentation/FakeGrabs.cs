// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>The fake compositor's pointer locks and its shortcuts. The test begins and ends locks.</summary>
public sealed class FakeGrabs : IZwpPointerConstraintsV1Requests, IZwpRelativePointerManagerV1Requests, IZwpKeyboardShortcutsInhibitManagerV1Requests
{
    private readonly FakeCompositor _compositor;

    internal FakeGrabs(FakeCompositor compositor)
    {
        _compositor = compositor;
        if (compositor.Options.PointerLocks)
        {
            compositor.Server.AddGlobal<ZwpPointerConstraintsV1Resource>(1, r => r.Handler = this);
            compositor.Server.AddGlobal<ZwpRelativePointerManagerV1Resource>(1, r => r.Handler = this);
        }

        if (compositor.Options.ShortcutsInhibit)
            compositor.Server.AddGlobal<ZwpKeyboardShortcutsInhibitManagerV1Resource>(1, r => r.Handler = this);
    }

    /// <summary>The lock that the client has asked for and not given up.</summary>
    public ZwpLockedPointerV1Resource? Lock { get; private set; }

    /// <summary>Where its movements go.</summary>
    public ZwpRelativePointerV1Resource? Movements { get; private set; }

    /// <summary>The window that has the shortcuts.</summary>
    public ZwpKeyboardShortcutsInhibitorV1Resource? Inhibitor { get; private set; }

    /// <summary>The user moves the locked pointer: twice as far as told where the desktop accelerates.</summary>
    public void MoveBy(double x, double y) =>
        Movements!.SendRelativeMotion(0, 0, WlFixed.FromDouble(2 * x), WlFixed.FromDouble(2 * y), WlFixed.FromDouble(x), WlFixed.FromDouble(y));

    void IZwpPointerConstraintsV1Requests.OnLockPointer(
        ZwpPointerConstraintsV1Resource sender, ZwpLockedPointerV1Resource id, WlSurfaceResource surface, WlPointerResource pointer, WlRegionResource? region, ZwpPointerConstraintsV1Lifetime lifetime)
    {
        if (Lock is not null)
            _compositor.Violation(sender, (uint)ZwpPointerConstraintsV1Error.AlreadyConstrained, "a second lock");
        Lock = id;
        id.Destroyed += _ => Lock = null;
    }

    void IZwpRelativePointerManagerV1Requests.OnGetRelativePointer(ZwpRelativePointerManagerV1Resource sender, ZwpRelativePointerV1Resource id, WlPointerResource pointer)
    {
        Movements = id;
        id.Destroyed += _ => Movements = null;
    }

    void IZwpKeyboardShortcutsInhibitManagerV1Requests.OnInhibitShortcuts(
        ZwpKeyboardShortcutsInhibitManagerV1Resource sender, ZwpKeyboardShortcutsInhibitorV1Resource id, WlSurfaceResource surface, WlSeatResource seat)
    {
        if (Inhibitor is not null)
            _compositor.Violation(sender, (uint)ZwpKeyboardShortcutsInhibitManagerV1Error.AlreadyInhibited, "a second inhibitor");
        Inhibitor = id;
        id.Destroyed += _ => Inhibitor = null;
    }
}
