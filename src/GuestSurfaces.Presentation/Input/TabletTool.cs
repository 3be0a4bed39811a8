// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// A pen, or a puck: what it is, where it is over a picture, how it is held and pressed. The guest is told how it is at the end of a frame, as far as that isn't as it
/// was at the last one's. Near a picture it looks like nothing: the guest has a cursor for it. Allocates nothing.
/// </summary>
internal sealed class TabletTool : IZwpTabletToolV2Listener
{
    private const int X = 0;
    private const int Y = 1;
    private const int Pressure = 2;
    private const int Distance = 3;
    private const int TiltX = 4;
    private const int TiltY = 5;
    private const int Rotation = 6;
    private const int Slider = 7;
    private const int Tip = 0;
    private const int FirstMouseButton = 4;

    // libinput takes for touching what is above a twentieth of all pressure, and spreads the rest over what it tells: of the desktop's that is undone here.
    private const int LeastPressure = (InputCodes.PenMax / 20) + 1;

    private static readonly ushort[] s_axes =
    [
        InputCodes.AbsoluteX, InputCodes.AbsoluteY, InputCodes.PenPressure, InputCodes.PenDistance, InputCodes.PenTiltX, InputCodes.PenTiltY, InputCodes.PenRotation,
        InputCodes.PenSlider,
    ];

    private static readonly ushort[] s_keys =
    [
        InputCodes.Touching, InputCodes.PenButton1, InputCodes.PenButton2, InputCodes.PenButton3,
        .. Enumerable.Range(InputCodes.FirstButton, InputCodes.LastButton - InputCodes.FirstButton + 1).Select(static code => (ushort)code),
    ];

    private readonly ZwpTabletToolV2 _proxy;
    private readonly SeatTablet _seat;
    private readonly IInputOwner _owner;
    private readonly InputEvent[] _frame = new InputEvent[InputCodes.MaxFrame];
    private readonly int[] _axes = new int[s_axes.Length];
    private readonly int[] _toldAxes = new int[s_axes.Length];
    private readonly bool[] _hasAxis = new bool[s_axes.Length];
    private ushort _tool = InputCodes.Pen;
    private uint _serial;
    private int _scanout;
    private uint _keys; // bits, by s_keys
    private uint _toldKeys;
    private int _clicks; // of the wheel, in this frame; away from the user
    private int _count;
    private bool _isTold; // that it is near

    /// <summary>Listens.</summary>
    /// <param name="proxy">Adopted.</param>
    /// <param name="seat">Decides who counts.</param>
    /// <param name="owner">Who is told.</param>
    public TabletTool(ZwpTabletToolV2 proxy, SeatTablet seat, IInputOwner owner)
    {
        _proxy = proxy;
        _seat = seat;
        _owner = owner;
        _hasAxis[X] = _hasAxis[Y] = true;
        proxy.Listener = this;
    }

    /// <summary>The picture that it is near to; null: none, or another tool is.</summary>
    public WlSurface? Surface { get; private set; }

    /// <summary>It is gone.</summary>
    public void Close()
    {
        _proxy.Listener = null;
        Leave();
        _proxy.Destroy();
    }

    /// <summary>It is near no picture any more: lifted, and nothing stays pressed.</summary>
    public void Leave()
    {
        if (Surface is not { } left)
            return;
        (_keys, _clicks) = (0, 0);
        if (_isTold)
            Tell(isNear: false);
        Surface = null;
        _seat.End();
        _owner.OnPointed(left);
    }

    void IZwpTabletToolV2Listener.OnType(ZwpTabletToolV2 sender, ZwpTabletToolV2Type toolType)
    {
        // A finger on a tablet is the compositor's to tell of, and so would be tools yet unknown: they do as a pen.
        var code = (uint)toolType;
        if (code is (>= InputCodes.Pen and <= InputCodes.LastPen) or (>= InputCodes.FirstPuck and <= InputCodes.LastTool))
            _tool = (ushort)code;
        _hasAxis[Pressure] = _tool <= InputCodes.LastPen; // without one guests don't believe that it touches
    }

    // The lower half: so much fits, and what is made has no more.
    void IZwpTabletToolV2Listener.OnHardwareSerial(ZwpTabletToolV2 sender, uint hardwareSerialHi, uint hardwareSerialLo) => _serial = hardwareSerialLo;

    void IZwpTabletToolV2Listener.OnCapability(ZwpTabletToolV2 sender, ZwpTabletToolV2Capability capability)
    {
        switch (capability)
        {
            case ZwpTabletToolV2Capability.Tilt:
                _hasAxis[TiltX] = _hasAxis[TiltY] = true;
                break;
            case ZwpTabletToolV2Capability.Distance:
                _hasAxis[Distance] = true;
                break;
            case ZwpTabletToolV2Capability.Rotation:
                _hasAxis[Rotation] = true;
                break;
            case ZwpTabletToolV2Capability.Slider:
                _hasAxis[Slider] = true;
                break;
        }
    }

    void IZwpTabletToolV2Listener.OnRemoved(ZwpTabletToolV2 sender) => _seat.Remove(this);

