// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Loop;

/// <summary>
/// A socket on a path where others connect, one a turn of the loop. While it isn't listening, and for a second after a connection couldn't be let in (out of
/// descriptors, most likely), whoever comes waits in the socket's queue, and the loop doesn't spin. Thread: the loop's.
/// </summary>
public sealed class ListeningSocket : IFdHandler, IDisposable
{
    private const long RetryNs = 1_000_000_000;

    private readonly EventLoop _loop;
    private readonly UnixSocketHandle _socket;
    private readonly string _path;
    private readonly Action<UnixSocketHandle> _accepted;
    private readonly Action<Errno>? _paused;
    private readonly LoopTimer _retry;
    private FdWatch? _watch;
    private bool _isDisposed;

    /// <summary>Makes one that isn't listening yet.</summary>
    /// <param name="loop">Where. Borrowed.</param>
    /// <param name="socket">Bound to the path; adopted.</param>
    /// <param name="path">Of the socket. The file goes with this.</param>
    /// <param name="accepted">Given each connection; the socket is its own.</param>
    /// <param name="paused">Hears why a connection couldn't be let in.</param>
    public ListeningSocket(EventLoop loop, UnixSocketHandle socket, string path, Action<UnixSocketHandle> accepted, Action<Errno>? paused = null)
    {
        ArgumentNullException.ThrowIfNull(loop);
        _loop = loop;
        _socket = socket;
        _path = path;
        _accepted = accepted;
        _paused = paused;
        _retry = loop.Timers.Create(Start);
    }

    /// <summary>Lets in who waits, and who comes. Idempotent.</summary>
    public void Start() => _watch ??= _loop.Watch(_socket, EpollEvents.In, this);

    /// <summary>Lets in nobody until <see cref="Start"/>. Idempotent.</summary>
    public void Stop()
    {
        _retry.Cancel();
        _watch?.Dispose();
        _watch = null;
    }

    /// <summary>Lets in nobody for a second.</summary>
    /// <param name="errno">Why.</param>
    public void Pause(Errno errno)
    {
        Stop();
        _paused?.Invoke(errno);
        _retry.ArmIn(RetryNs);
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        var socket = _socket.TryAccept(out var errno);
        if (socket is not null)
            _accepted(socket);
        else if (errno is not (Errno.EAGAIN or Errno.EINTR))
            Pause(errno);
    }

    /// <summary>Stops, and removes the socket's file. Connections stay.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Stop();
        _socket.Dispose();
        File.Delete(_path);
    }
}
