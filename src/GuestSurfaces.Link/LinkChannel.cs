// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link;

/// <summary>Who speaks through a channel.</summary>
internal interface ILinkSpeaker
{
    /// <summary>A packet has come.</summary>
    /// <param name="packet">At least one byte; borrowed for the call.</param>
    /// <param name="fds">What came with it; what is left in it is a rule broken.</param>
    /// <returns>Which rule the peer broke; null if none.</returns>
    string? OnPacket(ReadOnlySpan<byte> packet, DescriptorQueue fds);

    /// <summary>The socket takes packets again.</summary>
    void OnWritable();

    /// <summary>The connection is over. Told once; dispose the channel.</summary>
    /// <param name="why">What the peer did wrong; null if it just went.</param>
    /// <param name="code">What to tell the peer in a BYE; null if there is nobody to tell.</param>
    void OnLost(string? why, ByeCode? code);
}

/// <summary>
/// One end of a link: packets in and out of a socket. It reads one packet in a turn of the loop, so that nobody can hold it up, and at most one packet waits for a socket
/// that is full: what else is to be said is state, kept by the speaker. Thread: the loop's.
/// </summary>
internal sealed class LinkChannel : IFdHandler, IDisposable
{
    private readonly UnixSocketHandle _socket;
    private readonly ILinkSpeaker _speaker;
    private readonly FdWatch? _watch;
    private readonly byte[] _received = new byte[LinkLimits.PacketBytes];
    private readonly DescriptorQueue _fds = new();
    private bool _isClosed;

    /// <summary>Begins to listen to a peer.</summary>
    /// <param name="loop">Watches the socket; null where a test turns the crank.</param>
    /// <param name="socket">Connected. Adopted, also on failure.</param>
    /// <param name="speaker">Hears what comes.</param>
    /// <exception cref="SyscallException">The socket can't be watched.</exception>
    public LinkChannel(EventLoop? loop, UnixSocketHandle socket, ILinkSpeaker speaker)
    {
        _socket = socket;
        _speaker = speaker;
        try
        {
            socket.SetNonBlocking();
            _watch = loop?.Watch(socket, EpollEvents.In, this);
        }
        catch (SyscallException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The packet to send next. Not to be touched while <see cref="IsBlocked"/>.</summary>
    public LinkWriter Writer { get; } = new();

    /// <summary>Whether a packet waits for the socket.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>Sends what is in <see cref="Writer"/>, or lets it wait.</summary>
    /// <returns>False if the connection is over, or about to be.</returns>
    public bool Send()
    {
        var errno = _socket.Send(Writer.Packet, Writer.Fds, out _, wait: false);
        if (errno == Errno.EAGAIN)
        {
            if (!Writer.TryKeepFds())
            {
                Lose("a packet has to wait for it, and no descriptor is left here to keep", null);
                return false;
            }

            IsBlocked = true;
            _watch?.Modify(EpollEvents.In | EpollEvents.Out);
            return true;
        }

        Writer.Clear();
        if (errno == Errno.None)
            return true;
        if (!IsGone(errno))
            Lose($"the socket failed ({errno})", null);
        return false;
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        try
        {
            if (IsBlocked && (events & EpollEvents.Out) != 0 && !SendWaiting())
                return;
            if ((events & ~EpollEvents.Out) != 0)
                Receive();
        }
        catch (Exception)
        {
            Lose("handling what it said failed, a bug of ours", null); // else a peer stays that nobody listens to
            throw;
        }
    }

    /// <summary>Says why and leaves, as far as the socket takes it.</summary>
    /// <param name="direction">Which side's BYE.</param>
    /// <param name="code">Why.</param>
    /// <param name="reason">In words.</param>
    public void SayBye(LinkOpcode direction, ByeCode code, string reason)
    {
        if (_isClosed || IsBlocked)
            return;
        Writer.Clear();
        Writer.Begin(direction);
        Writer.Put(new ByeBody { Code = code });
        Writer.PutText(reason);
        Writer.End();
        _ = _socket.Send(Writer.Packet, default, out _, wait: false); // a courtesy
        Writer.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        if (IsBlocked)
            Writer.DropFds();
        IsBlocked = false;
        _fds.Clear();
        _watch?.Dispose();
        _socket.Dispose();
    }

    private bool SendWaiting()
    {
        var errno = _socket.Send(Writer.Packet, Writer.Fds, out _, wait: false);
        if (errno == Errno.EAGAIN)
            return true;
        Writer.DropFds();
        Writer.Clear();
        IsBlocked = false;
        if (errno != Errno.None && !IsGone(errno))
        {
            Lose($"the socket failed ({errno})", null);
            return false;
        }

        _watch?.Modify(EpollEvents.In);
        _speaker.OnWritable();
        return !_isClosed;
    }

    private void Receive()
    {
        var errno = _socket.Receive(_received, _fds.Room, out var received, out var fds, wait: false);
        if (errno == Errno.EAGAIN)
            return;
        if (errno != Errno.None || received == 0)
        {
            _fds.Fill(fds);
            _fds.Clear();
            if (errno == Errno.EMSGSIZE)
                Lose($"its packet was cut: more than {LinkLimits.PacketBytes} bytes or {LinkLimits.PacketFds} descriptors, or none left here", ByeCode.Rule);
            else
                Lose(errno == Errno.None || IsGone(errno) ? null : $"the socket failed ({errno})", null);
            return;
        }

        _fds.Fill(fds);
        var why = _speaker.OnPacket(_received.AsSpan(0, received), _fds);
        var left = _fds.Left;
        _fds.Clear();
        if (_isClosed)
            return;
        if (why is not null || left > 0)
            Lose(why ?? $"{left} descriptors came that no message takes", ByeCode.Rule);
    }

    private void Lose(string? why, ByeCode? code)
    {
        if (!_isClosed)
            _speaker.OnLost(why, code);
    }

    // For a send that is no end yet: what the peer said before it went, perhaps why, is still to be read.
    private static bool IsGone(Errno errno) => errno is Errno.EPIPE or Errno.ECONNRESET;
}
