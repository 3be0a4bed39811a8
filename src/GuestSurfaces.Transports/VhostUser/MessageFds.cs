// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>The descriptors of one message. Whoever wants one takes it; the rest are closed with the message.</summary>
internal sealed class MessageFds
{
    private readonly ReceivedFd?[] _fds = new ReceivedFd?[Wire.MaxFds];

    /// <summary>How many came.</summary>
    internal int Count { get; private set; }

    /// <summary>Where the next ones go.</summary>
    internal Span<ReceivedFd?> Room => _fds.AsSpan(Count);

    /// <summary>Descriptors were put into <see cref="Room"/>.</summary>
    internal void Added(int count) => Count += count;

    /// <summary>Takes one out. Ownership: the caller's.</summary>
    internal ReceivedFd Take(int index)
    {
        var fd = _fds[index] ?? throw new InvalidOperationException("this descriptor was taken before");
        _fds[index] = null;
        return fd;
    }

    /// <summary>Closes what nobody took.</summary>
    internal void CloseRest()
    {
        for (var i = 0; i < Count; i++)
        {
            _fds[i]?.Dispose();
            _fds[i] = null;
        }

        Count = 0;
    }
}
