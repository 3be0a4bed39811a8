// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Link.Wire;

/// <summary>The descriptors of a received packet, in the order in which its messages take them. What nobody takes is closed.</summary>
internal sealed class DescriptorQueue
{
    private readonly ReceivedFd?[] _fds = new ReceivedFd?[LinkLimits.PacketFds];
    private int _count;
    private int _next;

    /// <summary>How many are left.</summary>
    public int Left => _count - _next;

    /// <summary>Where a receiver puts them; followed by <see cref="Fill"/>.</summary>
    public Span<ReceivedFd?> Room => _fds;

    /// <summary>So many came.</summary>
    /// <param name="count">How many of <see cref="Room"/>.</param>
    public void Fill(int count) => (_count, _next) = (count, 0);

    /// <summary>Takes the next.</summary>
    /// <returns>The caller's; null if there is none left.</returns>
    public ReceivedFd? TryTake()
    {
        if (_next == _count)
            return null;
        var fd = _fds[_next];
        _fds[_next++] = null;
        return fd;
    }

    /// <summary>Closes those that are left.</summary>
    public void Clear()
    {
        while (TryTake() is { } fd)
            fd.Dispose();
        _count = _next = 0;
    }
}
