// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// Collects what arrives on a socket until whole messages with a 12-byte header {request, flags, size} are there.
/// Grows to the longest message seen; no allocation after that.
/// </summary>
internal sealed class MessageBuffer(UnixSocketHandle socket, int longestPayload) : IDisposable
{
    private readonly ReceivedFd?[] _fds = new ReceivedFd?[UnixSocketHandle.MaxFds];
    private byte[] _bytes = new byte[64 * 1024];
    private int _have;
    private int _fdCount;

    /// <summary>The peer has closed its end.</summary>
    public bool IsClosed { get; private set; }

    public uint Request => GpuCommands.Get32(_bytes, 0);

    public uint Flags => GpuCommands.Get32(_bytes, 4);

    public ReadOnlySpan<byte> Payload => _bytes.AsSpan(VhostUserWire.HeaderBytes, PayloadLength);

    /// <summary>Whether a whole message is there.</summary>
    public bool HasMessage => _have >= VhostUserWire.HeaderBytes && _have >= VhostUserWire.HeaderBytes + PayloadLength;

    private int PayloadLength
    {
        get
        {
            var size = GpuCommands.Get32(_bytes, 8);
            return size <= (uint)longestPayload ? (int)size
                : throw new BackendMisbehavedException($"message {Request} claims a payload of {size} bytes, at most {longestPayload} make sense");
        }
    }

    /// <summary>Takes in what is there now, without waiting.</summary>
    public void Fill()
    {
        while (!IsClosed)
        {
            if (_have >= VhostUserWire.HeaderBytes && _bytes.Length < VhostUserWire.HeaderBytes + PayloadLength)
                Array.Resize(ref _bytes, VhostUserWire.HeaderBytes + PayloadLength);
            if (_have == _bytes.Length)
                return; // full: the owner takes messages out first
            var errno = socket.Receive(_bytes.AsSpan(_have), _fds.AsSpan(_fdCount), out var received, out var fds, wait: false);
            if (errno == Errno.EAGAIN)
                return;
            _fdCount += fds;
            _have += received;
            if (errno != Errno.None || received == 0)
                IsClosed = true;
            else if (HasMessage)
                return;
        }
    }

    /// <summary>Takes the oldest descriptor that came and wasn't taken. Ownership: the caller's.</summary>
    public ReceivedFd? TakeFd()
    {
        if (_fdCount == 0)
            return null;
        var fd = _fds[0];
        Array.Copy(_fds, 1, _fds, 0, --_fdCount);
        _fds[_fdCount] = null;
        return fd;
    }

    /// <summary>Forgets the first message.</summary>
    public void Next()
    {
        var length = VhostUserWire.HeaderBytes + PayloadLength;
        Buffer.BlockCopy(_bytes, length, _bytes, 0, _have - length);
        _have -= length;
    }

    public void Dispose()
    {
        while (TakeFd() is { } fd)
            fd.Dispose();
    }
}
