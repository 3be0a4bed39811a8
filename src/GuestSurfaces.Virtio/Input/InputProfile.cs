// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Text;
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Virtio.Input;

/// <summary>
/// What an input device is to the guest: its name and what it can report. A guest finds out by asking piece by piece, so this is all answers. Immutable.
/// Source: virtio 1.3 §5.8.
/// </summary>
public sealed class InputProfile
{
    /// <summary>The configuration space's answers are at most this long.</summary>
    internal const int MaxAnswerBytes = 128;

    private const ushort VirtualBus = 6; // BUS_VIRTUAL
    private const int DirectProperty = 1; // INPUT_PROP_DIRECT
    private const int CodesMax = MaxAnswerBytes * 8;

    private static readonly AxisRange s_place = new(0, InputCodes.AbsoluteMax);
    private static readonly AxisRange s_tilt = new(-InputCodes.PenTiltMax, InputCodes.PenTiltMax, 57); // degrees of a radian

    private readonly byte[] _name;
    private readonly ushort _product;
    private readonly Dictionary<InputEventType, byte[]> _codes = [];
    private readonly Dictionary<ushort, AxisRange> _ranges = [];
    private bool _isDirect; // what is touched is what is seen there

    private InputProfile(string name, ushort product)
    {
        _name = Encoding.UTF8.GetBytes($"guest-surfaces {name}");
        _product = product;
    }

    private enum Question : byte
    {
        Name = 0x01,
        Ids = 0x03,
        Properties = 0x10,
        Codes = 0x11,
        Range = 0x12,
    }

    /// <summary>All keys, three lamps. The guest repeats held keys itself.</summary>
    public static InputProfile Keyboard { get; } = new InputProfile("keyboard", 1)
        .With(InputEventType.Key, 1, InputCodes.LastKey)
        .With(InputEventType.Led, InputCodes.NumLock, InputCodes.ScrollLock)
        .With(InputEventType.Repeat, 0, 1);

    /// <summary>A pointer that tells where it is: what a window has.</summary>
    public static InputProfile Pointer { get; } = new InputProfile("pointer", 2)
        .WithAxis(InputCodes.AbsoluteX, s_place)
        .WithAxis(InputCodes.AbsoluteY, s_place)
        .With(InputEventType.Key, InputCodes.FirstButton, InputCodes.LastButton)
        .With(InputEventType.Relative, InputCodes.HorizontalWheel, InputCodes.HorizontalWheel)
        .With(InputEventType.Relative, InputCodes.Wheel, InputCodes.Wheel)
        .With(InputEventType.Relative, InputCodes.WheelFine, InputCodes.HorizontalWheelFine);

    /// <summary>A mouse that tells how far it went: for a desktop that keeps its own pointer still meanwhile.</summary>
    public static InputProfile Mouse { get; } = new InputProfile("mouse", 3)
        .With(InputEventType.Relative, InputCodes.RelativeX, InputCodes.RelativeY)
        .With(InputEventType.Key, InputCodes.FirstButton, InputCodes.LastButton)
        .With(InputEventType.Relative, InputCodes.HorizontalWheel, InputCodes.HorizontalWheel)
        .With(InputEventType.Relative, InputCodes.Wheel, InputCodes.Wheel)
        .With(InputEventType.Relative, InputCodes.WheelFine, InputCodes.HorizontalWheelFine);

    /// <summary>A touchscreen. Source: Linux multi-touch-protocol, type B.</summary>
    public static InputProfile Touch { get; } = new InputProfile("touch", 4) { _isDirect = true }
        .WithAxis(InputCodes.TouchSlot, new AxisRange(0, InputCodes.TouchSlots - 1))
        .WithAxis(InputCodes.TouchX, s_place)
        .WithAxis(InputCodes.TouchY, s_place)
        .WithAxis(InputCodes.TouchId, new AxisRange(0, InputCodes.LastTouchId))
        .With(InputEventType.Key, InputCodes.Touching, InputCodes.Touching);

