// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;

namespace GuestSurfaces.Cli.Present;

/// <summary>Waits for sources that connect: any program with pictures. One at a time; the next one waits in the socket's queue.</summary>
internal sealed class LinkAcceptor : ILinkDoor, IFdHandler
{
    private const long RetryNs = 1_000_000_000;

    private readonly EventLoop _loop;
    private readonly string _path;
    private readonly Action<UnixSocketHandle> _opened;
    private readonly UnixSocketHandle _listener;
    private readonly LoopTimer _retry;
    private FdWatch? _watch;

    /// <summary>Listens, for this user alone.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="path">Where. The file goes with this.</param>
    /// <param name="opened">Given the connected socket.</param>
    /// <exception cref="UserErrorException">Nobody can listen there.</exception>
    public LinkAcceptor(EventLoop loop, string path, Action<UnixSocketHandle> opened)
    {
        _loop = loop;
        _path = path;
        _opened = opened;
        try
        {
            _listener = UnixSocketHandle.Listen(path, SocketKind.Packets, LinkListener.OwnerOnly);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(e.Message, "name a free path in a folder of yours, such as $XDG_RUNTIME_DIR/pictures.link");
        }

        _retry = loop.Timers.Create(Reopen);
    }

    /// <inheritdoc/>
    public void Open() => Reopen();

    /// <inheritdoc/>
    public void Reopen() => _watch ??= _loop.Watch(_listener, EpollEvents.In, this);

    /// <inheritdoc/>
    public void Close()
    {
        _retry.Cancel();
        _watch?.Dispose();
        _watch = null;
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        var socket = _listener.TryAccept(out var errno);
        if (socket is null && errno is Errno.EAGAIN or Errno.EINTR)
            return;
        Close();
        if (socket is not null)
            _opened(socket);
        else
            _retry.ArmIn(RetryNs); // out of descriptors, most likely: whoever waits goes on waiting
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _listener.Dispose();
        File.Delete(_path);
    }
}
