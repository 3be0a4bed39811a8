// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Present;

/// <summary>Connects to a source that listens: a device process.</summary>
internal sealed class LinkDialer : ILinkDoor
{
    private const long FirstNs = 100_000_000;
    private const long LongestNs = 1_000_000_000;

    private readonly string _path;
    private readonly Action<UnixSocketHandle> _opened;
    private readonly Retry _retry;

    /// <summary>Makes one that rests.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="path">Where the source listens.</param>
    /// <param name="opened">Given the connected socket.</param>
    public LinkDialer(EventLoop loop, string path, Action<UnixSocketHandle> opened)
    {
        _path = path;
        _opened = opened;
        _retry = new Retry(loop.Timers, FirstNs, LongestNs, LongestNs, TryConnect);
    }

    /// <inheritdoc/>
    public void Open()
    {
        try
        {
            _opened(Connect());
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(
                $"no guest can be viewed there: {e.Message}",
                e.Errno == Errno.EACCES ? "the socket's owner and mode say who may view" : "start it first, for example: guest-surfaces device --name NAME …; guest-surfaces status lists what runs");
        }
    }

    /// <inheritdoc/>
    public void Reopen() => _retry.Start();

    /// <inheritdoc/>
    public void Close() => _retry.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _retry.Cancel();

    private UnixSocketHandle Connect() => UnixSocketHandle.Connect(_path, SocketKind.Packets, nonBlocking: true);

    private bool TryConnect()
    {
        try
        {
            _opened(Connect());
            return true;
        }
        catch (SyscallException)
        {
            return false; // not there yet: said when it went
        }
    }
}
