// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Core.Sessions;

/// <summary>
/// The dma-bufs of a scanout's frames that the display still reads, each with the last frame that was in it. A guest draws into them itself: once a frame is
/// answered it may draw into everything that was shown before, so no frame is answered while a buffer is here whose last frame is an earlier one.
/// A display reads two or three; of more than there is room for, the one that has been waited for the longest is forgotten.
/// </summary>
internal struct ReadBuffers
{
    private Entries _entries;
    private int _count;

    public readonly int Count => _count;

    public readonly (BufferStorage Storage, ulong LastSerial) this[int index] => (_entries[index].Storage, _entries[index].LastSerial);

    /// <summary>Takes note of a frame.</summary>
    /// <returns>False if a buffer had to be forgotten for it.</returns>
    public bool Add(BufferStorage storage, ulong serial)
    {
        if (!storage.IsDmabuf)
            return true; // a copy: the guest doesn't draw into it
        for (var i = 0; i < _count; i++)
        {
            if (_entries[i].Storage != storage)
                continue;
            _entries[i].LastSerial = serial;
            return true;
        }

        var hasRoom = _count < Entries.Capacity;
        if (!hasRoom)
            RemoveAt(Oldest());
        _entries[_count++] = new Entry { Storage = storage, LastSerial = serial };
        return hasRoom;
    }

    /// <summary>Nobody reads a buffer any more.</summary>
    /// <param name="storage">Which.</param>
    /// <param name="lastSerial">The last frame that was in it.</param>
    /// <returns>Whether it was here.</returns>
    public bool Remove(BufferStorage storage, out ulong lastSerial)
    {
        lastSerial = 0;
        for (var i = 0; i < _count; i++)
        {
            if (_entries[i].Storage != storage)
                continue;
            lastSerial = _entries[i].LastSerial;
            RemoveAt(i);
            return true;
        }

        return false;
    }

    public void Clear()
    {
        while (_count > 0)
            RemoveAt(_count - 1);
    }

    private readonly int Oldest()
    {
        var oldest = 0;
        for (var i = 1; i < _count; i++)
        {
            if (_entries[i].LastSerial < _entries[oldest].LastSerial)
                oldest = i;
        }

        return oldest;
    }

    private void RemoveAt(int index)
    {
        _entries[index] = _entries[--_count];
        _entries[_count] = default; // keeps no closed storage alive
    }

    private struct Entry
    {
        public BufferStorage Storage;
        public ulong LastSerial;
    }

    [InlineArray(Capacity)]
    private struct Entries
    {
        public const int Capacity = 8;
        private Entry _entry0;
    }
}
