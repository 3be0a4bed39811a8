// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Cursors;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// A seat's pointer: where it is in the picture, its buttons, and its wheels in 1/120 of a click, as far as the compositor tells so exactly. While it is locked it is the
/// guest's mouse, and tells how far it went. Over a picture it looks like the guest's cursor, unless it is locked: then that has a place of its own. Allocates nothing.
/// </summary>
internal sealed class SeatPointer : IWlPointerListener
{
    // What a wheel's click comes to where clicks aren't told: so all compositors have it.
    private const int UnitsPerClick = 10;
    private const int FinePerClick = 120;
    private const int FixedOne = 256;
    private const int Axes = 2; // vertical, horizontal
    private const int MaxMovement = 1_000_000; // nobody's hand

    private readonly WlPointer _proxy;
    private readonly IInputOwner _owner;
    private readonly PointerCursor _cursor;
    private readonly InputEvent[] _frame = new InputEvent[InputCodes.MaxFrame];
    private readonly long[] _scrolled = new long[Axes]; // in this frame, 1/256 of 1/120 of a click
    private readonly bool[] _isExact = new bool[Axes];
    private readonly long[] _fineRest = new long[Axes];
    private readonly int[] _clickRest = new int[Axes];
    private WlSurface? _surface;
    private InputKind _kind = InputKind.Pointer;
    private long _movedX; // in this frame and what is left of those before, 1/256 of a unit
    private long _movedY;
    private int _count;

    /// <summary>Listens.</summary>
    /// <param name="compositor">The connection.</param>
    /// <param name="proxy">Adopted.</param>
    /// <param name="owner">Who is told.</param>
    public SeatPointer(Compositor compositor, WlPointer proxy, IInputOwner owner)
    {
        _proxy = proxy;
        _owner = owner;
        _cursor = new PointerCursor(compositor, proxy, TellPointed);
        proxy.Listener = this;
    }

    /// <summary>The pointer.</summary>
    public WlPointer Proxy => _proxy;

    private bool HasFrames => _proxy.Version >= 5;

    /// <summary>The pointer is gone.</summary>
    public void Close()
    {
        _proxy.Listener = null;
        Leave();
        _cursor.Destroy();
        if (_proxy.Version >= 3)
            _proxy.Release();
    }

    /// <summary>It is locked in its place from now on, or goes free: it is another device to the guest, and nothing stays pressed on the one that it was.</summary>
    /// <param name="isLocked">Which of both.</param>
    public void SetLocked(bool isLocked)
    {
        _count = 0;
        Array.Clear(_scrolled);
        (_movedX, _movedY) = (0, 0);
        _owner.OnInputLeft(_kind);
        _kind = isLocked ? InputKind.Mouse : InputKind.Pointer;
        if (isLocked)
            _cursor.Hide();
        TellPointed();
    }

    /// <summary>Looks like the guest's cursor, if it is on that picture.</summary>
    /// <param name="picture">The picture's surface.</param>
    /// <param name="cursor">The cursor.</param>
    /// <param name="scanout">The picture's size in scanout pixels.</param>
    /// <param name="content">The picture's size on its surface.</param>
    /// <returns>Whether it is.</returns>
    public bool ShowCursor(WlSurface picture, GuestCursor cursor, BufferSize scanout, SurfaceSize content)
    {
        if (_surface != picture || _kind != InputKind.Pointer)
            return false;
        _cursor.Show(cursor, scanout, content);
        return true;
    }

    /// <summary>Looks like nothing, if it is on that picture.</summary>
    /// <param name="picture">The picture's surface.</param>
    public void HideCursor(WlSurface picture)
    {
        if (_surface == picture)
            _cursor.Hide();
    }

    /// <summary>It was moved; counts while it is locked.</summary>
    /// <param name="x">To the right.</param>
    /// <param name="y">Down.</param>
    public void MoveBy(WlFixed x, WlFixed y)
    {
        if (_kind != InputKind.Mouse)
            return;
        (_movedX, _movedY) = (_movedX + x.Raw, _movedY + y.Raw);
        SendUnframed();
    }

    void IWlPointerListener.OnEnter(WlPointer sender, uint serial, WlSurface? surface, WlFixed surfaceX, WlFixed surfaceY)
    {
        _surface = surface;
        _cursor.Enter(serial);
        TellPointed();
        Move(surfaceX, surfaceY);
    }

    void IWlPointerListener.OnLeave(WlPointer sender, uint serial, WlSurface? surface)
    {
        Leave();
        _count = 0;
        Array.Clear(_scrolled);
        Array.Clear(_clickRest);
        _owner.OnInputLeft(_kind);
    }

    void IWlPointerListener.OnMotion(WlPointer sender, uint time, WlFixed surfaceX, WlFixed surfaceY) => Move(surfaceX, surfaceY);

    void IWlPointerListener.OnButton(WlPointer sender, uint serial, uint time, uint button, WlPointerButtonState state)
    {
        if (button is >= InputCodes.FirstButton and <= InputCodes.LastButton && state <= WlPointerButtonState.Pressed)
            Add(InputEventType.Key, (ushort)button, (int)state);
        SendUnframed();
    }

