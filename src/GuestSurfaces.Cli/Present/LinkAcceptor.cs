// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;

namespace GuestSurfaces.Cli.Present;

/// <summary>Waits for sources that connect: any program with pictures. One at a time; the next one waits in the socket's queue.</summary>
internal sealed class LinkAcceptor : ILinkDoor
{
    private readonly Action<UnixSocketHandle> _opened;
    private readonly ListeningSocket _listener;

    /// <summary>Listens, for this user alone.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="path">Where. The file goes with this.</param>
    /// <param name="opened">Given the connected socket.</param>
    /// <exception cref="UserErrorException">Nobody can listen there.</exception>
    public LinkAcceptor(EventLoop loop, string path, Action<UnixSocketHandle> opened)
    {
        _opened = opened;
        try
        {
            _listener = new ListeningSocket(loop, UnixSocketHandle.Listen(path, SocketKind.Packets, LinkListener.OwnerOnly), path, OnAccepted);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(e.Message, "name a free path in a folder of yours, such as $XDG_RUNTIME_DIR/pictures.link");
        }
    }

    /// <inheritdoc/>
    public void Open() => Reopen();

    /// <inheritdoc/>
    public void Reopen() => _listener.Start();

    /// <inheritdoc/>
    public void Close() => _listener.Stop();

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void OnAccepted(UnixSocketHandle socket)
    {
        _listener.Stop();
        _opened(socket);
    }
}
