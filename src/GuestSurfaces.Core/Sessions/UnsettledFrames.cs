// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace GuestSurfaces.Core.Sessions;

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
        if (_count < Entries.Capacity)
            _entries[_count++] = new Entry { SinceNs = nowNs };
        ref var entry = ref _entries[_count - 1];
        entry.Serial = serial;
        entry.Awaited += awaited ? 1 : 0;
        entry.IsSettled = false;
    }

    public void Mark(ulong serial)
    {
        for (var i = 0; i < _count; i++)
            _entries[i].IsSettled |= _entries[i].Serial == serial;
    }

    public void MarkUpTo(ulong serial)
    {
        for (var i = 0; i < _count; i++)
            _entries[i].IsSettled |= _entries[i].Serial <= serial;
    }

    /// <summary>Settles those that are too old.</summary>
    /// <returns>How many of them a guest waited for.</returns>
    public int MarkOlderThan(long ns)
    {
        var awaited = 0;
        for (var i = 0; i < _count && _entries[i].SinceNs <= ns; i++)
        {
            awaited += _entries[i].IsSettled ? 0 : _entries[i].Awaited;
            _entries[i].IsSettled = true;
        }

        return awaited;
    }

    /// <summary>Takes out what is settled, up to the first that isn't.</summary>
    /// <returns>The last serial taken out; 0 if none was.</returns>
    public ulong TakeMarked()
    {
        var taken = 0;
        ulong serial = 0;
        for (; taken < _count && _entries[taken].IsSettled; taken++)
            serial = _entries[taken].Serial;
        for (var i = taken; i < _count; i++)
            _entries[i - taken] = _entries[i];
        _count -= taken;
        return serial;
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
        public bool IsSettled;
    }

    [InlineArray(Capacity)]
    private struct Entries
    {
        public const int Capacity = 8;
        private Entry _entry0;
    }
}
