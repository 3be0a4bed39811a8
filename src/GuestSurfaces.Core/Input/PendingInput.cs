// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Input;

/// <summary>
/// Events on their way to somebody who takes them when they like (a guest whose VMM lends four buffers at a time, a link whose socket is full): in order and by whole
/// frames, and never more than a fixed number. Movements that the reader hasn't begun to take are added up. A reader that is too far behind loses what happened in
/// between, but not what has come of it: it is told each key, button, place and finger that isn't as it was told last. So no key can hang. Thread: one; allocates nothing.
/// </summary>
public sealed class PendingInput
{
    /// <summary>Events that can wait: a second of the fastest typing and clicking.</summary>
    public const int Capacity = 256;

    private const int EndsOfTouches = 0;
    private const int Keys = EndsOfTouches + InputCodes.TouchSlots;
    private const int Axes = Keys + InputCodes.KeyCount;
    private const int FirstReport = Axes + InputCodes.AxisCount;
    private const int Touches = FirstReport + 1;
    private const int LastReport = Touches + InputCodes.TouchSlots;

    private readonly InputEvent[] _ring = new InputEvent[Capacity];
    private readonly Bits _down = new(InputCodes.KeyCount);
    private readonly Bits _told = new(InputCodes.KeyCount);
    private readonly int[] _places = new int[InputCodes.AxisCount];
    private readonly Bits _hasPlace = new(InputCodes.AxisCount);
    private readonly TouchState _touches = new();
    private readonly TouchState _toldTouches = new();
    private readonly TouchState _summedTouches = new(); // as they were when the summary was begun: what comes after it is in the ring, and fingers aren't told twice
    private int _first;
    private int _count;
    private int _lastFrame; // where the newest frame begins, counted from _first; below 0: its reader has begun to take it
    private int _summary = -1; // what of the summary comes next, by the constants above: two frames, as a finger that left and came back is two touches; -1: there is none
    private int _touchPart; // what of a touch comes next

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _count == 0 && _summary < 0;

    /// <summary>Adds what happened at once.</summary>
    /// <param name="frame">Without its end. At most <see cref="InputCodes.MaxFrame"/> events, of known codes.</param>
    public void Add(ReadOnlySpan<InputEvent> frame)
    {
        if (frame.IsEmpty)
            return;
        foreach (ref readonly var e in frame)
        {
            if (e.Type == InputEventType.Key)
                _down[e.Code] = e.Value != 0;
            else if (e.Type == InputEventType.Absolute && !_touches.Take(in e))
                (_places[e.Code], _hasPlace[e.Code]) = (e.Value, true);
        }

        if (TryMerge(frame))
            return;
        if (_count + frame.Length + 1 > Capacity)
        {
            _count = 0;
            _lastFrame = -1;
            (_summary, _touchPart) = (0, 0); // from the start, if it had begun
            _summedTouches.Become(_touches);
            return;
        }

        _lastFrame = _count;
        foreach (ref readonly var e in frame)
            Append(in e);
        Append(new InputEvent(InputEventType.Synchronization, InputCodes.Report, 0));
    }

    /// <summary>Adds the release of everything that is pressed, and by which it is.</summary>
    public void AddReleases()
    {
        Span<InputEvent> frame = stackalloc InputEvent[InputCodes.MaxFrame];
        var count = 0;
        for (var slot = 0; slot < InputCodes.TouchSlots; slot++)
        {
            if (_touches[slot].Id == InputCodes.NoTouch)
                continue;
            frame[count++] = new InputEvent(InputEventType.Absolute, InputCodes.TouchSlot, slot);
            frame[count++] = new InputEvent(InputEventType.Absolute, InputCodes.TouchId, InputCodes.NoTouch);
        }

        if (_hasPlace[InputCodes.PenPressure] && _places[InputCodes.PenPressure] != 0)
            frame[count++] = new InputEvent(InputEventType.Absolute, InputCodes.PenPressure, 0);
        for (var key = _down.Next(0); key >= 0; key = _down.Next(key + 1))
        {
            frame[count++] = new InputEvent(InputEventType.Key, (ushort)key, 0);
            if (count < frame.Length)
                continue;
            Add(frame);
            count = 0;
        }

        Add(frame[..count]);
    }

    /// <summary>Takes the oldest event.</summary>
    /// <param name="e">The event; each frame ends with <see cref="InputCodes.Report"/>.</param>
    public bool TryTake(out InputEvent e)
    {
        if (_summary >= 0)
        {
            e = TakeSummary();
            _ = _toldTouches.Take(in e);
            return true;
        }

        e = default;
        if (_count == 0)
            return false;
        e = _ring[_first];
        _first = (_first + 1) % Capacity;
        _count--;
        _lastFrame--;
        if (e.Type == InputEventType.Key)
            _told[e.Code] = e.Value != 0;
        else
            _ = _toldTouches.Take(in e);
        return true;
    }

    /// <summary>The reader went: the next one knows nothing, and presses count anew.</summary>
    public void Forget()
    {
        _count = 0;
        _summary = -1;
        _down.Clear();
        _told.Clear();
        _hasPlace.Clear();
        _touches.Clear();
        _toldTouches.Clear();
    }

