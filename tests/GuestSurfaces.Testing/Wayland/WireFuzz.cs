// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Wayland;

/// <summary>Fuzz target: bytes as a peer might send them, through the codec and through both ends of a connection.</summary>
public static class WireFuzz
{
    /// <summary>Must return for any input.</summary>
    /// <param name="data">The stream.</param>
    public static void Run(ReadOnlySpan<byte> data)
    {
        Walk(data);
        AsServer(data);
        AsClient(data);
    }

    /// <summary>Every description against every body: the walker and the typed reader have no other way out than an error.</summary>
    private static void Walk(ReadOnlySpan<byte> data)
    {
        var rest = data;
        while (WireHeader.TryRead(rest, out var header) == WireError.None && header.SizeBytes <= rest.Length)
        {
            var body = rest[WireLimits.HeaderBytes..header.SizeBytes];
            foreach (var type in WaylandInterfaces.All)
            {
                if (header.Opcode < type.Requests.Length)
                    MessageWalker.Check(type.Requests[header.Opcode], body);
                if (header.Opcode < type.Events.Length)
                    MessageWalker.Check(type.Events[header.Opcode], body);
            }

            rest = rest[header.SizeBytes..];
        }
    }

    private static void AsServer(ReadOnlySpan<byte> data)
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var peer = ours;
        using var compositor = new LenientCompositor();
        compositor.Server.AddClient(theirs);
        peer.Send(data, default, out _);
        compositor.Server.Dispatch();
        compositor.LatchAll();
    }

    private static void AsClient(ReadOnlySpan<byte> data)
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        using var peer = theirs;
        using var connection = new WaylandConnection(ours);
        _ = new WaylandGlobals(connection);
        var surface = new WlSurface();
        var registry = connection.Display.GetRegistry();
        var compositor = new WlCompositor();
        registry.Bind(1, compositor, 6);
        compositor.CreateSurface(surface);
        var dmabuf = new ZwpLinuxDmabufV1();
        registry.Bind(2, dmabuf, 5);
        dmabuf.CreateParams().Destroy();
        dmabuf.CreateParams();
        peer.Send(data, default, out _);
        connection.Dispatch();
        connection.Flush();
    }
}
