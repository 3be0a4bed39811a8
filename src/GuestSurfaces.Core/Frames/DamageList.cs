// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Core.Frames;

/// <summary>
/// What changed: up to sixteen rectangles, inline. A seventeenth unites with the one it grows least, so the list only ever covers more than what
/// was added, never less. A struct without allocation. Units: buffer pixels.
/// </summary>
public struct DamageList
{
    private const int Capacity = 16;
    private Rects _rects;
    private int _count;

    /// <summary>How many rectangles.</summary>
    public readonly int Count => _count;

    /// <summary>Whether nothing changed.</summary>
    public readonly bool IsEmpty => _count == 0;

    /// <summary>The smallest rectangle around all.</summary>
    public readonly BufferRect Bounds
    {
        get
        {
            var bounds = default(BufferRect);
            for (var i = 0; i < _count; i++)
                bounds = bounds.Union(_rects[i]);
            return bounds;
        }
    }

    /// <summary>One rectangle.</summary>
    /// <param name="index">Below <see cref="Count"/>.</param>
    public readonly BufferRect this[int index] => index < _count ? _rects[index] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>A list of one.</summary>
    /// <param name="rect">Its rectangle.</param>
    public static DamageList Of(BufferRect rect)
    {
        var list = default(DamageList);
        list.Add(rect);
        return list;
    }

    /// <summary>Adds a rectangle. Those it covers vanish into it; one that is covered adds nothing.</summary>
    /// <param name="rect">What changed; empty ones are ignored.</param>
    public void Add(BufferRect rect)
    {
        if (rect.IsEmpty)
            return;
        for (var i = 0; i < _count;)
        {
            if (_rects[i].Contains(rect))
                return;
            if (rect.Contains(_rects[i]))
                _rects[i] = _rects[--_count];
            else
                i++;
        }

        if (_count < Capacity)
        {
            _rects[_count++] = rect;
            return;
        }

        var best = 0;
        var least = long.MaxValue;
        for (var i = 0; i < _count; i++)
        {
            var grown = _rects[i].Union(rect).Area - _rects[i].Area;
            if (grown < least)
            {
                least = grown;
                best = i;
            }
        }

        var united = _rects[best].Union(rect);
        _rects[best] = _rects[--_count];
        Add(united);
    }

    /// <summary>Adds every rectangle of another list: a superseded frame's damage goes into its successor.</summary>
    /// <param name="other">The other.</param>
    public void Add(in DamageList other)
    {
        for (var i = 0; i < other._count; i++)
            Add(other._rects[i]);
    }

    /// <summary>Empties the list.</summary>
    public void Clear() => _count = 0;

    [InlineArray(Capacity)]
    private struct Rects
    {
        private BufferRect _rect0;
    }
}
