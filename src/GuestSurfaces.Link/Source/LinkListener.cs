// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Link;

/// <summary>Listens on a path for viewers of a hub. Who may write to the socket's file may view. Thread: the loop's.</summary>
public sealed class LinkListener : IFdHandler, IDisposable
{
    /// <summary>The mode of the socket's file unless told otherwise: its owner may view.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const long RetryNs = 1_000_000_000;

    private readonly EventLoop _loop;
    private readonly LinkHub _hub;
    private readonly UnixSocketHandle _socket;
    private readonly string _path;
    private readonly ILogger _logger;
    private readonly LoopTimer _retry;
    private FdWatch? _watch;
    private bool _isDisposed;

    private LinkListener(EventLoop loop, LinkHub hub, UnixSocketHandle socket, string path, ILogger logger)
    {
        _loop = loop;
        _hub = hub;
        _socket = socket;
        _path = path;
        _logger = logger;
        _retry = loop.Timers.Create(Watch);
        Watch();
    }

    /// <summary>Begins to listen.</summary>
    /// <param name="loop">Where. Borrowed.</param>
    /// <param name="hub">Takes the viewers in. Borrowed.</param>
    /// <param name="path">Of the socket; a dead one there is replaced. The file goes with the listener.</param>
    /// <param name="mode">Of the socket's file.</param>
    /// <param name="logger">Hears of connections that can't be taken.</param>
    /// <exception cref="SyscallException">The path can't be bound.</exception>
    public static LinkListener Open(EventLoop loop, LinkHub hub, string path, UnixFileMode mode, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return new LinkListener(loop, hub, UnixSocketHandle.Listen(path, SocketKind.Packets, mode), path, logger);
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        try
        {
            var socket = _socket.TryAccept(out var errno);
            if (socket is not null)
                _hub.Add(socket);
            else if (errno is not (Errno.EAGAIN or Errno.EINTR))
                WatchLater(errno);
        }
        catch (SyscallException e)
        {
            WatchLater(e.Errno);
        }
    }

    /// <summary>Stops, and removes the socket's file. Viewers stay.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _retry.Cancel();
        _watch?.Dispose();
        _socket.Dispose();
        File.Delete(_path);
    }

    private void Watch() => _watch ??= _loop.Watch(_socket, EpollEvents.In, this);

    // Out of descriptors, most likely: whoever waits goes on waiting, and so do we, without spinning.
    private void WatchLater(Errno errno)
    {
        _watch?.Dispose();
        _watch = null;
        _logger.LogWarning("link: a viewer at {Path} can't be let in ({Errno}); trying again in a second", _path, errno);
        _retry.ArmIn(RetryNs);
    }
}