    private InputEvent TakeSummary()
    {
        for (; _summary < Keys; _summary++)
        {
            var slot = _summary - EndsOfTouches;
            var told = _toldTouches[slot].Id;
            if (_touchPart == 0 && (told == InputCodes.NoTouch || told == _summedTouches[slot].Id))
                continue;
            if (_touchPart++ == 0)
                return new InputEvent(InputEventType.Absolute, InputCodes.TouchSlot, slot);
            (_summary, _touchPart) = (_summary + 1, 0);
            return new InputEvent(InputEventType.Absolute, InputCodes.TouchId, InputCodes.NoTouch);
        }

        for (; _summary < Axes; _summary++)
        {
            var key = _summary - Keys;
            var isDown = _down[key];
            if (isDown == _told[key])
                continue;
            _told[key] = isDown;
            _summary++;
            return new InputEvent(InputEventType.Key, (ushort)key, isDown ? 1 : 0);
        }

        if (_summary < FirstReport && _hasPlace.Next(_summary - Axes) is var axis and >= 0)
        {
            _summary = Axes + axis + 1;
            return new InputEvent(InputEventType.Absolute, (ushort)axis, _places[axis]);
        }

        if (_summary <= FirstReport)
        {
            _summary = _summedTouches.HasNewsFor(_toldTouches) ? Touches : -1;
            return new InputEvent(InputEventType.Synchronization, InputCodes.Report, 0);
        }

        for (; _summary < LastReport; (_summary, _touchPart) = (_summary + 1, 0))
        {
            var slot = _summary - Touches;
            var touch = _summedTouches[slot];
            if (_touchPart == 0 && (touch.Id == InputCodes.NoTouch || touch == _toldTouches[slot]))
                continue;
            switch (_touchPart++)
            {
                case 0:
                    return new InputEvent(InputEventType.Absolute, InputCodes.TouchSlot, slot);
                case 1:
                    return new InputEvent(InputEventType.Absolute, InputCodes.TouchId, touch.Id);
                case 2:
                    return new InputEvent(InputEventType.Absolute, InputCodes.TouchX, touch.X);
                case 3:
                    return new InputEvent(InputEventType.Absolute, InputCodes.TouchY, touch.Y);
            }
        }

        _summary = -1;
        return new InputEvent(InputEventType.Synchronization, InputCodes.Report, 0);
    }

    // Movements only, and the same axes as the newest frame has.
    private bool TryMerge(ReadOnlySpan<InputEvent> frame)
    {
        var length = _count - _lastFrame - 1;
        if (_count == 0 || _lastFrame < 0 || length != frame.Length)
            return false;
        for (var i = 0; i < length; i++)
        {
            ref readonly var known = ref At(_lastFrame + i);
            if (known.Type is not (InputEventType.Relative or InputEventType.Absolute) || known.Type != frame[i].Type || known.Code != frame[i].Code)
                return false;
            if (known.Type == InputEventType.Absolute && known.Code is InputCodes.TouchSlot or InputCodes.TouchId && known != frame[i])
                return false; // another finger
        }

        for (var i = 0; i < length; i++)
        {
            ref var known = ref At(_lastFrame + i);
            var value = known.Type == InputEventType.Absolute ? frame[i].Value : Math.Clamp((long)known.Value + frame[i].Value, int.MinValue, int.MaxValue);
            known = known with { Value = (int)value };
        }

        return true;
    }

    private void Append(in InputEvent e) => At(_count++) = e;

    private ref InputEvent At(int index) => ref _ring[(_first + index) % Capacity];

    /// <summary>A fixed number of bits.</summary>
    private sealed class Bits(int count)
    {
        private readonly ulong[] _words = new ulong[(count + 63) / 64];

        public bool this[int index]
        {
            get => (_words[index / 64] & (1UL << (index % 64))) != 0;
            set
            {
                if (value)
                    _words[index / 64] |= 1UL << (index % 64);
                else
                    _words[index / 64] &= ~(1UL << (index % 64));
            }
        }

        /// <summary>The first bit that is set, from one on.</summary>
        /// <returns>Its index, or -1.</returns>
        public int Next(int from)
        {
            for (var i = from; i < count; i++)
            {
                if (this[i])
                    return i;
            }

            return -1;
        }

        public void Clear() => Array.Clear(_words);
    }

    /// <summary>Which fingers are where, from events that are about one finger at a time.</summary>
    private sealed class TouchState
    {
        private readonly Touch[] _touches = new Touch[InputCodes.TouchSlots];
        private int _slot;

        public TouchState() => Clear();

        public Touch this[int slot] => _touches[slot];

        /// <summary>Takes an event.</summary>
        /// <returns>Whether it was about a finger.</returns>
        public bool Take(in InputEvent e)
        {
            if (e.Type != InputEventType.Absolute)
                return false;
            ref var touch = ref _touches[_slot];
            switch (e.Code)
            {
                case InputCodes.TouchSlot:
                    _slot = e.Value;
                    return true;
                case InputCodes.TouchId:
                    touch = touch with { Id = e.Value };
                    return true;
                case InputCodes.TouchX:
                    touch = touch with { X = e.Value };
                    return true;
                case InputCodes.TouchY:
                    touch = touch with { Y = e.Value };
                    return true;
                default:
                    return false;
            }
        }

        /// <summary>Becomes the same as another.</summary>
        public void Become(TouchState other)
        {
            other._touches.CopyTo(_touches, 0);
            _slot = other._slot;
        }

        /// <summary>Whether a finger is there that somebody else hasn't heard of as it is.</summary>
        public bool HasNewsFor(TouchState other)
        {
            for (var slot = 0; slot < _touches.Length; slot++)
            {
                if (_touches[slot].Id != InputCodes.NoTouch && _touches[slot] != other._touches[slot])
                    return true;
            }

            return false;
        }

        public void Clear()
        {
            Array.Fill(_touches, new Touch(InputCodes.NoTouch, 0, 0));
            _slot = 0;
        }
    }

    private readonly record struct Touch(int Id, int X, int Y);
}
