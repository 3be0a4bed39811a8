// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <summary>Descriptors in the order of their messages. Owns what it holds.</summary>
internal sealed class FdQueue
{
    private ReceivedFd?[] _items = new ReceivedFd?[UnixSocketHandle.MaxFds];
    private int _start;
    private int _end;

    internal int Count => _end - _start;

    internal ReadOnlySpan<ReceivedFd?> Items => _items.AsSpan(_start, Count);

    /// <summary>Room for one more sendmsg's worth of descriptors; tell how many came with <see cref="Added"/>.</summary>
    internal Span<ReceivedFd?> Reserve()
    {
        if (_items.Length - _end < UnixSocketHandle.MaxFds)
        {
            var items = Count + UnixSocketHandle.MaxFds > _items.Length ? new ReceivedFd?[_items.Length * 2] : _items;
            Items.CopyTo(items);
            _end = Count;
            _start = 0;
            _items = items;
            _items.AsSpan(_end).Clear();
        }

        return _items.AsSpan(_end, UnixSocketHandle.MaxFds);
    }

    internal void Added(int count) => _end += count;

    internal void Add(ReceivedFd fd)
    {
        Reserve()[0] = fd;
        _end++;
    }

    internal ReceivedFd? TryTake()
    {
        if (_start == _end)
            return null;
        var fd = _items[_start];
        _items[_start++] = null;
        return fd;
    }

    /// <summary>Closes the oldest ones.</summary>
    internal void Close(int count)
    {
        for (; count > 0; count--)
            TryTake()?.Dispose();
    }

    /// <summary>Closes the newest ones until <paramref name="count"/> are left.</summary>
    internal void TruncateTo(int count)
    {
        while (Count > count)
        {
            _items[--_end]?.Dispose();
            _items[_end] = null;
        }
    }
}
