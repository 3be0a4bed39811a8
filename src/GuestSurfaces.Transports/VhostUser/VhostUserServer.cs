// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>
/// Lets a VMM use a virtio device over a vhost-user socket: one VMM at a time, a second one waits in the socket's queue. When the VMM goes, everything that was
/// its is let go (rings, memory, descriptors, the device's state) and the next one is welcome.
/// <para>Thread: the loop's, all of it. Errors: nothing that a VMM or guest does throws or ends the process; it ends the connection, with one log line.</para>
/// </summary>
public sealed class VhostUserServer : IDisposable
{
    private readonly EventLoop _loop;
    private readonly IVirtioDevice _device;
    private readonly VhostUserOptions _options;
    private readonly VhostUserHost _host;
    private readonly BoundedLog _log;
    private ListeningSocket? _listener;
    private VhostUserConnection? _connection;
    private bool _disposed;

    private VhostUserServer(EventLoop loop, IVirtioDevice device, VhostUserOptions options)
    {
        _loop = loop;
        _device = device;
        _options = options;
        _log = new BoundedLog(options.Logger);
        _host = new VhostUserHost(loop.Timers);
        device.Attach(_host);
    }

    /// <summary>A VMM has connected; nothing is negotiated yet.</summary>
    public event Action? FrontendConnected;

    /// <summary>The VMM is gone, and everything that was its is let go. A server on a path already listens for the next; one on an inherited socket is done.</summary>
    public event Action? FrontendGone;

    /// <summary>Whether a VMM is connected.</summary>
    public bool IsConnected => _connection is not null;

    /// <summary>Serves a device on a socket of its own (<c>--socket-path=PATH</c>).</summary>
    /// <param name="loop">Where everything happens. Borrowed.</param>
    /// <param name="path">The socket's path, at most 107 bytes. The file is removed by <see cref="Dispose"/>.</param>
    /// <param name="device">Not attached yet; attached here, once. Borrowed.</param>
    /// <param name="options">Limits, logger, hooks; null for the defaults.</param>
    /// <returns>The server. Ownership: the caller's.</returns>
    /// <exception cref="SyscallException">The path can't be bound.</exception>
    public static VhostUserServer Listen(EventLoop loop, string path, IVirtioDevice device, VhostUserOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(device);
        var socket = UnixSocketHandle.Listen(path);
        var server = new VhostUserServer(loop, device, options ?? new VhostUserOptions());
        server._listener = new ListeningSocket(
            loop,
            socket,
            path,
            server.OnAccepted,
            errno => server._options.Logger.LogWarning("vhost-user: a VMM at {Path} can't be let in ({Errno}); trying again in a second", path, errno));
        server._listener.Start();
        return server;
    }

    /// <summary>Serves a device on one socket that is connected already (<c>--fd=N</c>).</summary>
    /// <param name="loop">Where everything happens. Borrowed.</param>
    /// <param name="connected">Adopted; see <see cref="UnixSocketHandle.FromInherited"/>.</param>
    /// <param name="device">Not attached yet; attached here, once. Borrowed.</param>
    /// <param name="options">Limits, logger, hooks; null for the defaults.</param>
    /// <returns>The server. Ownership: the caller's.</returns>
    /// <exception cref="SyscallException">The descriptor can't be polled: it is no socket.</exception>
    public static VhostUserServer Serve(EventLoop loop, UnixSocketHandle connected, IVirtioDevice device, VhostUserOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(device);
        var server = new VhostUserServer(loop, device, options ?? new VhostUserOptions());
        server.Connect(connected);
        return server;
    }

    /// <summary>Sends the VMM away, lets everything go, and removes the socket's file.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _listener?.Stop();
        _connection?.Dispose();
        _connection = null;
        _host.Dispose();
        _listener?.Dispose();
    }

    private void OnAccepted(UnixSocketHandle socket)
    {
        _listener!.Stop();
        try
        {
            Connect(socket);
        }
        catch (SyscallException e)
        {
            _listener.Pause(e.Errno);
        }
    }

    private void Connect(UnixSocketHandle socket)
    {
        _log.Restart();
        var session = new VhostUserSession(_loop, _device, _host, _options, _log);
        _connection = VhostUserConnection.Open(_loop, socket, session, _log, OnClosed);
        _log.Info("vhost-user: a VMM has connected");
        FrontendConnected?.Invoke();
    }

    private void OnClosed(VhostUserConnection connection)
    {
        connection.Dispose();
        if (_connection != connection)
            return;
        _connection = null;
        _log.Info("vhost-user: the VMM is gone");
        if (!_disposed)
            _listener?.Start();
        FrontendGone?.Invoke();
    }
}
