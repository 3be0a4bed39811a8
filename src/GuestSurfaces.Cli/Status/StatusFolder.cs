// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Status;

/// <summary>Where running guests can be asked: one socket each, <c>$XDG_RUNTIME_DIR/guest-surfaces/NAME-PID.sock</c>, in a folder for this user alone.</summary>
/// <param name="path">The folder.</param>
/// <param name="patience">How long each may take; by default five seconds, since they answer between two frames, in emulated machines late.</param>
internal sealed class StatusFolder(string path, TimeSpan? patience = null)
{
    private const int MaxNameChars = 32;
    private const int MaxSocketPathBytes = 107;
    private const int MaxAnswerBytes = 64 << 10;

    private readonly TimeSpan _patience = patience ?? TimeSpan.FromSeconds(5);

    /// <summary>This session's; null without one.</summary>
    public static StatusFolder? OfSession =>
        Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime) ? new StatusFolder(Path.Combine(runtime, "guest-surfaces")) : null;

    /// <summary>Makes the folder if need be, for this user alone.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="IOException">No folder can be made there.</exception>
    public string Create()
    {
        const UnixFileMode onlyMe = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(path, onlyMe);
        File.SetUnixFileMode(path, onlyMe); // it may have been there
        return path;
    }

    /// <summary>Makes the folder if need be, and names a socket in it.</summary>
    /// <param name="name">The guest's; what no file name should have is left out of it.</param>
    /// <param name="pid">The process.</param>
    /// <exception cref="IOException">No folder can be made there.</exception>
    public string CreateSocketPath(string name, int pid) => CreatePath(name, string.Create(CultureInfo.InvariantCulture, $"-{pid}.sock"));

    /// <summary>The same for the socket where viewers connect.</summary>
    /// <param name="name">The guest's.</param>
    /// <exception cref="IOException">No folder can be made there.</exception>
    public string CreateLinkPath(string name) => CreatePath(name, ".link");

    private string CreatePath(string name, string end)
    {
        _ = Create();
        return PathOf(name, end);
    }

    /// <summary>Where viewers connect to a guest, if it is there.</summary>
    /// <param name="name">The guest's.</param>
    public string LinkPathOf(string name) => PathOf(name, ".link");

    private string PathOf(string name, string end)
    {
        var room = Math.Clamp(MaxSocketPathBytes - Encoding.UTF8.GetByteCount(path) - 1 - end.Length, 0, MaxNameChars);
        var plain = name.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_').Take(room).ToArray();
        return Path.Combine(path, new string(plain) + end);
    }

    /// <summary>The names of what answers there, or did once.</summary>
    public IEnumerable<string> Names =>
        Directory.Exists(path) ? Directory.GetFiles(path, "*.sock").Select(static file => Path.GetFileNameWithoutExtension(file)).Select(static file => file[..Math.Max(file.LastIndexOf('-'), 0)]).Distinct() : [];

    /// <summary>Asks every guest there. Sockets of processes that ended without removing them are removed.</summary>
    /// <param name="silent">Those that don't answer, by their files' names.</param>
    public IReadOnlyList<StatusSnapshot> Ask(out IReadOnlyList<string> silent)
    {
        var answers = AskWithTraces(out silent);
        foreach (var answer in answers)
            answer.Dispose();
        return [.. answers.Select(static answer => answer.Snapshot)];
    }

    /// <summary>The same, with what each remembers of its frames.</summary>
    /// <param name="silent">Those that don't answer, by their files' names.</param>
    /// <returns>The caller's to dispose.</returns>
    public IReadOnlyList<GuestAnswer> AskWithTraces(out IReadOnlyList<string> silent)
    {
        var answers = new List<GuestAnswer>();
        var withoutAnswer = new List<string>();
        var sockets = Directory.Exists(path) ? Directory.GetFiles(path, "*.sock") : [];
        foreach (var socket in sockets.Order(StringComparer.Ordinal))
        {
            if (TryAsk(socket, out var isStale) is { } answer)
                answers.Add(answer);
            else if (isStale)
                File.Delete(socket);
            else
                withoutAnswer.Add(Path.GetFileNameWithoutExtension(socket));
        }

        silent = withoutAnswer;
        return answers;
    }

    private GuestAnswer? TryAsk(string socketPath, out bool isStale)
    {
        isStale = false;
        var bytes = new byte[MaxAnswerBytes];
        var fds = new ReceivedFd?[1];
        var length = 0;
        SharedRegion? trace = null;
        try
        {
            using var socket = UnixSocketHandle.Connect(socketPath, SocketKind.Stream, nonBlocking: true);
            var deadline = Stopwatch.GetTimestamp() + (long)(_patience.TotalSeconds * Stopwatch.Frequency);
            while (length < bytes.Length)
            {
                var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), deadline);
                if (left <= TimeSpan.Zero || !socket.WaitReadable((int)Math.Ceiling(left.TotalMilliseconds)) || socket.Receive(bytes.AsSpan(length), fds, out var received, out var count) != Errno.None)
                    break; // it hangs, is stopped, or is gone
                if (count > 0)
                {
                    trace?.Dispose();
                    trace = GuestAnswer.OpenTrace(fds[0]!.Take<MemFdHandle>());
                }

                length += received;
                if (received == 0 && StatusSnapshot.TryParse(bytes.AsSpan(0, length)) is { } snapshot)
                    return new GuestAnswer(snapshot, trace);
                if (received == 0)
                    break;
            }
        }
        catch (SyscallException e)
        {
            isStale = e.Errno is Errno.ECONNREFUSED or Errno.ENOENT;
        }

        trace?.Dispose();
        return null;
    }
}
