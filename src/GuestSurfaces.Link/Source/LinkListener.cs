// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Link;

/// <summary>Listens on a path for viewers of a hub. Who may write to the socket's file may view. Thread: the loop's.</summary>
public sealed class LinkListener : IDisposable
{
    /// <summary>The mode of the socket's file unless told otherwise: its owner may view.</summary>
    public const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly LinkHub _hub;
    private readonly ListeningSocket _socket;

    private LinkListener(EventLoop loop, LinkHub hub, UnixSocketHandle socket, string path, ILogger logger)
    {
        _hub = hub;
        _socket = new ListeningSocket(
            loop, socket, path, LetIn, errno => logger.LogWarning("link: a viewer at {Path} can't be let in ({Errno}); trying again in a second", path, errno));
        _socket.Start();
    }

    /// <summary>Begins to listen.</summary>
    /// <param name="loop">Where. Borrowed.</param>
    /// <param name="hub">Takes the viewers in. Borrowed.</param>
    /// <param name="path">Of the socket; a dead one there is replaced. The file goes with the listener.</param>
    /// <param name="mode">Of the socket's file.</param>
    /// <param name="logger">Hears of connections that can't be taken.</param>
    /// <param name="group">Of the socket's file, by number; null: this process's.</param>
    /// <exception cref="SyscallException">The path can't be bound.</exception>
    public static LinkListener Open(EventLoop loop, LinkHub hub, string path, UnixFileMode mode, ILogger logger, uint? group = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return new LinkListener(loop, hub, UnixSocketHandle.Listen(path, SocketKind.Packets, mode, group), path, logger);
    }

    /// <summary>Stops, and removes the socket's file. Viewers stay.</summary>
    public void Dispose() => _socket.Dispose();

    private void LetIn(UnixSocketHandle viewer)
    {
        try
        {
            _hub.Add(viewer);
        }
        catch (SyscallException e)
        {
            _socket.Pause(e.Errno);
        }
    }
}
