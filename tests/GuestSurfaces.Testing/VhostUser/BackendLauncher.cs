// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// A back-end program started for a test. It is always ended, by its own process id, when this is disposed.
/// The command may say <c>{fd}</c> (the number of a connected socket) or <c>{socket}</c> (a path where it shall listen).
/// </summary>
public sealed class BackendLauncher : IDisposable
{
    private readonly MemFdHandle _output;
    private readonly string? _directory;
    private UnixSocketHandle? _socket;

    private BackendLauncher(ChildProcess process, MemFdHandle output, UnixSocketHandle? socket, string? directory)
    {
        Process = process;
        _output = output;
        _socket = socket;
        _directory = directory;
    }

    public ChildProcess Process { get; }

    /// <summary>Where it listens; null if it was given a connected socket.</summary>
    public string? SocketPath => _directory == null ? null : Path.Combine(_directory, "vhost-user.sock");

    /// <summary>Starts a command.</summary>
    /// <param name="command">Words separated by spaces; no quoting.</param>
    public static BackendLauncher Start(string command)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var output = MemFdHandle.TryCreate("back-end-output", 0, FileSeals.None, out var errno)
            ?? throw new SyscallException("creating a file for the back-end's output", errno);
        if (Array.Exists(words, w => w.Contains("{socket}", StringComparison.Ordinal)))
        {
            var directory = Directory.CreateTempSubdirectory("vhost-user-").FullName;
            Replace(words, "{socket}", Path.Combine(directory, "vhost-user.sock"));
            return new BackendLauncher(ChildProcess.Start(words, null, output), output, null, directory);
        }

        Replace(words, "{fd}", ChildProcess.InheritedFdNumber.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: false);
        using (theirs)
            return new BackendLauncher(ChildProcess.Start(words, theirs, output), output, ours, null);
    }

    /// <summary>A connection to it. With <c>{fd}</c> there is only one.</summary>
    public UnixSocketHandle TakeConnection(int timeoutMs = 10_000)
    {
        if (SocketPath == null)
        {
            var socket = _socket ?? throw new InvalidOperationException("this back-end was given one connection and it has been taken");
            _socket = null;
            return socket;
        }

        return ConnectPatiently(SocketPath, timeoutMs, ms => Process.WaitForExit(ms)
            ? throw new BackendGoneException($"the back-end ended before it listened on {SocketPath}: {Output()}")
            : false);
    }

    /// <summary>Connects to a path where somebody listens, or soon will (again).</summary>
    /// <param name="path">Where.</param>
    /// <param name="timeoutMs">How long to try.</param>
    /// <param name="wait">Waits a few milliseconds between tries; may throw if there is nothing to wait for.</param>
    public static UnixSocketHandle ConnectPatiently(string path, int timeoutMs, Func<int, bool> wait)
    {
        const int betweenTriesMs = 5;
        var deadline = Environment.TickCount64 + timeoutMs;
        while (true)
        {
            try
            {
                return UnixSocketHandle.Connect(path);
            }
            catch (SyscallException e) when (e.Errno is Errno.ENOENT or Errno.ECONNREFUSED && Environment.TickCount64 < deadline)
            {
                _ = wait(betweenTriesMs);
            }
        }
    }

    /// <summary>What it has printed so far.</summary>
    public string Output()
    {
        var size = _output.GetSizeBytes();
        if (size == 0)
            return "";
        using var region = SharedRegion.TryOpen(_output.Duplicate<MemFdHandle>(), 0, size, mayMap: false, out _);
        var bytes = new byte[size];
        return region != null && region.TryRead(0, bytes) ? Encoding.UTF8.GetString(bytes) : "";
    }

    public void Dispose()
    {
        _socket?.Dispose();
        Process.Dispose();
        _output.Dispose();
        if (_directory != null)
            Directory.Delete(_directory, recursive: true);
    }

    private static void Replace(string[] words, string what, string with)
    {
        for (var i = 0; i < words.Length; i++)
            words[i] = words[i].Replace(what, with, StringComparison.Ordinal);
    }
}
