// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>A seat of the fake compositor: the test types and points.</summary>
public sealed class FakeSeat : IWlSeatRequests, IWlPointerRequests
{
    private readonly WlSeatResource _resource;
    private uint _serial;
    private uint _enterSerial;
    private FakeSurface? _cursor;

    internal FakeSeat(WlSeatResource resource, WlSeatCapability capabilities)
    {
        _resource = resource;
        resource.Handler = this;
        resource.SendCapabilities(capabilities);
    }

    /// <summary>The client's pointer; null if it has none.</summary>
    public WlPointerResource? Pointer { get; private set; }

    /// <summary>The client's keyboard.</summary>
    public WlKeyboardResource? Keyboard { get; private set; }

    public WlTouchResource? Touch { get; private set; }

    /// <summary>Serials for which the client hid the cursor.</summary>
    public List<uint> Hidden { get; } = [];

    /// <summary>What the pointer looks like; null if the client hid it, or said nothing since it came.</summary>
    public FakeSurface? Cursor => _cursor is { IsMapped: true } ? _cursor : null;

    public (int X, int Y) Hotspot { get; private set; }

    public uint NextSerial => ++_serial;

    /// <summary>Plugs devices in or out.</summary>
    public void Change(WlSeatCapability capabilities) => _resource.SendCapabilities(capabilities);

    public void Point(FakeSurface surface, double x, double y)
    {
        _enterSerial = NextSerial;
        Pointer!.SendEnter(_enterSerial, surface.Resource, WlFixed.FromDouble(x), WlFixed.FromDouble(y));
    }

    /// <summary>The pointer leaves: what it looks like is the next client's business.</summary>
    public void PointElsewhere(FakeSurface surface)
    {
        Wear(null);
        Pointer!.SendLeave(NextSerial, surface.Resource);
    }

    public void Move(double x, double y) => Pointer!.SendMotion(0, WlFixed.FromDouble(x), WlFixed.FromDouble(y));

    public void Button(uint button, bool isPressed) =>
        Pointer!.SendButton(NextSerial, 0, button, isPressed ? WlPointerButtonState.Pressed : WlPointerButtonState.Released);

    public void Scroll(WlPointerAxis axis, double value) => Pointer!.SendAxis(0, axis, WlFixed.FromDouble(value));

    public void Focus(FakeSurface surface, params ReadOnlySpan<uint> held) => Keyboard!.SendEnter(NextSerial, surface.Resource, MemoryMarshal.AsBytes(held));

    public void Key(uint key, bool isPressed) => Keyboard!.SendKey(NextSerial, 0, key, isPressed ? WlKeyboardKeyState.Pressed : WlKeyboardKeyState.Released);

    public void Down(FakeSurface surface, int id, double x, double y) => Touch!.SendDown(NextSerial, 0, surface.Resource, id, WlFixed.FromDouble(x), WlFixed.FromDouble(y));

    public void Slide(int id, double x, double y) => Touch!.SendMotion(0, id, WlFixed.FromDouble(x), WlFixed.FromDouble(y));

    public void Up(int id) => Touch!.SendUp(NextSerial, 0, id);

    void IWlSeatRequests.OnGetPointer(WlSeatResource sender, WlPointerResource id)
    {
        Pointer = id;
        id.Handler = this;
        id.Destroyed += _ =>
        {
            Pointer = null;
            Wear(null);
        };
    }

    void IWlSeatRequests.OnGetKeyboard(WlSeatResource sender, WlKeyboardResource id)
    {
        Keyboard = id;
        id.Destroyed += _ => Keyboard = null;
        using var keymap = MemFdHandle.TryCreateSealed("keymap", 4096, out _)!;
        id.SendKeymap(WlKeyboardKeymapFormat.XkbV1, keymap, 4096);
    }

    void IWlSeatRequests.OnGetTouch(WlSeatResource sender, WlTouchResource id)
    {
        Touch = id;
        id.Destroyed += _ => Touch = null;
    }

    void IWlPointerRequests.OnSetCursor(WlPointerResource sender, uint serial, WlSurfaceResource? surface, int hotspotX, int hotspotY)
    {
        if (serial != _enterSerial)
            return; // another surface's by now
        if (surface is null)
            Hidden.Add(serial);
        Hotspot = (hotspotX, hotspotY);
        Wear((FakeSurface?)surface?.Tag);
    }

    private void Wear(FakeSurface? cursor)
    {
        if (cursor == _cursor)
            return;
        _cursor?.Unmap(); // what isn't a cursor any more has lost its image
        _cursor = cursor;
        cursor?.BecomeCursor();
    }
}
