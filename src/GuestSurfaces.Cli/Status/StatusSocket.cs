// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Status;

/// <summary>
/// Answers whoever connects with one snapshot, and closes: nothing is read, nobody is waited for. The answer fits a new socket's buffer many times, so that a
/// client that never reads costs nothing. The files' modes let in this user alone. Thread: the loop's.
/// </summary>
internal sealed class StatusSocket : IFdHandler, IDisposable
{
    private const long RetryNs = 1_000_000_000;

    private readonly EventLoop _loop;
    private readonly string _path;
    private readonly Func<StatusSnapshot> _snapshot;
    private readonly UnixSocketHandle _listener;
    private readonly LoopTimer _retry;
    private FdWatch? _watch;

    /// <summary>Listens.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="path">The socket; removed by <see cref="Dispose"/>.</param>
    /// <param name="snapshot">Called for each connection.</param>
    /// <exception cref="SyscallException">The path can't be bound.</exception>
    public StatusSocket(EventLoop loop, string path, Func<StatusSnapshot> snapshot)
    {
        _loop = loop;
        _path = path;
        _snapshot = snapshot;
        _ = snapshot().ToJson(); // the first costs tens of milliseconds of compiling: now, not between two frames
        _listener = UnixSocketHandle.Listen(path);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _retry = loop.Timers.Create(Listen);
        Listen();
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        using var client = _listener.TryAccept(out var errno); // one a turn: frames come first
        if (client is not null)
        {
            _ = client.Send(_snapshot().ToJson(), [], out _, wait: false); // gone already, or not: it is only told once
        }
        else if (errno is not (Errno.EAGAIN or Errno.EINTR))
        {
            // Out of descriptors, most likely: whoever waits goes on waiting, and the loop doesn't spin.
            _watch?.Dispose();
            _watch = null;
            _retry.ArmIn(RetryNs);
        }
    }

    /// <summary>Stops listening, and removes the file.</summary>
    public void Dispose()
    {
        _retry.Cancel();
        _watch?.Dispose();
        _watch = null;
        _listener.Dispose();
        File.Delete(_path);
    }

    private void Listen() => _watch ??= _loop.Watch(_listener, EpollEvents.In, this);
}
