// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>One thing that a back-end said by itself.</summary>
public sealed record BackendMessage(BackendRequest Request, uint Flags, byte[] Payload);

/// <summary>The front-end's end of the BACKEND_REQ socket: keeps what came, and answers yes where an answer is due.</summary>
public sealed class BackendChannel : IDisposable
{
    private const int LongestPayload = 4096;

    private readonly MessageBuffer _buffer;

    public BackendChannel()
    {
        (Socket, BackendEnd) = UnixSocketHandle.CreatePair(nonBlocking: false);
        _buffer = new MessageBuffer(Socket, LongestPayload);
    }

    public UnixSocketHandle Socket { get; }

    public UnixSocketHandle BackendEnd { get; }

    public List<BackendMessage> Messages { get; } = [];

    public bool IsClosed => _buffer.IsClosed;

    /// <summary>How many messages of a kind have come.</summary>
    public int Count(BackendRequest request)
    {
        var n = 0;
        foreach (var message in Messages)
            n += message.Request == request ? 1 : 0;
        return n;
    }

    /// <summary>Takes in what is there now.</summary>
    public void Serve()
    {
        do
        {
            _buffer.Fill();
            if (!_buffer.HasMessage)
                return;
            var message = new BackendMessage((BackendRequest)_buffer.Request, _buffer.Flags, _buffer.Payload.ToArray());
            _buffer.Next();
            _buffer.TakeFd()?.Dispose();
            Messages.Add(message);
            if ((message.Flags & VhostUserWire.NeedReplyFlag) != 0)
                Acknowledge(message.Request);
        }
        while (!_buffer.IsClosed || _buffer.HasMessage);
    }

    public void Dispose()
    {
        _buffer.Dispose();
        BackendEnd.Dispose();
        Socket.Dispose();
    }

    private void Acknowledge(BackendRequest request)
    {
        Span<byte> reply = stackalloc byte[VhostUserWire.HeaderBytes + 8];
        reply.Clear();
        GpuCommands.Put32(reply, 0, (uint)request);
        GpuCommands.Put32(reply, 4, VhostUserWire.Version1 | VhostUserWire.ReplyFlag);
        GpuCommands.Put32(reply, 8, 8);
        _ = Socket.Send(reply, [], out _); // a gone peer shows when reading
    }
}
