// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Cursors;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>A connection's seats: keyboards, pointers, touchscreens and graphics tablets as they come and go.</summary>
/// <param name="compositor">The connection.</param>
/// <param name="owner">Who is told.</param>
/// <param name="protocols">For grabs.</param>
/// <param name="tablets">For graphics tablets; null: the compositor has none, or the guest.</param>
internal sealed class Seats(Compositor compositor, IInputOwner owner, GrabProtocols protocols, ZwpTabletManagerV2? tablets) : IWlSeatListener
{
    // Frames of a pointer's events are from 5 on, fractions of a wheel's click from 8.
    private const uint MaxVersion = 9;

    private readonly List<Seat> _seats = [];

    /// <summary>Binds a seat.</summary>
    /// <param name="globals">The registry.</param>
    /// <param name="global">A wl_seat.</param>
    public void Add(WaylandGlobals globals, WaylandGlobal global)
    {
        var proxy = globals.Bind<WlSeat>(global with { Version = Math.Min(global.Version, MaxVersion) });
        proxy.Listener = this;
        var tablet = tablets is null ? null : new SeatTablet(tablets.GetTabletSeat(proxy), owner);
        _seats.Add(new Seat(global.Name, proxy, new Grab(proxy, protocols, owner, compositor.Timers), tablet));
    }

    /// <summary>A seat is gone.</summary>
    /// <param name="global">Its global.</param>
    public void Remove(WaylandGlobal global)
    {
        var index = _seats.FindIndex(seat => seat.Name == global.Name);
        if (index < 0)
            return;
        var seat = _seats[index];
        _seats.RemoveAt(index);
        Equip(seat, default);
        seat.Tablet?.Close();
        if (seat.Proxy.Version >= 5)
            seat.Proxy.Release();
    }

    void IWlSeatListener.OnCapabilities(WlSeat sender, WlSeatCapability capabilities)
    {
        if (_seats.Find(seat => seat.Proxy == sender) is { } seat)
            Equip(seat, capabilities);
    }

    /// <summary>Gives the pointers on a picture the guest's cursor as it is now.</summary>
    /// <param name="picture">The picture's surface.</param>
    /// <param name="cursor">The cursor.</param>
    /// <param name="scanout">The picture's size in scanout pixels.</param>
    /// <param name="content">The picture's size on its surface.</param>
    /// <returns>Whether there are any: the cursor is theirs then, and stands nowhere else.</returns>
    public bool ShowCursor(WlSurface picture, GuestCursor cursor, BufferSize scanout, SurfaceSize content)
    {
        var any = false;
        foreach (var seat in _seats)
        {
            if (seat.Tablet?.IsOver(picture) == true)
                seat.Pointer?.HideCursor(picture);
            else
                any |= seat.Pointer?.ShowCursor(picture, cursor, scanout, content) == true;
        }

        return any;
    }

    /// <summary>The connection is gone: nothing is left to release.</summary>
    public void Forget()
    {
        foreach (var seat in _seats)
            seat.Grab.Forget();
    }

    /// <summary>A surface goes: nobody holds on to it.</summary>
    /// <param name="surface">Any.</param>
    public void Leave(WlSurface surface)
    {
        foreach (var seat in _seats)
        {
            seat.Grab.Leave(surface);
            seat.Touch?.Leave(surface);
            seat.Tablet?.Leave(surface);
        }
    }

    private void Equip(Seat seat, WlSeatCapability capabilities)
    {
        var hasPointer = (capabilities & WlSeatCapability.Pointer) != 0;
        if (hasPointer && seat.Pointer is null)
        {
            seat.Grab.Pointer = seat.Pointer = new SeatPointer(compositor, seat.Proxy.GetPointer(), owner);
        }
        else if (!hasPointer && seat.Pointer is { } pointer)
        {
            seat.Grab.End("the pointer is gone");
            seat.Grab.Pointer = seat.Pointer = null;
            pointer.Close();
            owner.OnInputLeft(InputKind.Pointer);
        }

        var hasKeyboard = (capabilities & WlSeatCapability.Keyboard) != 0;
        if (hasKeyboard && seat.Keyboard is null)
        {
            seat.Keyboard = new SeatKeyboard(seat.Proxy.GetKeyboard(), owner, seat.Grab);
        }
        else if (!hasKeyboard && seat.Keyboard is { } keyboard)
        {
            seat.Keyboard = null;
            keyboard.Close();
        }

        var hasTouch = (capabilities & WlSeatCapability.Touch) != 0 && (owner.Takes & InputKinds.Touch) != 0;
        if (hasTouch && seat.Touch is null)
        {
            seat.Touch = new SeatTouch(seat.Proxy.GetTouch(), owner);
        }
        else if (!hasTouch && seat.Touch is { } touch)
        {
            seat.Touch = null;
            touch.Close();
        }
    }

    private sealed class Seat(uint name, WlSeat proxy, Grab grab, SeatTablet? tablet)
    {
        public uint Name => name;

        public WlSeat Proxy => proxy;

        public Grab Grab => grab;

        public SeatTablet? Tablet => tablet;

        public SeatPointer? Pointer { get; set; }

        public SeatKeyboard? Keyboard { get; set; }

        public SeatTouch? Touch { get; set; }
    }
}
