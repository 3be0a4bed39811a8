// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>Whom a lock tells.</summary>
internal interface IPointerLockOwner
{
    /// <summary>The pointer stays where it is from now on.</summary>
    void OnLocked();

    /// <summary>The compositor has ended it.</summary>
    void OnUnlocked();

    /// <summary>The pointer would have moved.</summary>
    /// <param name="x">To the right, in the device's own units, not accelerated.</param>
    /// <param name="y">Down.</param>
    void OnMoved(WlFixed x, WlFixed y);
}

/// <summary>
/// A pointer that stays in its place over a surface, and what it tells instead: its movements. The compositor begins it when it likes (the pointer is there, the window
/// is in front) and may end it at any time, once and for all. Source: pointer-constraints-unstable-v1, relative-pointer-unstable-v1.
/// </summary>
internal sealed class PointerLock : IZwpLockedPointerV1Listener, IZwpRelativePointerV1Listener
{
    private readonly ZwpLockedPointerV1 _lock;
    private readonly ZwpRelativePointerV1 _movements;
    private readonly IPointerLockOwner _owner;

    /// <summary>Asks for it.</summary>
    /// <param name="constraints">The compositor's.</param>
    /// <param name="movements">Likewise.</param>
    /// <param name="surface">Where the pointer is. Has no other lock.</param>
    /// <param name="pointer">Borrowed.</param>
    /// <param name="owner">Who is told.</param>
    public PointerLock(ZwpPointerConstraintsV1 constraints, ZwpRelativePointerManagerV1 movements, WlSurface surface, WlPointer pointer, IPointerLockOwner owner)
    {
        _owner = owner;
        _lock = constraints.LockPointer(surface, pointer, null, ZwpPointerConstraintsV1Lifetime.Oneshot);
        _lock.Listener = this;
        _movements = movements.GetRelativePointer(pointer);
        _movements.Listener = this;
    }

    /// <summary>Ends it.</summary>
    public void Close()
    {
        (_lock.Listener, _movements.Listener) = (null, null);
        _movements.Destroy();
        _lock.Destroy();
    }

    void IZwpLockedPointerV1Listener.OnLocked(ZwpLockedPointerV1 sender) => _owner.OnLocked();

    void IZwpLockedPointerV1Listener.OnUnlocked(ZwpLockedPointerV1 sender) => _owner.OnUnlocked();

    void IZwpRelativePointerV1Listener.OnRelativeMotion(ZwpRelativePointerV1 sender, uint utimeHi, uint utimeLo, WlFixed dx, WlFixed dy, WlFixed dxUnaccel, WlFixed dyUnaccel) =>
        _owner.OnMoved(dxUnaccel, dyUnaccel);
}