    /// <summary>
    /// A tablet that is a screen, with pens and pucks. Guests take one without a size for a fault of ours; how large the picture is nobody here knows, so it is a third of a
    /// metre each way. Source: Linux event-codes, libinput's tablet support.
    /// </summary>
    public static InputProfile Tablet { get; } = new InputProfile("tablet", 5) { _isDirect = true }
        .WithAxis(InputCodes.AbsoluteX, s_place with { UnitsPerSize = 100 })
        .WithAxis(InputCodes.AbsoluteY, s_place with { UnitsPerSize = 100 })
        .WithAxis(InputCodes.PenRotation, new AxisRange(0, InputCodes.PenRotationMax))
        .WithAxis(InputCodes.PenSlider, new AxisRange(-InputCodes.PenMax, InputCodes.PenMax))
        .WithAxis(InputCodes.PenPressure, new AxisRange(0, InputCodes.PenMax))
        .WithAxis(InputCodes.PenDistance, new AxisRange(0, InputCodes.PenMax))
        .WithAxis(InputCodes.PenTiltX, s_tilt)
        .WithAxis(InputCodes.PenTiltY, s_tilt)
        .With(InputEventType.Miscellaneous, InputCodes.PenSerial, InputCodes.PenSerial)
        .With(InputEventType.Key, InputCodes.Pen, InputCodes.LastPen)
        .With(InputEventType.Key, InputCodes.FirstPuck, InputCodes.LastTool)
        .With(InputEventType.Key, InputCodes.PenButton3, InputCodes.PenButton2) // and the tip, between them
        .With(InputEventType.Key, InputCodes.FirstButton, InputCodes.LastButton)
        .With(InputEventType.Relative, InputCodes.Wheel, InputCodes.Wheel);

    /// <summary>The profile of each kind.</summary>
    /// <param name="kind">Which.</param>
    public static InputProfile Of(InputKind kind) => kind switch
    {
        InputKind.Keyboard => Keyboard,
        InputKind.Pointer => Pointer,
        InputKind.Mouse => Mouse,
        InputKind.Touch => Touch,
        InputKind.Tablet => Tablet,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such device"),
    };

    /// <summary>Whether the device can report, or be told, such an event.</summary>
    /// <param name="type">The event's.</param>
    /// <param name="code">The event's.</param>
    public bool Has(InputEventType type, ushort code) => code < CodesMax && _codes.TryGetValue(type, out var bits) && (bits[code / 8] & (1 << (code % 8))) != 0;

    /// <summary>Answers one question of the driver's.</summary>
    /// <param name="select">Which.</param>
    /// <param name="subselect">About what.</param>
    /// <param name="answer"><see cref="MaxAnswerBytes"/> of zeroes; filled from its start.</param>
    /// <returns>How long the answer is; 0: there is none.</returns>
    internal int Answer(byte select, byte subselect, Span<byte> answer)
    {
        switch ((Question)select)
        {
            case Question.Name when subselect == 0:
                _name.CopyTo(answer);
                return _name.Length;
            case Question.Ids when subselect == 0:
                BinaryPrimitives.WriteUInt16LittleEndian(answer, VirtualBus);
                BinaryPrimitives.WriteUInt16LittleEndian(answer[4..], _product);
                BinaryPrimitives.WriteUInt16LittleEndian(answer[6..], 1);
                return 8;
            case Question.Properties when subselect == 0 && _isDirect:
                answer[0] = 1 << DirectProperty;
                return 1;
            case Question.Codes when _codes.TryGetValue((InputEventType)subselect, out var bits):
                bits.CopyTo(answer);
                return bits.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
            case Question.Range when _ranges.TryGetValue(subselect, out var range):
                BinaryPrimitives.WriteInt32LittleEndian(answer, range.First);
                BinaryPrimitives.WriteInt32LittleEndian(answer[4..], range.Last); // fuzz and flat, which follow, are 0: it is exact
                BinaryPrimitives.WriteInt32LittleEndian(answer[16..], range.UnitsPerSize);
                return 20;
            default:
                return 0;
        }
    }

    private InputProfile WithAxis(ushort axis, AxisRange range)
    {
        _ranges.Add(axis, range);
        return With(InputEventType.Absolute, axis, axis);
    }

    private InputProfile With(InputEventType type, ushort first, ushort last)
    {
        if (!_codes.TryGetValue(type, out var bits))
            _codes.Add(type, bits = new byte[MaxAnswerBytes]);
        for (int code = first; code <= last; code++)
            bits[code / 8] |= (byte)(1 << (code % 8));
        return this;
    }

    /// <summary>What an axis can tell: from, to, and how much of that is a millimetre or a radian; 0: it has no known size.</summary>
    private readonly record struct AxisRange(int First, int Last, int UnitsPerSize = 0);
}
