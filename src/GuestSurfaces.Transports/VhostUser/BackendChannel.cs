// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>
/// Our requests to the VMM: today only "the configuration space has changed". At most one is on its way; changes meanwhile become one more. Nothing here waits.
/// </summary>
internal sealed class BackendChannel : IFdHandler, IDisposable
{
    private const int AnswerBytes = Wire.HeaderBytes + sizeof(ulong);

    private readonly UnixSocketHandle _socket;
    private readonly bool _wantsAnswers;
    private readonly BoundedLog _log;
    private readonly OutputBuffer _output = new();
    private readonly byte[] _answer = new byte[AnswerBytes];
    private readonly ReceivedFd?[] _noFds = [];
    private FdWatch? _watch;
    private int _answerHave;
    private bool _awaitsAnswer;
    private bool _changedAgain;
    private bool _saidUnheard;

    private BackendChannel(UnixSocketHandle socket, bool wantsAnswers, BoundedLog log)
    {
        _socket = socket;
        _wantsAnswers = wantsAnswers;
        _log = log;
    }

    /// <summary>Opens the channel.</summary>
    /// <param name="loop">Where it is watched.</param>
    /// <param name="socket">Adopted, also on failure.</param>
    /// <param name="wantsAnswers">Whether REPLY_ACK was negotiated.</param>
    /// <param name="log">For what goes wrong.</param>
    /// <returns>The channel (the caller's), or null if this is no socket.</returns>
    internal static BackendChannel? TryOpen(EventLoop loop, UnixSocketHandle socket, bool wantsAnswers, BoundedLog log)
    {
        var channel = new BackendChannel(socket, wantsAnswers, log);
        if (socket.TrySetNonBlocking() != Errno.None || (channel._watch = loop.TryWatch(socket, EpollEvents.In, channel, out _)) is null)
        {
            channel.Dispose();
            return null;
        }

        return channel;
    }

    /// <summary>Tells the VMM to let the driver read the configuration space again.</summary>
    internal void NotifyConfigChanged()
    {
        if (_watch is null)
            return;
        if (_awaitsAnswer || _output.HasPending)
        {
            _changedAgain = true;
            return;
        }

        var flags = HeaderFlags.Version | (_wantsAnswers ? HeaderFlags.NeedReply : 0);
        var header = new MessageHeader((uint)BackendRequest.ConfigChange, flags, 0);
        _awaitsAnswer = _wantsAnswers;
        if (!_output.Send(_socket, MemoryMarshal.AsBytes(new ReadOnlySpan<MessageHeader>(in header))))
            Close(null);
        else
            WatchOutput();
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        if (_output.HasPending && !_output.Flush(_socket))
        {
            Close(null);
            return;
        }

        WatchOutput();
        ReadAnswers();
        if (_changedAgain && !_awaitsAnswer && !_output.HasPending && _watch is not null)
        {
            _changedAgain = false;
            NotifyConfigChanged();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch?.Dispose();
        _watch = null;
        _socket.Dispose();
    }

    private void ReadAnswers()
    {
        while (true)
        {
            var errno = _socket.Receive(_answer.AsSpan(_answerHave), _noFds, out var received, out _, wait: false);
            if (errno == Errno.EAGAIN)
                return;
            if (errno != Errno.None || received == 0)
            {
                Close(errno is Errno.None or Errno.ECONNRESET ? null : $"reading an answer gave {errno}");
                return;
            }

            _answerHave += received;
            if (_answerHave < AnswerBytes)
                continue;
            _answerHave = 0;
            var header = MemoryMarshal.Read<MessageHeader>(_answer);
            if (!_awaitsAnswer || header.Request != (uint)BackendRequest.ConfigChange || (header.Flags & HeaderFlags.Reply) == 0 || header.Size != sizeof(ulong))
            {
                Close("the VMM sent something that is no answer");
                return;
            }

            _awaitsAnswer = false;
            if (MemoryMarshal.Read<ulong>(_answer.AsSpan(Wire.HeaderBytes)) != 0 && !_saidUnheard)
            {
                _saidUnheard = true;
                _log.Warn("vhost-user: the VMM doesn't pass on configuration changes: the guest won't hear of a resize this way");
            }
        }
    }

    private void WatchOutput() => _watch?.Modify(_output.HasPending ? EpollEvents.In | EpollEvents.Out : EpollEvents.In);

    // A VMM that goes closes this, too, and the other connection tells it.
    private void Close(string? why)
    {
        _watch?.Dispose();
        _watch = null;
        if (why is not null)
            _log.Warn($"vhost-user: the channel to the VMM is closed, configuration changes stay unheard: {why}");
    }
}
