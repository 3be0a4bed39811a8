// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Input;

/// <summary>
/// Events on their way to somebody who takes them when they like (a guest whose VMM lends four buffers at a time, a link whose socket is full): in order and by whole
/// frames, and never more than a fixed number. Movements that the reader hasn't begun to take are added up. A reader that is too far behind loses what happened in
/// between, but not what has come of it: it is told each key, button and place that isn't as it was told last. So no key can hang. Thread: one; allocates nothing.
/// </summary>
public sealed class PendingInput
{
    /// <summary>Events that can wait: a second of the fastest typing and clicking.</summary>
    public const int Capacity = 256;


    private readonly InputEvent[] _ring = new InputEvent[Capacity];
    private readonly Bits _down = new(InputCodes.KeyCount);
    private readonly Bits _told = new(InputCodes.KeyCount);
    private readonly int[] _places = new int[InputCodes.AxisCount];
    private readonly Bits _hasPlace = new(InputCodes.AxisCount);
    private int _first;
    private int _count;
    private int _lastFrame; // where the newest frame begins, counted from _first; below 0: its reader has begun to take it
    private int _summary = -1; // what of the summary comes next: a key, then an axis, then the frame's end; -1: there is none

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
            else if (e.Type == InputEventType.Absolute)
                (_places[e.Code], _hasPlace[e.Code]) = (e.Value, true);
        }

        if (TryMerge(frame))
            return;
        if (_count + frame.Length + 1 > Capacity)
        {
            _count = 0;
            _lastFrame = -1;
            _summary = 0; // from the start, if it had begun
            return;
        }

        _lastFrame = _count;
        foreach (ref readonly var e in frame)
            Append(in e);
        Append(new InputEvent(InputEventType.Synchronization, InputCodes.Report, 0));
    }

    /// <summary>Adds the release of everything that is pressed.</summary>
    public void AddReleases()
    {
        Span<InputEvent> frame = stackalloc InputEvent[16];
        var count = 0;
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
    }

    private InputEvent TakeSummary()
    {
        for (; _summary < InputCodes.KeyCount; _summary++)
        {
            var isDown = _down[_summary];
            if (isDown == _told[_summary])
                continue;
            _told[_summary] = isDown;
            return new InputEvent(InputEventType.Key, (ushort)_summary++, isDown ? 1 : 0);
        }

        var axis = _hasPlace.Next(_summary - InputCodes.KeyCount);
        if (axis >= 0)
        {
            _summary = InputCodes.KeyCount + axis + 1;
            return new InputEvent(InputEventType.Absolute, (ushort)axis, _places[axis]);
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
}