    void IZwpTabletToolV2Listener.OnProximityIn(ZwpTabletToolV2 sender, uint serial, ZwpTabletV2? tablet, WlSurface? surface)
    {
        Leave();
        if (_owner.PictureOn(surface) is not { } picture || !_seat.TryBegin(this))
            return;
        (Surface, _scanout) = (surface, picture.Scanout);
        Array.Clear(_axes);
        _axes[Pressure] = InputCodes.PenMax; // of a pen that can't tell
        _proxy.SetCursor(serial, null, 0, 0);
        _owner.OnPointed(surface!);
    }

    // Not every compositor ends this with a frame.
    void IZwpTabletToolV2Listener.OnProximityOut(ZwpTabletToolV2 sender) => Leave();

    void IZwpTabletToolV2Listener.OnDown(ZwpTabletToolV2 sender, uint serial) => Press(Tip, isPressed: true);

    void IZwpTabletToolV2Listener.OnUp(ZwpTabletToolV2 sender) => Press(Tip, isPressed: false);

    void IZwpTabletToolV2Listener.OnMotion(ZwpTabletToolV2 sender, WlFixed x, WlFixed y)
    {
        if (_owner.PictureOn(Surface) is not { } picture)
            return;
        _axes[X] = SeatPointer.Place(x, picture.Size.Width);
        _axes[Y] = SeatPointer.Place(y, picture.Size.Height);
    }

    void IZwpTabletToolV2Listener.OnPressure(ZwpTabletToolV2 sender, uint pressure) => _axes[Pressure] = (int)Math.Min(pressure, InputCodes.PenMax);

    void IZwpTabletToolV2Listener.OnDistance(ZwpTabletToolV2 sender, uint distance) => _axes[Distance] = (int)Math.Min(distance, InputCodes.PenMax);

    void IZwpTabletToolV2Listener.OnTilt(ZwpTabletToolV2 sender, WlFixed tiltX, WlFixed tiltY) => (_axes[TiltX], _axes[TiltY]) = (Degrees(tiltX), Degrees(tiltY));

    // A quarter turn on, the guest begins to count.
    void IZwpTabletToolV2Listener.OnRotation(ZwpTabletToolV2 sender, WlFixed degrees)
    {
        const int Turn = InputCodes.PenRotationMax + 1;
        var tenths = (int)((long)degrees.Raw * 10 / 256 % Turn);
        _axes[Rotation] = (tenths + Turn + Turn - (Turn / 4)) % Turn;
    }

    void IZwpTabletToolV2Listener.OnSlider(ZwpTabletToolV2 sender, int position) => _axes[Slider] = Math.Clamp(position, -InputCodes.PenMax, InputCodes.PenMax);

    // Towards the user is positive on the desktop, away from it in the guest.
    void IZwpTabletToolV2Listener.OnWheel(ZwpTabletToolV2 sender, WlFixed degrees, int clicks) => _clicks = (int)Math.Clamp(_clicks - (long)clicks, short.MinValue, short.MaxValue);

    void IZwpTabletToolV2Listener.OnButton(ZwpTabletToolV2 sender, uint serial, uint button, ZwpTabletToolV2ButtonState state)
    {
        var key = button > ushort.MaxValue ? -1 : Array.IndexOf(s_keys, (ushort)button);
        if (key > Tip)
            Press(key, state == ZwpTabletToolV2ButtonState.Pressed);
    }

    void IZwpTabletToolV2Listener.OnFrame(ZwpTabletToolV2 sender, uint time)
    {
        if (Surface is not null)
            Tell(isNear: true);
    }

    private static int Degrees(WlFixed angle) => Math.Clamp((int)Math.Round(angle.Raw / 256.0), -InputCodes.PenTiltMax, InputCodes.PenTiltMax);

    private void Press(int key, bool isPressed) => _keys = isPressed ? _keys | (1u << key) : _keys & ~(1u << key);

    private void Tell(bool isNear)
    {
        if (isNear != _isTold)
        {
            Add(InputEventType.Key, _tool, isNear ? 1 : 0);
            Add(InputEventType.Miscellaneous, InputCodes.PenSerial, (int)_serial);
        }

        for (var i = 0; i < _axes.Length; i++)
        {
            var value = i == Pressure ? Pressed() : _axes[i];
            if (!_hasAxis[i] || (value == _toldAxes[i] && isNear == _isTold))
                continue;
            _toldAxes[i] = value;
            Add(InputEventType.Absolute, s_axes[i], value);
        }

        for (var i = 0; i < s_keys.Length; i++)
        {
            var bit = 1u << i;
            if (((_keys ^ _toldKeys) & bit) != 0)
                Add(InputEventType.Key, s_keys[i], (_keys & bit) != 0 ? 1 : 0);
        }

        if (_clicks != 0)
            Add(InputEventType.Relative, InputCodes.Wheel, _clicks);
        (_toldKeys, _clicks, _isTold) = (_keys, 0, isNear);
        if (_count > 0)
            _owner.OnInput(_scanout, InputKind.Tablet, _frame.AsSpan(0, _count));
        _count = 0;
    }

    private int Pressed() => (_keys & (1u << Tip)) == 0 ? 0 : LeastPressure + (int)((long)_axes[Pressure] * (InputCodes.PenMax - LeastPressure) / InputCodes.PenMax);

    private void Add(InputEventType type, ushort code, int value) => _frame[_count++] = new InputEvent(type, code, value);
}