    void IWlPointerListener.OnAxis(WlPointer sender, uint time, WlPointerAxis axis, WlFixed value)
    {
        if ((uint)axis < Axes && !_isExact[(int)axis])
            _scrolled[(int)axis] += (long)value.Raw * FinePerClick / UnitsPerClick;
        SendUnframed();
    }

    void IWlPointerListener.OnAxisDiscrete(WlPointer sender, WlPointerAxis axis, int discrete) => Scroll(axis, (long)discrete * FinePerClick);

    void IWlPointerListener.OnAxisValue120(WlPointer sender, WlPointerAxis axis, int value120) => Scroll(axis, value120);

    void IWlPointerListener.OnFrame(WlPointer sender) => Send();

    private void Leave()
    {
        var left = _surface;
        _surface = null;
        if (left is not null)
            _owner.OnPointed(left);
    }

    private void TellPointed()
    {
        if (_surface is not null)
            _owner.OnPointed(_surface);
    }

    // The exact amount replaces what OnAxis says of the same frame, whichever comes first.
    private void Scroll(WlPointerAxis axis, long fine)
    {
        if ((uint)axis >= Axes)
            return;
        var i = (int)axis;
        _scrolled[i] = (_isExact[i] ? _scrolled[i] : 0) + (fine * FixedOne);
        _isExact[i] = true;
    }

    private void Move(WlFixed x, WlFixed y)
    {
        if (_kind == InputKind.Pointer && _owner.PictureOn(_surface) is { } picture)
        {
            Add(InputEventType.Absolute, InputCodes.AbsoluteX, Place(x, picture.Size.Width));
            Add(InputEventType.Absolute, InputCodes.AbsoluteY, Place(y, picture.Size.Height));
        }

        SendUnframed();
    }

    /// <summary>Where a place on a surface is in the guest's terms.</summary>
    /// <param name="at">From the picture's left or upper edge.</param>
    /// <param name="length">The picture's, there.</param>
    /// <returns>0 to <see cref="InputCodes.AbsoluteMax"/>. Rounded up: scaled back to pixels and cut, it is the pixel that was meant.</returns>
    internal static int Place(WlFixed at, int length)
    {
        var scaled = (long)at.Raw * (InputCodes.AbsoluteMax + 1);
        var whole = (long)length * FixedOne;
        return (int)Math.Clamp((scaled + whole - 1) / whole, 0, InputCodes.AbsoluteMax);
    }

    private void Add(InputEventType type, ushort code, int value)
    {
        // A place told twice in a frame is the later one.
        for (var i = 0; type == InputEventType.Absolute && i < _count; i++)
        {
            if (_frame[i].Type != type || _frame[i].Code != code)
                continue;
            _frame[i] = new InputEvent(type, code, value);
            return;
        }

        if (_count == _frame.Length)
            Send(); // a frame of more than anybody's fingers
        _frame[_count++] = new InputEvent(type, code, value);
    }

    private void SendUnframed()
    {
        if (!HasFrames)
            Send();
    }

    private void Send()
    {
        AddMovement(ref _movedX, InputCodes.RelativeX);
        AddMovement(ref _movedY, InputCodes.RelativeY);
        AddWheel(0, InputCodes.Wheel, InputCodes.WheelFine, sign: -1); // down is positive on the desktop, up is in the guest
        AddWheel(1, InputCodes.HorizontalWheel, InputCodes.HorizontalWheelFine, sign: 1);
        if (_count > 0 && _owner.PictureOn(_surface) is { } picture)
            _owner.OnInput(picture.Scanout, _kind, _frame.AsSpan(0, _count));
        _count = 0;
    }

    private void AddMovement(ref long moved, ushort axis)
    {
        var whole = (int)Math.Clamp(moved / FixedOne, -MaxMovement, MaxMovement);
        moved %= FixedOne;
        if (whole != 0 && _count < _frame.Length)
            _frame[_count++] = new InputEvent(InputEventType.Relative, axis, whole);
    }

    private void AddWheel(int axis, ushort wheel, ushort wheelFine, int sign)
    {
        var scrolled = _scrolled[axis] + _fineRest[axis];
        (_scrolled[axis], _isExact[axis]) = (0, false);
        var fine = (int)Math.Clamp(scrolled / FixedOne, -1_000_000, 1_000_000);
        _fineRest[axis] = scrolled % FixedOne;
        if (fine == 0 || _count + 2 > _frame.Length)
            return;
        _frame[_count++] = new InputEvent(InputEventType.Relative, wheelFine, sign * fine);
        _clickRest[axis] += fine;
        var clicks = _clickRest[axis] / FinePerClick;
        _clickRest[axis] %= FinePerClick;
        if (clicks != 0)
            _frame[_count++] = new InputEvent(InputEventType.Relative, wheel, sign * clicks);
    }
}
