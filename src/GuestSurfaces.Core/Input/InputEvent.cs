// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Input;

/// <summary>What kind of thing happened: evdev's types. Source: Linux input-event-codes.h.</summary>
public enum InputEventType : ushort
{
    /// <summary>The frame is complete: everything since the last one happened at once.</summary>
    Synchronization = 0,

    /// <summary>A key or a button: 1 pressed, 0 released.</summary>
    Key = 1,

    /// <summary>A movement, or a wheel's.</summary>
    Relative = 2,

    /// <summary>A place.</summary>
    Absolute = 3,

    /// <summary>What fits nowhere else: here which pen it is.</summary>
    Miscellaneous = 4,

    /// <summary>A keyboard's lamp: 1 lit, 0 dark.</summary>
    Led = 17,

    /// <summary>Repeating keys: the guest does that by itself.</summary>
    Repeat = 20,
}

/// <summary>One event of a keyboard, a pointer or the like, as evdev has it and virtio-input carries it.</summary>
/// <param name="Type">What kind of thing happened.</param>
/// <param name="Code">To what: a key, an axis, a lamp; see <see cref="InputCodes"/>.</param>
/// <param name="Value">How: pressed or not, how far, where.</param>
public readonly record struct InputEvent(InputEventType Type, ushort Code, int Value)
{
    /// <summary>Whether it is one that a keyboard, a pointer or the like may report: what comes from elsewhere is checked by this.</summary>
    public bool IsKnown => Type switch
    {
        InputEventType.Key => Code < InputCodes.KeyCount && Value is (0 or 1),
        InputEventType.Absolute when Code == InputCodes.TouchSlot => Value is >= 0 and < InputCodes.TouchSlots,
        InputEventType.Absolute when Code == InputCodes.TouchId => Value is >= InputCodes.NoTouch and <= InputCodes.LastTouchId,
        InputEventType.Relative or InputEventType.Absolute => Code < InputCodes.AxisCount,
        InputEventType.Miscellaneous => Code == InputCodes.PenSerial,
        _ => false,
    };
}

/// <summary>The codes that have a meaning here; keys are passed on by number. Source: Linux input-event-codes.h.</summary>
public static class InputCodes
{
    /// <summary>Synchronization: the end of a frame.</summary>
    public const ushort Report = 0;

    /// <summary>Relative: a mouse's movement to the right.</summary>
    public const ushort RelativeX = 0;

    /// <summary>Relative: a mouse's movement down.</summary>
    public const ushort RelativeY = 1;

    /// <summary>Relative: the wheel for left and right, in clicks; to the right is positive.</summary>
    public const ushort HorizontalWheel = 6;

    /// <summary>Relative: the wheel, in clicks; away from the user is positive.</summary>
    public const ushort Wheel = 8;

    /// <summary>Relative: the same in 1/120 of a click.</summary>
    public const ushort WheelFine = 0x0b;

    /// <summary>Relative: <see cref="HorizontalWheel"/> in 1/120 of a click.</summary>
    public const ushort HorizontalWheelFine = 0x0c;

    /// <summary>Absolute: from the left, 0 to <see cref="AbsoluteMax"/>.</summary>
    public const ushort AbsoluteX = 0;

    /// <summary>Absolute: from the top, 0 to <see cref="AbsoluteMax"/>.</summary>
    public const ushort AbsoluteY = 1;

    /// <summary>The right and the lower edge of what an absolute pointer points at.</summary>
    public const int AbsoluteMax = 32767;

    /// <summary>Absolute: how a pen is turned around its own axis, in 1/10 of a degree, from 0 for a quarter turn clockwise on.</summary>
    public const ushort PenRotation = 0x02;

    /// <summary>Absolute: the slider of an airbrush; 0 in the middle.</summary>
    public const ushort PenSlider = 0x08;

    /// <summary>Absolute: how hard a pen is pressed, 0 to <see cref="PenMax"/>.</summary>
    public const ushort PenPressure = 0x18;

    /// <summary>Absolute: how far above the tablet a pen is, 0 to <see cref="PenMax"/>.</summary>
    public const ushort PenDistance = 0x19;

    /// <summary>Absolute: how far a pen leans to the right, in degrees up to <see cref="PenTiltMax"/>; to the left is negative.</summary>
    public const ushort PenTiltX = 0x1a;

    /// <summary>Absolute: how far it leans towards the user.</summary>
    public const ushort PenTiltY = 0x1b;

    /// <summary>The most of what has no unit; of a slider in both directions.</summary>
    public const int PenMax = 65535;

    /// <summary>A pen that lies on the tablet.</summary>
    public const int PenTiltMax = 90;

    /// <summary>A whole turn of a pen, less the smallest part of one.</summary>
    public const int PenRotationMax = 3599;

    /// <summary>Miscellaneous: which pen it is, of all that its maker made.</summary>
    public const ushort PenSerial = 0;

    /// <summary>Key: a pen is near. An eraser is 0x141, and so on up to <see cref="LastTool"/>: one is near at a time.</summary>
    public const ushort Pen = 0x140;

    /// <summary>Key: an airbrush, the last of the tools that are held like a pen.</summary>
    public const ushort LastPen = 0x144;

    /// <summary>Key: a puck, moved like a mouse.</summary>
    public const ushort FirstPuck = 0x146;

    /// <summary>Key: a puck with a lens, the last tool.</summary>
    public const ushort LastTool = 0x147;

    /// <summary>Key: a pen's third button.</summary>
    public const ushort PenButton3 = 0x149;

    /// <summary>Key: a pen's first button.</summary>
    public const ushort PenButton1 = 0x14b;

    /// <summary>Key: its second.</summary>
    public const ushort PenButton2 = 0x14c;

    /// <summary>Absolute: which finger the next of these four are about, 0 to <see cref="TouchSlots"/> - 1; said once, it holds for later frames.</summary>
    public const ushort TouchSlot = 0x2f;

    /// <summary>Absolute: a finger's place from the left.</summary>
    public const ushort TouchX = 0x35;

    /// <summary>Absolute: a finger's place from the top.</summary>
    public const ushort TouchY = 0x36;

    /// <summary>Absolute: which touch it is, up to <see cref="LastTouchId"/>; <see cref="NoTouch"/> when the finger leaves.</summary>
    public const ushort TouchId = 0x39;

    /// <summary>Fingers that count at once.</summary>
    public const int TouchSlots = 10;

    /// <summary>No finger is there.</summary>
    public const int NoTouch = -1;

    /// <summary>The highest number of a touch; after it they begin anew.</summary>
    public const int LastTouchId = 65535;

    /// <summary>Key: a finger is there, any, or a pen touches.</summary>
    public const ushort Touching = 0x14a;

    /// <summary>Keys and buttons have codes below.</summary>
    public const int KeyCount = 768;

    /// <summary>Axes have codes below, relative ones too.</summary>
    public const int AxisCount = 64;

    /// <summary>Events of one frame, without its end.</summary>
    public const int MaxFrame = 32;

    /// <summary>The last key of a keyboard; buttons begin at 256.</summary>
    public const ushort LastKey = 255;

    /// <summary>The left button.</summary>
    public const ushort FirstButton = 0x110;

    /// <summary>The last of a mouse's eight buttons.</summary>
    public const ushort LastButton = 0x117;

    /// <summary>Led: Num Lock. Caps Lock is 1, Scroll Lock 2.</summary>
    public const ushort NumLock = 0;

    /// <summary>Led: Scroll Lock, the last that a keyboard here has.</summary>
    public const ushort ScrollLock = 2;
}
