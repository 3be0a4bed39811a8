// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Tests.Link;

/// <summary>One end of a link that says whatever a test wants.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly UnixSocketHandle _socket;

    /// <summary>As a viewer of a hub.</summary>
    public RawPeer(LinkFixture fixture)
    {
        (var theirs, _socket) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        fixture.Hub.Add(theirs);
    }

    /// <summary>As a source of a viewer.</summary>
    public RawPeer(LinkFixture.TestViewer viewer)
    {
        (var theirs, _socket) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        viewer.Link.Open(theirs);
    }

    /// <summary>As a viewer of a device in another process.</summary>
    public RawPeer(string path) => _socket = UnixSocketHandle.Connect(path, SocketKind.Packets, nonBlocking: true);

    public LinkWriter Writer { get; } = new();

    public void Hello(LinkOpcode opcode, uint wishes = 0, ushort oldest = 1, ushort newest = 1)
    {
        Writer.Begin(opcode);
        Writer.Put(new HelloBody { Magic = HelloBody.GoodMagic, OldestVersion = oldest, NewestVersion = newest, Wishes = wishes });
        Writer.PutText("raw", LinkLimits.NameBytes);
        Writer.End();
        Send();
    }

    public void Send()
    {
        if (_socket.Send(Writer.Packet, Writer.Fds, out _) is var errno and not Errno.None)
            throw new InvalidOperationException($"a test can't send ({errno})");
        Writer.Clear();
    }

    public void Send(ReadOnlySpan<byte> packet, params FdHandle[] fds) => _ = _socket.Send(packet, fds, out _);

    /// <summary>The next packet; empty at the end, or if there is none.</summary>
    public byte[] Receive()
    {
        var bytes = new byte[LinkLimits.PacketBytes];
        var fds = new ReceivedFd?[LinkLimits.PacketFds];
        _ = _socket.Receive(bytes, fds, out var received, out var count);
        for (var i = 0; i < count; i++)
            fds[i]!.Dispose();
        return bytes[..received];
    }

    public void Dispose() => _socket.Dispose();
}
