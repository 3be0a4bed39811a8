// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>Bytes that a socket did not take at once. Bounded: whoever writes into it waits for <see cref="HasPending"/> to end.</summary>
internal sealed class OutputBuffer
{
    private readonly byte[] _bytes = new byte[512];
    private int _from;
    private int _to;

    /// <summary>Whether bytes still wait for the socket.</summary>
    internal bool HasPending => _from < _to;

    /// <summary>Sends a message, or keeps what of it doesn't fit the socket now.</summary>
    /// <param name="socket">Any: it is never waited for.</param>
    /// <param name="message">At most 512 bytes.</param>
    /// <returns>False if the peer is gone.</returns>
    internal bool Send(UnixSocketHandle socket, ReadOnlySpan<byte> message)
    {
        if (HasPending)
            throw new InvalidOperationException("a message still waits to be sent");
        message.CopyTo(_bytes);
        _from = 0;
        _to = message.Length;
        return Flush(socket);
    }

    /// <summary>Sends what waits, as far as it fits.</summary>
    /// <returns>False if the peer is gone.</returns>
    internal bool Flush(UnixSocketHandle socket)
    {
        while (HasPending)
        {
            var errno = socket.Send(_bytes.AsSpan(_from, _to - _from), [], out var sent, wait: false);
            if (errno == Errno.EAGAIN)
                return true;
            if (errno != Errno.None)
                return false;
            _from += sent;
        }

        return true;
    }
}
