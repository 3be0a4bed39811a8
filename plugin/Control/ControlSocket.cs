// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Plugin.Control;

/// <summary>
/// Where a desktop's guests are controlled: a socket of packets that this user alone may open, and whose peers are asked for their user all the same. One packet asks, one answers, and the
/// connection ends. Thread: the loop's.
/// </summary>
internal sealed class ControlSocket : IDisposable
{
    private readonly EventLoop _loop;
    private readonly ListeningSocket _listener;
    private readonly Func<ControlRequest, ControlReply> _answer;
    private readonly byte[] _packet = new byte[ControlClient.MaxBytes];
    private readonly List<Caller> _callers = [];

    /// <summary>Listens.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="path">The socket; removed by <see cref="Dispose"/>.</param>
    /// <param name="answer">Does what is asked.</param>
    /// <exception cref="SyscallException">The path can't be bound.</exception>
    public ControlSocket(EventLoop loop, string path, Func<ControlRequest, ControlReply> answer)
    {
        _loop = loop;
        _answer = answer;
        _listener = new ListeningSocket(loop, UnixSocketHandle.Listen(path, SocketKind.Packets, UnixFileMode.UserRead | UnixFileMode.UserWrite), path, OnAccepted);
        _listener.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        foreach (var caller in _callers.ToArray())
            caller.Close();
    }

    private void OnAccepted(UnixSocketHandle socket)
    {
        // One that never asks is sent away by those who come after it.
        const int maxCallers = 8;
        if (socket.PeerUserId != ThisProcess.UserId)
        {
            socket.Dispose();
            return;
        }

        if (_callers.Count == maxCallers)
            _callers[0].Close();
        _callers.Add(new Caller(this, socket));
    }

    private ReadOnlySpan<byte> Answer(ReadOnlySpan<byte> packet) =>
        (ControlRequest.TryParse(packet) is { } request ? _answer(request) : new ControlReply { Problem = "that is no request" }).ToJson();

    /// <summary>A connection, until its one packet.</summary>
    private sealed class Caller : IFdHandler
    {
        private readonly ControlSocket _owner;
        private readonly UnixSocketHandle _socket;
        private readonly FdWatch _watch;

        public Caller(ControlSocket owner, UnixSocketHandle socket)
        {
            _owner = owner;
            _socket = socket;
            _watch = owner._loop.Watch(socket, EpollEvents.In, this);
        }

        public void OnReady(EpollEvents events)
        {
            var errno = _socket.Receive(_owner._packet, [], out var length, out _, wait: false);
            if (errno == Errno.EAGAIN)
                return;
            try
            {
                if (errno == Errno.None && length > 0)
                    _ = _socket.Send(_owner.Answer(_owner._packet.AsSpan(0, length)), [], out _, wait: false); // gone already, or not: it is only told once
            }
            finally
            {
                Close(); // also if what it asked for failed: it waits
            }
        }

        public void Close()
        {
            _owner._callers.Remove(this);
            _watch.Dispose();
            _socket.Dispose();
        }
    }
}
