// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Status;

/// <summary>
/// Answers whoever connects with one snapshot, and the frame trace's memory as a descriptor, and closes: nothing is read, nobody is waited for. The answer fits a new socket's buffer many times, so that a
/// client that never reads costs nothing. The files' modes let in this user alone. Thread: the loop's.
/// </summary>
internal sealed class StatusSocket : IDisposable
{
    private readonly Func<StatusSnapshot> _snapshot;
    private readonly FdHandle[] _trace;
    private readonly ListeningSocket _listener;

    /// <summary>Listens.</summary>
    /// <param name="loop">Where everything happens.</param>
    /// <param name="path">The socket; removed by <see cref="Dispose"/>.</param>
    /// <param name="snapshot">Called for each connection.</param>
    /// <param name="trace">For whoever asks to read. Borrowed; null if there is none.</param>
    /// <exception cref="SyscallException">The path can't be bound.</exception>
    public StatusSocket(EventLoop loop, string path, Func<StatusSnapshot> snapshot, FdHandle? trace = null)
    {
        _snapshot = snapshot;
        _trace = trace is null ? [] : [trace];
        _ = snapshot().ToJson(); // the first costs tens of milliseconds of compiling: now, not between two frames
        _listener = new ListeningSocket(loop, UnixSocketHandle.Listen(path, mode: UnixFileMode.UserRead | UnixFileMode.UserWrite), path, Answer);
        _listener.Start();
    }

    /// <summary>Stops listening, and removes the file.</summary>
    public void Dispose() => _listener.Dispose();

    private void Answer(UnixSocketHandle client)
    {
        using (client)
            _ = client.Send(_snapshot().ToJson(), _trace, out _, wait: false); // gone already, or not: it is only told once
    }
}
