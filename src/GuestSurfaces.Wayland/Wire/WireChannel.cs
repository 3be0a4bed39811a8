// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <summary>
/// A socket with a buffer in each direction. Never waits. Knows where messages start and end, not what they mean.
/// Descriptors leave no later than the bytes of their message, at most 28 with one sendmsg.
/// </summary>
internal sealed class WireChannel : IDisposable
{
    private readonly UnixSocketHandle _socket;
    private readonly byte[] _incoming = new byte[WireLimits.ReceiveBufferBytes];
    private readonly FdQueue _outgoingFds = new();
    private byte[] _outgoing = new byte[4 * WireLimits.MaxMessageBytes];
    private int _incomingStart;
    private int _incomingEnd;
    private int _outgoingStart;
    private int _outgoingEnd;
    private int _committedFds;
    private bool _sendingEnded;

    /// <summary>Adopts the socket and makes it non-blocking.</summary>
    internal WireChannel(UnixSocketHandle socket)
    {
        _socket = socket;
        socket.SetNonBlocking();
    }

    internal FdHandle Fd => _socket;

    internal FdQueue IncomingFds { get; } = new();

    internal bool WantsWrite => _outgoingEnd != _outgoingStart && !_sendingEnded;

    /// <summary>More was queued than the peer may leave unread.</summary>
    internal bool HasOverflowed { get; private set; }

    /// <summary>Starts a message. What an abandoned one left behind is dropped: only <see cref="Commit"/> makes it count.</summary>
    internal WireWriter Begin(uint objectId, int opcode)
    {
        _outgoingFds.TruncateTo(_committedFds);
        if (_outgoing.Length - _outgoingEnd < WireLimits.MaxMessageBytes)
            MakeRoom();
        return new WireWriter(_outgoing.AsSpan(_outgoingEnd), objectId, opcode);
    }

    /// <summary>Queues a copy of a descriptor with the message that was begun. Borrows <paramref name="fd"/>.</summary>
    internal void StageFd(FdHandle fd) => _outgoingFds.Add(fd.Duplicate<ReceivedFd>());

    /// <summary>Queues the message that was begun.</summary>
    internal WireError Commit(ref WireWriter writer)
    {
        var error = writer.Finish(out var sizeBytes);
        if (error != WireError.None || _sendingEnded || HasOverflowed)
        {
            _outgoingFds.TruncateTo(_committedFds);
            return error;
        }

        _outgoingEnd += sizeBytes;
        _committedFds = _outgoingFds.Count;
        if (_outgoingEnd - _outgoingStart > WireLimits.MaxQueuedBytes || _committedFds > WireLimits.MaxQueuedFds)
            HasOverflowed = true;
        return WireError.None;
    }

    /// <summary>Sends what the socket takes now.</summary>
    /// <returns>None also when not everything went. EPIPE and ECONNRESET aren't errors here: what the peer said last is still to be read.</returns>
    internal Errno Flush()
    {
        while (WantsWrite)
        {
            // More descriptors than one sendmsg carries go ahead with one byte each: early is fine, late is not.
            var all = _committedFds <= UnixSocketHandle.MaxFds;
            var fds = _outgoingFds.Items[..Math.Min(_committedFds, UnixSocketHandle.MaxFds)];
            var bytes = _outgoing.AsSpan(_outgoingStart, all ? _outgoingEnd - _outgoingStart : 1);
            var errno = _socket.Send(bytes, FdHandles(fds), out var sent);
            if (errno == Errno.EAGAIN)
                return Errno.None;
            if (errno is Errno.EPIPE or Errno.ECONNRESET)
            {
                EndSending();
                return Errno.None;
            }

            if (errno != Errno.None)
                return errno;
            _committedFds -= fds.Length;
            _outgoingFds.Close(fds.Length);
            _outgoingStart += sent;
        }

        if (_outgoingStart == _outgoingEnd)
            _outgoingStart = _outgoingEnd = 0;
        return Errno.None;
    }

    /// <summary>Reads once.</summary>
    /// <param name="isDrained">Nothing is left for now: less came than there was room for. Descriptors end a read early, so with them there may be more.</param>
    /// <returns>EAGAIN: nothing there. EPIPE: the peer has closed.</returns>
    internal Errno Receive(out bool isDrained)
    {
        isDrained = false;
        if (_incomingStart != 0)
        {
            _incoming.AsSpan(_incomingStart, _incomingEnd - _incomingStart).CopyTo(_incoming);
            _incomingEnd -= _incomingStart;
            _incomingStart = 0;
        }

        var errno = _socket.Receive(_incoming.AsSpan(_incomingEnd), IncomingFds.Reserve(), out var received, out var fdCount, wait: false);
        if (errno == Errno.ECONNRESET)
            return Errno.EPIPE;
        if (errno != Errno.None)
            return errno;
        isDrained = fdCount == 0 && received < _incoming.Length - _incomingEnd;
        IncomingFds.Added(fdCount);
        _incomingEnd += received;
        if (IncomingFds.Count > WireLimits.MaxQueuedFds)
            return Errno.EMSGSIZE;
        return received == 0 ? Errno.EPIPE : Errno.None;
    }

    /// <summary>Takes the next whole message. Its body stays valid until the next <see cref="Receive"/>.</summary>
    /// <returns>False if none is there, or if <paramref name="error"/> says that there never will be.</returns>
    internal bool TryTake(out WireHeader header, out ReadOnlySpan<byte> body, out WireError error)
    {
        var bytes = _incoming.AsSpan(_incomingStart, _incomingEnd - _incomingStart);
        body = default;
        error = WireHeader.TryRead(bytes, out header);
        if (error == WireError.Truncated)
            error = WireError.None;
        else if (error == WireError.None && bytes.Length >= header.SizeBytes)
        {
            body = bytes[WireLimits.HeaderBytes..header.SizeBytes];
            _incomingStart += header.SizeBytes;
            return true;
        }

        return false;
    }

    /// <summary>Ends the conversation but keeps the descriptor, so that epoll reports it and its owner notices.</summary>
    internal void ShutDown()
    {
        EndSending();
        IncomingFds.TruncateTo(0);
        _incomingStart = _incomingEnd = 0;
        _socket.ShutDown();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        EndSending();
        IncomingFds.TruncateTo(0);
        _socket.Dispose();
    }

    private static ReadOnlySpan<FdHandle> FdHandles(ReadOnlySpan<ReceivedFd?> fds) =>
        // A queue's live part holds no nulls.
        System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(
            ref System.Runtime.CompilerServices.Unsafe.As<ReceivedFd?, FdHandle>(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(fds)), fds.Length);

    private void EndSending()
    {
        _sendingEnded = true;
        _outgoingFds.TruncateTo(0);
        _committedFds = 0;
        _outgoingStart = _outgoingEnd = 0;
    }

    // Called with less than one message's room left: first send, then move, then grow; the bound is kept by Commit.
    private void MakeRoom()
    {
        _ = Flush(); // its error comes back at the owner's next flush
        var queued = _outgoingEnd - _outgoingStart;
        var target = _outgoing.Length - queued < WireLimits.MaxMessageBytes ? new byte[_outgoing.Length * 2] : _outgoing;
        _outgoing.AsSpan(_outgoingStart, queued).CopyTo(target);
        _outgoing = target;
        _outgoingStart = 0;
        _outgoingEnd = queued;
    }
}
