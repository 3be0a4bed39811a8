// SPDX-License-Identifier: MIT
using System.Text;
using System.Text.Json;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Transports.QemuDBus;

/// <summary>
/// Hands QEMU one end of a socket for its D-Bus display, over its monitor: qmp_capabilities, getfd with the descriptor, add_client. Then it is done, and the monitor free for others.
/// Source: QEMU qapi/misc.json, add_client.
/// </summary>
internal sealed class QmpHandover : IFdHandler, IDisposable
{
    private const int MaxLineBytes = 16 * 1024;
    private const long PatienceNs = 10_000_000_000;

    private static readonly string[] s_commands =
    [
        """{"execute":"qmp_capabilities"}""",
        """{"execute":"getfd","arguments":{"fdname":"guest-surfaces"}}""",
        """{"execute":"add_client","arguments":{"protocol":"@dbus-display","fdname":"guest-surfaces"}}""",
    ];

    private readonly UnixSocketHandle _monitor;
    private readonly UnixSocketHandle _end;
    private readonly FdWatch _watch;
    private readonly LoopTimer _patience;
    private readonly byte[] _input = new byte[MaxLineBytes];
    private int _inputBytes;
    private int _next;
    private bool _isDone;

    /// <summary>Connects.</summary>
    /// <param name="loop">Where the monitor is watched.</param>
    /// <param name="monitorPath">Its socket.</param>
    /// <param name="end">What QEMU gets. Borrowed for the call.</param>
    /// <exception cref="SyscallException">Nobody listens there.</exception>
    public QmpHandover(EventLoop loop, string monitorPath, UnixSocketHandle end)
    {
        _monitor = UnixSocketHandle.Connect(monitorPath, nonBlocking: true);
        _end = end.Duplicate<UnixSocketHandle>();
        _watch = loop.Watch(_monitor, EpollEvents.In, this);
        _patience = loop.Timers.Create(() => Finish("QEMU's monitor doesn't answer"));
        _patience.ArmIn(PatienceNs);
    }

    /// <summary>Called once: null when QEMU has its end, else why it hasn't. This is to be disposed then.</summary>
    public required Action<string?> Done { get; init; }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        while (!_isDone)
        {
            var errno = _monitor.Receive(_input.AsSpan(_inputBytes), [], out var received, out _, wait: false);
            if (errno == Errno.EAGAIN)
                return;
            if (errno != Errno.None || received == 0)
            {
                Finish("QEMU's monitor is gone");
                return;
            }

            _inputBytes += received;
            for (int end; !_isDone && (end = _input.AsSpan(0, _inputBytes).IndexOf((byte)'\n')) >= 0;)
            {
                var line = Encoding.UTF8.GetString(_input, 0, end);
                _input.AsSpan(end + 1, _inputBytes - end - 1).CopyTo(_input);
                _inputBytes -= end + 1;
                Hear(line);
            }

            if (_inputBytes == _input.Length)
                Finish("QEMU's monitor says too much");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDone = true;
        _patience.Cancel();
        _watch.Dispose();
        _monitor.Dispose();
        _end.Dispose();
    }

    private void Hear(string line)
    {
        try
        {
            using var message = JsonDocument.Parse(line);
            var root = message.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out var error))
                Finish($"QEMU's monitor refuses: {error}");
            else if (root.ValueKind == JsonValueKind.Object && (root.TryGetProperty("QMP", out _) || root.TryGetProperty("return", out _)))
                Advance();
        }
        catch (JsonException e)
        {
            Finish($"QEMU's monitor says what is no JSON: {e.Message}");
        }
    }

    private void Advance()
    {
        if (_next == s_commands.Length)
        {
            Finish(null);
            return;
        }

        var carriesEnd = _next == 1;
        if (_monitor.Send(Encoding.UTF8.GetBytes(s_commands[_next++] + "\n"), carriesEnd ? [_end] : [], out _, wait: false) != Errno.None)
            Finish("QEMU's monitor is gone");
    }

    private void Finish(string? problem)
    {
        if (_isDone)
            return;
        _isDone = true;
        Done(problem);
    }
}
