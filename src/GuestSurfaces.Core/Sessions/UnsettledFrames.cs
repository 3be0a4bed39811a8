// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace GuestSurfaces.Core.Sessions;

/// <summary>Frames taken out of <see cref="UnsettledFrames"/>: to be answered.</summary>
internal struct DueFrames
{
    /// <summary>The last of them; 0 if there is none.</summary>
    public ulong Serial;

    /// <summary>How many of the settled ones a guest waited for.</summary>
    public int Settled;

    /// <summary>How many of those that took too long a guest waited for.</summary>
    public int TimedOut;

    /// <summary>How many of these let the guest draw into something that is still read.</summary>
    public int Unprotected;

    /// <summary>Whether the display was done with the last of these, and only a buffer before it wasn't free.</summary>
    public bool IsReleaseLate;
}

/// <summary>
/// The frames of a scanout whose answer is due, by age. Displays keep two at a time; a frame beyond the room shares the last place, and is settled with what
/// comes after it there, in the time of the first of them.
/// </summary>
internal struct UnsettledFrames
{
    private Entries _entries;
    private int _count;

    public readonly bool IsEmpty => _count == 0;

    public readonly long OldestNs => _entries[0].SinceNs;

    public void Add(ulong serial, long nowNs, bool awaited)
    {
        var isShared = _count == Entries.Capacity;
        if (!isShared)
            _entries[_count++] = new Entry { SinceNs = nowNs };
        ref var entry = ref _entries[_count - 1];
        entry.IsShared = isShared;
        entry.Serial = serial;
        entry.Awaited += awaited ? 1 : 0;
        entry.IsMarked = false;
    }

    /// <summary>The display is done with a frame.</summary>
    public void Mark(ulong serial)
    {
        for (var i = 0; i < _count; i++)
            _entries[i].IsMarked |= _entries[i].Serial == serial && !_entries[i].IsShared; // the others in a shared place may be on their way
    }

    /// <summary>The display is done with a frame and all before it.</summary>
    public void MarkUpTo(ulong serial)
    {
        for (var i = 0; i < _count; i++)
            _entries[i].IsMarked |= _entries[i].Serial <= serial;
    }

    /// <summary>A frame and those before it have come earlier than they have: their time is up earlier.</summary>
    /// <param name="serial">The frame's.</param>
    /// <param name="sinceNs">When they came at the latest, it is to be thought.</param>
    public void Hurry(ulong serial, long sinceNs)
    {
        for (var i = 0; i < _count; i++)
        {
            _entries[i].SinceNs = Math.Min(_entries[i].SinceNs, sinceNs);
            if (_entries[i].Serial >= serial)
                return;
        }
    }

    /// <summary>Takes out what can be answered, up to the first that can't.</summary>
    /// <param name="freeUpTo">Frames up to this one are answered once they are marked; later ones wait for a buffer.</param>
    /// <param name="sinceNs">Frames from this time and before are answered as they are.</param>
    public DueFrames Take(ulong freeUpTo, long sinceNs)
    {
        var due = default(DueFrames);
        var taken = 0;
        for (; taken < _count; taken++)
        {
            ref var entry = ref _entries[taken];
            var isSettled = entry.IsMarked && entry.Serial <= freeUpTo;
            if (!isSettled && entry.SinceNs > sinceNs)
                break;
            due.Serial = entry.Serial;
            due.Settled += isSettled ? entry.Awaited : 0;
            if (isSettled)
                continue;
            due.TimedOut += entry.Awaited;
            if (entry.Awaited == 0 || entry.Serial <= freeUpTo)
                continue;
            due.Unprotected += entry.Awaited;
            due.IsReleaseLate = entry.IsMarked;
        }

        for (var i = taken; i < _count; i++)
            _entries[i - taken] = _entries[i];
        _count -= taken;
        return due;
    }

    public ulong TakeAll()
    {
        var serial = _count > 0 ? _entries[_count - 1].Serial : 0;
        _count = 0;
        return serial;
    }

    private struct Entry
    {
        public ulong Serial;
        public long SinceNs;
        public int Awaited;
        public bool IsMarked;
        public bool IsShared;
    }

    [InlineArray(Capacity)]
    private struct Entries
    {
        public const int Capacity = 8;
        private Entry _entry0;
    }
}
