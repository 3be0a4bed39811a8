// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// A guest that has a seat for itself: the pointer is locked and its movements go to the guest's mouse, and the desktop's shortcuts go to the guest where the compositor
/// lets them. The user begins and ends it by a chord; it also ends with the focus, and when the compositor ends or never begins the lock. Then everything is as before.
/// </summary>
internal sealed class Grab : IPointerLockOwner
{
    /// <summary>How long a compositor may take to lock the pointer: it does at once, or not at all.</summary>
    public const long LockPatienceNs = 1_000_000_000;

    private readonly WlSeat _seat;
    private readonly GrabProtocols _protocols;
    private readonly IInputOwner _owner;
    private readonly LoopTimer _patience;
    private PointerLock? _lock;
    private ZwpKeyboardShortcutsInhibitorV1? _inhibitor;
    private WlSurface? _surface;
    private int _scanout;
    private bool _isHeld;

    /// <summary>Nothing is grabbed yet.</summary>
    /// <param name="seat">Whose keyboard and pointer.</param>
    /// <param name="protocols">What the compositor offers.</param>
    /// <param name="owner">Who is told.</param>
    /// <param name="timers">For <see cref="LockPatienceNs"/>.</param>
    public Grab(WlSeat seat, GrabProtocols protocols, IInputOwner owner, TimerQueue timers)
    {
        _seat = seat;
        _protocols = protocols;
        _owner = owner;
        _patience = timers.Create(() => End("the compositor doesn't lock the pointer; it must be over the window, and the window in front"));
    }

    /// <summary>The seat's pointer; null while it has none.</summary>
    public SeatPointer? Pointer { get; set; }

    /// <summary>The chord was pressed: begins, or ends.</summary>
    /// <param name="surface">Where.</param>
    /// <param name="scanout">Whose picture that is.</param>
    public void Toggle(WlSurface surface, int scanout)
    {
        if (_lock is not null)
            End($"{_owner.GrabChord} was pressed");
        else if (WhyNot() is { } reason)
            _owner.OnGrabRefused(reason);
        else
            Begin(surface, scanout);
    }

    /// <summary>Ends it, if there is one.</summary>
    /// <param name="reason">Why, without a full stop.</param>
    public void End(string reason)
    {
        if (_lock is not { } pointerLock)
            return;
        _patience.Cancel();
        _lock = null;
        _surface = null;
        pointerLock.Close();
        _inhibitor?.Destroy();
        _inhibitor = null;
        if (!_isHeld)
        {
            _owner.OnGrabRefused(reason);
            return;
        }

        _isHeld = false;
        Pointer?.SetLocked(false);
        _owner.OnGrabEnded(_scanout, reason);
    }

    /// <summary>A surface goes.</summary>
    /// <param name="surface">Any.</param>
    public void Leave(WlSurface surface)
    {
        if (surface == _surface)
            End("its window is closed");
    }

    /// <summary>The connection is gone, and the lock with it.</summary>
    public void Forget()
    {
        _patience.Cancel();
        (_lock, _inhibitor, _surface, _isHeld) = (null, null, null, false);
    }

    void IPointerLockOwner.OnLocked()
    {
        _patience.Cancel();
        _isHeld = true;
        Pointer?.SetLocked(true);
        _owner.OnGrabbed(_scanout);
    }

    void IPointerLockOwner.OnUnlocked() => End("the compositor took the pointer back");

    void IPointerLockOwner.OnMoved(WlFixed x, WlFixed y) => Pointer?.MoveBy(x, y);

    private string? WhyNot()
    {
        if ((_owner.Takes & InputKinds.Mouse) == 0)
            return "the guest has no mouse";
        if (_protocols is not { Constraints: not null, Movements: not null })
            return "the compositor can't lock a pointer";
        return Pointer is null ? "there is no pointer" : null;
    }

    private void Begin(WlSurface surface, int scanout)
    {
        (_surface, _scanout) = (surface, scanout);
        _lock = new PointerLock(_protocols.Constraints!, _protocols.Movements!, surface, Pointer!.Proxy, this);
        _inhibitor = _protocols.Shortcuts?.InhibitShortcuts(surface, _seat);
        _patience.ArmIn(LockPatienceNs);
    }
}
