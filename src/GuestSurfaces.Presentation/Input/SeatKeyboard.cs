// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// A seat's keyboard. Its keys have the guest's codes already; layout, modifiers and repeating are the guest's own business. The chord that begins and ends a grab is
/// heard here, before the guest hears anything: whatever the guest does, it works. Allocates nothing.
/// </summary>
internal sealed class SeatKeyboard : IWlKeyboardListener
{
    // Left and right: Ctrl, Shift, Alt, Meta. Held when a window gets the focus they count there; other keys were meant for somebody else.
    private static readonly ushort[] s_modifiers = [29, 97, 42, 54, 56, 100, 125, 126];

    private readonly WlKeyboard _proxy;
    private readonly IInputOwner _owner;
    private readonly Grab _grab;
    private readonly InputEvent[] _held = new InputEvent[s_modifiers.Length];
    private readonly bool[] _down = new bool[InputCodes.LastKey + 1]; // on the user's keyboard
    private readonly bool[] _told = new bool[InputCodes.LastKey + 1]; // as the guest knows it
    private WlSurface? _surface;

    /// <summary>Listens.</summary>
    /// <param name="proxy">Adopted.</param>
    /// <param name="owner">Who is told.</param>
    /// <param name="grab">What the chord begins and ends.</param>
    public SeatKeyboard(WlKeyboard proxy, IInputOwner owner, Grab grab)
    {
        _proxy = proxy;
        _owner = owner;
        _grab = grab;
        proxy.Listener = this;
    }

    /// <summary>The keyboard is gone.</summary>
    public void Close()
    {
        _proxy.Listener = null;
        if (_proxy.Version >= 3)
            _proxy.Release();
        Leave("the keyboard is gone");
    }

    void IWlKeyboardListener.OnEnter(WlKeyboard sender, uint serial, WlSurface? surface, ReadOnlySpan<byte> keys)
    {
        _surface = surface;
        Array.Clear(_down);
        var count = 0;
        for (; keys.Length >= sizeof(uint); keys = keys[sizeof(uint)..])
        {
            var key = BinaryPrimitives.ReadUInt32LittleEndian(keys);
            if (key > InputCodes.LastKey || _down[key])
                continue;
            _down[key] = true;
            if (s_modifiers.Contains((ushort)key))
                _held[count++] = new InputEvent(InputEventType.Key, (ushort)key, 1);
        }

        if (count == 0 || _owner.PictureOn(surface) is not { } picture)
            return;
        for (var i = 0; i < count; i++)
            _told[_held[i].Code] = true;
        _owner.OnInput(picture.Scanout, InputKind.Keyboard, _held.AsSpan(0, count));
    }

    void IWlKeyboardListener.OnLeave(WlKeyboard sender, uint serial, WlSurface? surface) => Leave("the window has lost the keyboard");

    void IWlKeyboardListener.OnKey(WlKeyboard sender, uint serial, uint time, uint key, WlKeyboardKeyState state)
    {
        // What a compositor repeats is dropped: the guest repeats held keys itself.
        if (key > InputCodes.LastKey || state > WlKeyboardKeyState.Pressed || _down[key] == (state == WlKeyboardKeyState.Pressed))
            return;
        var isPressed = _down[key] = state == WlKeyboardKeyState.Pressed;
        if (_surface is not { } surface || _owner.PictureOn(surface) is not { } picture)
            return;
        if (isPressed && _owner.GrabChord.IsCompletedBy((ushort)key, _down))
        {
            Release();
            _grab.Toggle(surface, picture.Scanout);
            return;
        }

        if (!isPressed && !_told[key])
            return; // it was pressed elsewhere, or was the chord's
        _told[key] = isPressed;
        _owner.OnInput(picture.Scanout, InputKind.Keyboard, [new InputEvent(InputEventType.Key, (ushort)key, (int)state)]);
    }

    private void Leave(string reason)
    {
        _surface = null;
        Array.Clear(_down);
        Release();
        _grab.End(reason);
    }

    private void Release()
    {
        Array.Clear(_told);
        _owner.OnInputLeft(InputKind.Keyboard);
    }
}
