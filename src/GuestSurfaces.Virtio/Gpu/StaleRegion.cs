// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// The pixels of one storage that are older than the newest: rectangles that don't overlap, so that nothing is repaired twice. A region too jagged for its
/// room becomes its own bounding box, which covers more, never less. Units: buffer pixels. Allocates nothing.
/// </summary>
internal struct StaleRegion
{
    /// <summary>A rectangle taken out of another leaves four at most; a screen's damage has a handful.</summary>
    public const int Capacity = 64;

    private Rects _rects;

    public int Count { get; private set; }

    public readonly BufferRect this[int index] => _rects[index];

    /// <summary>How many pixels would be left if a rectangle were taken out.</summary>
    public readonly long AreaOutside(BufferRect rect)
    {
        long area = 0;
        for (var i = 0; i < Count; i++)
            area += _rects[i].Area - _rects[i].Intersect(rect).Area;
        return area;
    }

    public void Clear() => Count = 0;

    public void Add(BufferRect rect)
    {
        if (rect.IsEmpty || Covers(rect))
            return;
        Remove(rect);
        if (Count == Capacity)
            rect = Collapse(rect);
        _rects[Count++] = rect;
    }

    /// <summary>Takes a rectangle out: it was just written.</summary>
    public void Remove(BufferRect rect)
    {
        if (rect.IsEmpty)
            return;

        // Downwards: pieces are appended behind, and lie outside the rectangle, so they needn't be looked at.
        for (var i = Count - 1; i >= 0; i--)
        {
            var old = _rects[i];
            var cut = old.Intersect(rect);
            if (cut.IsEmpty)
                continue;

            // No room for the pieces: leaving the whole rectangle stale is safe.
            if (Count + 3 > Capacity && !rect.Contains(old))
                continue;

            _rects[i] = _rects[--Count];
            Append(old with { Height = cut.Y - old.Y });
            Append(new BufferRect(old.X, cut.Bottom, old.Width, old.Bottom - cut.Bottom));
            Append(new BufferRect(old.X, cut.Y, cut.X - old.X, cut.Height));
            Append(new BufferRect(cut.Right, cut.Y, old.Right - cut.Right, cut.Height));
        }
    }

    // Mostly all of a screen was written at first, and every later transfer lies in that one rectangle: cutting it up would cost more than a small transfer.
    private readonly bool Covers(BufferRect rect)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_rects[i].Contains(rect))
                return true;
        }

        return false;
    }

    private void Append(BufferRect rect)
    {
        if (!rect.IsEmpty)
            _rects[Count++] = rect;
    }

    private BufferRect Collapse(BufferRect with)
    {
        for (var i = 0; i < Count; i++)
            with = with.Union(_rects[i]);
        Count = 0;
        return with;
    }

    [InlineArray(Capacity)]
    private struct Rects
    {
        private BufferRect _rect0;
    }
}
