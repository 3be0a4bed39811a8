// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// A seat's touchscreen: fingers by their places in the picture on which they went down, as evdev's slots. More fingers than slots, and such as touch something else,
/// don't count. Allocates nothing.
/// </summary>
internal sealed class SeatTouch : IWlTouchListener
{
    private const int MaxEventsOfFinger = 4;

    private readonly WlTouch _proxy;
    private readonly IInputOwner _owner;
    private readonly Finger[] _fingers = new Finger[InputCodes.TouchSlots];
    private readonly InputEvent[] _frame = new InputEvent[InputCodes.MaxFrame];
    private int _count;
    private int _scanout;
    private int _lastTouch;
    private bool _isTouched;

    /// <summary>Listens.</summary>
    /// <param name="proxy">Adopted.</param>
    /// <param name="owner">Who is told.</param>
    public SeatTouch(WlTouch proxy, IInputOwner owner)
    {
        _proxy = proxy;
        _owner = owner;
        proxy.Listener = this;
    }

    /// <summary>The touchscreen is gone.</summary>
    public void Close()
    {
        _proxy.Listener = null;
        if (_proxy.Version >= 3)
            _proxy.Release();
        Forget();
    }

    /// <summary>A surface goes, and with it the fingers on it: nobody may tell when they leave.</summary>
    /// <param name="surface">Any.</param>
    public void Leave(WlSurface surface)
    {
        for (var slot = 0; slot < _fingers.Length; slot++)
        {
            if (_fingers[slot].Surface == surface)
                Lift(slot);
        }

        Send();
    }

    void IWlTouchListener.OnDown(WlTouch sender, uint serial, uint time, WlSurface? surface, int id, WlFixed x, WlFixed y)
    {
        var slot = Array.FindIndex(_fingers, static finger => finger.Surface is null);
        if (slot < 0 || surface is null || SlotOf(id) >= 0 || _owner.PictureOn(surface) is not { } picture)
            return;
        _fingers[slot] = new Finger(surface, id);
        _lastTouch = (_lastTouch + 1) & InputCodes.LastTouchId;
        Begin(picture.Scanout, slot);
        Add(InputCodes.TouchId, _lastTouch);
        Add(InputCodes.TouchX, SeatPointer.Place(x, picture.Size.Width));
        Add(InputCodes.TouchY, SeatPointer.Place(y, picture.Size.Height));
    }

    void IWlTouchListener.OnMotion(WlTouch sender, uint time, int id, WlFixed x, WlFixed y)
    {
        if (SlotOf(id) is not (>= 0 and var slot) || _owner.PictureOn(_fingers[slot].Surface) is not { } picture)
            return;
        Begin(picture.Scanout, slot);
        Add(InputCodes.TouchX, SeatPointer.Place(x, picture.Size.Width));
        Add(InputCodes.TouchY, SeatPointer.Place(y, picture.Size.Height));
    }

    void IWlTouchListener.OnUp(WlTouch sender, uint serial, uint time, int id)
    {
        if (SlotOf(id) is >= 0 and var slot)
            Lift(slot);
    }

    void IWlTouchListener.OnFrame(WlTouch sender) => Send();

    // The compositor takes them for a gesture of its own: what they did so far can't be undone, but they are gone.
    void IWlTouchListener.OnCancel(WlTouch sender) => Forget();

    private int SlotOf(int id)
    {
        for (var slot = 0; slot < _fingers.Length; slot++)
        {
            if (_fingers[slot].Surface is not null && _fingers[slot].Id == id)
                return slot;
        }

        return -1;
    }

    private void Lift(int slot)
    {
        Begin(_owner.PictureOn(_fingers[slot].Surface)?.Scanout ?? _scanout, slot);
        Add(InputCodes.TouchId, InputCodes.NoTouch);
        _fingers[slot] = default;
    }

    private void Forget()
    {
        Array.Clear(_fingers);
        (_count, _isTouched) = (0, false);
        _owner.OnInputLeft(InputKind.Touch);
    }

    // A frame is of one picture, and every part of it says first which finger it is about.
    private void Begin(int scanout, int slot)
    {
        if (_count > 0 && (scanout != _scanout || _count + MaxEventsOfFinger + 1 > _frame.Length))
            Send();
        _scanout = scanout;
        Add(InputCodes.TouchSlot, slot);
    }

    private void Add(ushort code, int value) => _frame[_count++] = new InputEvent(InputEventType.Absolute, code, value);

    private void Send()
    {
        if (_count == 0)
            return;
        var isTouched = Array.Exists(_fingers, static finger => finger.Surface is not null);
        if (isTouched != _isTouched)
            _frame[_count++] = new InputEvent(InputEventType.Key, InputCodes.Touching, isTouched ? 1 : 0);
        _isTouched = isTouched;
        _owner.OnInput(_scanout, InputKind.Touch, _frame.AsSpan(0, _count));
        _count = 0;
    }

    private readonly record struct Finger(WlSurface? Surface, int Id);
}
