// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>
/// Carries one session over one socket. Whatever the peer does, the loop goes on: half a message is kept until the rest comes, and while an answer waits for
/// the socket nothing more is read.
/// </summary>
internal sealed class VhostUserConnection : IFdHandler, IDisposable
{
    // Enough for a start of a driver in one go; a flood leaves the loop to others in between.
    private const int MessagesPerTurn = 32;

    private readonly UnixSocketHandle _socket;
    private readonly VhostUserSession _session;
    private readonly BoundedLog _log;
    private readonly Action<VhostUserConnection> _onClosed;
    private readonly MessageAssembler _message = new();
    private readonly OutputBuffer _output = new();
    private readonly Reply _reply = new();
    private FdWatch? _watch;
    private bool _disposed;

    private VhostUserConnection(UnixSocketHandle socket, VhostUserSession session, BoundedLog log, Action<VhostUserConnection> onClosed)
    {
        _socket = socket;
        _session = session;
        _log = log;
        _onClosed = onClosed;
        session.Failed = OnDeviceFailed;
    }

    /// <summary>Begins to listen to a front-end.</summary>
    /// <param name="loop">Where.</param>
    /// <param name="socket">Connected. Adopted, also on failure.</param>
    /// <param name="session">Adopted, also on failure.</param>
    /// <param name="log">For what goes wrong.</param>
    /// <param name="onClosed">Told once when the connection is over; it disposes this.</param>
    /// <exception cref="SyscallException">The socket can't be watched.</exception>
    internal static VhostUserConnection Open(
        EventLoop loop, UnixSocketHandle socket, VhostUserSession session, BoundedLog log, Action<VhostUserConnection> onClosed)
    {
        var connection = new VhostUserConnection(socket, session, log, onClosed);
        try
        {
            socket.SetNonBlocking();
            connection._watch = loop.Watch(socket, EpollEvents.In, connection);
            return connection;
        }
        catch (SyscallException)
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        try
        {
            Pump();
        }
        catch (Exception e)
        {
            OnDeviceFailed(e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _watch?.Dispose();
        _message.Clear();
        _session.Dispose();
        _socket.Dispose();
    }

    private void Pump()
    {
        if (_output.HasPending)
        {
            if (!_output.Flush(_socket))
            {
                Close(null);
                return;
            }

            if (_output.HasPending)
                return;
            _watch?.Modify(EpollEvents.In);
        }

        for (var n = 0; n < MessagesPerTurn && !_disposed; n++)
        {
            if (!TryReceive())
                return;
            var why = _session.Handle(_message.Header, _message.Payload, _message.Fds, _reply);
            if (_disposed)
                return;
            _message.Clear();
            if (why is not null)
            {
                Close(why);
                return;
            }

            if (_reply.Length > 0 && !_output.Send(_socket, _reply.Bytes))
            {
                Close(null);
                return;
            }

            if (_output.HasPending)
            {
                _watch?.Modify(EpollEvents.Out);
                return;
            }
        }
    }

    /// <summary>Reads until a message is whole.</summary>
    /// <returns>False if there is nothing more now, or the connection is over.</returns>
    private bool TryReceive()
    {
        while (true)
        {
            var errno = _socket.Receive(_message.Room, _message.Fds.Room, out var received, out var fds, wait: false);
            if (errno == Errno.EAGAIN)
                return false;
            if (errno != Errno.None || received == 0)
            {
                Close(errno switch
                {
                    Errno.None => _message.IsInside ? "it ended in the middle of a message" : null,
                    Errno.EMSGSIZE => $"descriptors that came with a message were lost, or are more than the {Wire.MaxFds} that one can have",
                    Errno.ECONNRESET => null,
                    _ => $"reading from it failed ({errno})",
                });
                return false;
            }

            _message.Fds.Added(fds);
            switch (_message.Advance(received))
            {
                case AssemblyState.Complete:
                    return true;
                case AssemblyState.Malformed:
                    var header = _message.Header;
                    Close($"no message starts with request {header.Request}, flags {header.Flags:x}, size {header.Size}");
                    return false;
            }
        }
    }

    private void OnDeviceFailed(Exception exception)
    {
        if (_disposed)
            return;
        _log.Error("vhost-user: the device failed; the connection ends, the process goes on", exception);
        Close(null);
    }

    /// <summary>Ends the connection.</summary>
    /// <param name="why">What the peer did wrong; null if it just went.</param>
    private void Close(string? why)
    {
        if (why is not null)
            _log.Warn($"vhost-user: the connection is closed: {why}");
        _onClosed(this);
    }
}
