// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>A seat's keyboard. Its keys have the guest's codes already; layout, modifiers and repeating are the guest's own business.</summary>
internal sealed class SeatKeyboard : IWlKeyboardListener
{
    // Left and right: Ctrl, Shift, Alt, Meta. Held when a window gets the focus they count there; other keys were meant for somebody else.
    private static readonly ushort[] s_modifiers = [29, 97, 42, 54, 56, 100, 125, 126];

    private readonly WlKeyboard _proxy;
    private readonly IInputOwner _owner;
    private readonly InputEvent[] _held = new InputEvent[s_modifiers.Length];
    private WlSurface? _surface;

    /// <summary>Listens.</summary>
    /// <param name="proxy">Adopted.</param>
    /// <param name="owner">Who is told.</param>
    public SeatKeyboard(WlKeyboard proxy, IInputOwner owner)
    {
        _proxy = proxy;
        _owner = owner;
        proxy.Listener = this;
    }

    /// <summary>The keyboard is gone.</summary>
    public void Close()
    {
        _proxy.Listener = null;
        if (_proxy.Version >= 3)
            _proxy.Release();
    }

    void IWlKeyboardListener.OnEnter(WlKeyboard sender, uint serial, WlSurface? surface, ReadOnlySpan<byte> keys)
    {
        _surface = surface;
        if (_owner.PictureOn(surface) is not { } picture)
            return;
        var count = 0;
        for (; keys.Length >= sizeof(uint) && count < _held.Length; keys = keys[sizeof(uint)..])
        {
            var key = BinaryPrimitives.ReadUInt32LittleEndian(keys);
            if (key <= InputCodes.LastKey && s_modifiers.Contains((ushort)key))
                _held[count++] = new InputEvent(InputEventType.Key, (ushort)key, 1);
        }

        if (count > 0)
            _owner.OnInput(picture.Scanout, InputKind.Keyboard, _held.AsSpan(0, count));
    }

    void IWlKeyboardListener.OnLeave(WlKeyboard sender, uint serial, WlSurface? surface)
    {
        _surface = null;
        _owner.OnInputLeft(InputKind.Keyboard);
    }

    void IWlKeyboardListener.OnKey(WlKeyboard sender, uint serial, uint time, uint key, WlKeyboardKeyState state)
    {
        if (key > InputCodes.LastKey || state > WlKeyboardKeyState.Pressed || _owner.PictureOn(_surface) is not { } picture)
            return;
        _owner.OnInput(picture.Scanout, InputKind.Keyboard, [new InputEvent(InputEventType.Key, (ushort)key, (int)state)]);
    }
}
