// SPDX-License-Identifier: MIT
using System.Text;

namespace GuestSurfaces.Wayland;

/// <summary>What is known about an interface at run time. The scanner makes one for each interface in protocol-xml.</summary>
public sealed class WaylandInterface
{
    private readonly WaylandMessage[] _requests;
    private readonly WaylandMessage[] _events;
    private readonly byte[] _nameUtf8;

    /// <summary>Describes an interface.</summary>
    /// <param name="name">Its name on the wire.</param>
    /// <param name="version">The highest version that is described.</param>
    /// <param name="requests">By opcode.</param>
    /// <param name="events">By opcode.</param>
    public WaylandInterface(string name, uint version, WaylandMessage[] requests, WaylandMessage[] events)
    {
        Name = name;
        Version = version;
        _requests = requests;
        _events = events;
        _nameUtf8 = Encoding.UTF8.GetBytes(name);
        PlainDestructor = Array.FindIndex(requests, static r => r is { IsDestructor: true, Since: 1, Signature: "" });
    }

    /// <summary>Its name on the wire.</summary>
    public string Name { get; }

    /// <summary>The highest version that is described.</summary>
    public uint Version { get; }

    /// <summary>From client to server, by opcode.</summary>
    public ReadOnlySpan<WaylandMessage> Requests => _requests;

    /// <summary>From server to client, by opcode.</summary>
    public ReadOnlySpan<WaylandMessage> Events => _events;

    /// <summary>The opcode of the request that destroys an object whatever its state and version; -1 if there is none.</summary>
    public int PlainDestructor { get; }

    internal ReadOnlySpan<byte> NameUtf8 => _nameUtf8;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} v{Version}";
}
