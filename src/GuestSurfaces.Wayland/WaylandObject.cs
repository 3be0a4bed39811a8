// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <summary>
/// One end of a protocol object: a client's proxy or a server's resource. It starts as an empty shell, lives while it has an id, and is
/// an empty shell again afterwards, ready to be used for a new object; so objects that live for one frame cost nothing.
/// </summary>
public abstract class WaylandObject
{
    private protected WaylandObject()
    {
    }

    /// <summary>Its number on the connection; 0 while it is a shell.</summary>
    public uint Id { get; internal set; }

    /// <summary>The version it was bound with, or that its parent has.</summary>
    public uint Version { get; internal set; }

    /// <summary>Whether it exists on the wire now.</summary>
    public bool IsAlive => Id != 0;

    /// <summary>Its interface's description.</summary>
    public abstract WaylandInterface Interface { get; }

    internal WaylandEndpoint? Endpoint { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"{Interface.Name}#{Id}";

    private protected WireWriter Begin(int opcode)
    {
        var endpoint = Endpoint ?? throw new InvalidOperationException($"{Interface.Name} is a shell: it has to be created by a request first");
        if (!endpoint.HasFailed)
        {
            if (Id == 0)
                throw new InvalidOperationException($"{Interface.Name} is destroyed");
            var message = endpoint.Outgoing(Interface)[opcode];
            if (message.Since > Version)
                throw new InvalidOperationException($"{this}.{message.Name} needs version {message.Since}, the peer has version {Version}");
        }

        return endpoint.Begin(Id, opcode);
    }

    private protected void End(scoped ref WireWriter writer) => Endpoint!.End(ref writer);

    private protected void StageFd(FdHandle fd)
    {
        if (!Endpoint!.HasFailed)
            Endpoint.Channel.StageFd(fd);
    }

    /// <summary>The id of an argument. On a failed connection everything is a no-op, so there dead arguments pass.</summary>
    private protected uint IdOf(WaylandObject? argument)
    {
        if (argument is null)
            return 0;
        if (argument.Id != 0 && argument.Endpoint == Endpoint)
            return argument.Id;
        return Endpoint is { HasFailed: true } ? 0u : throw new InvalidOperationException($"the argument {argument} doesn't live on this connection");
    }

    private protected uint Adopt(WaylandObject child, uint version = 0)
    {
        ArgumentNullException.ThrowIfNull(child);
        return Endpoint!.Adopt(child, version == 0 ? Math.Min(Version, child.Interface.Version) : version);
    }

    private protected T? ReadObject<T>(scoped ref WireReader reader, bool nullable)
        where T : WaylandObject
    {
        var id = reader.ReadObjectId(nullable);
        if (id == 0 || !reader.CanGoOn)
            return null;
        if (!Endpoint!.Objects.TryFind(id, out var found, out _))
            reader.Fail(WireError.UnknownObject);
        else if (found is T typed)
            return typed;
        else if (found is not null)
            reader.Fail(WireError.WrongInterface);
        else if (!Endpoint.AllowsZombies)
            reader.Fail(WireError.UnknownObject);
        return null;
    }

    private protected T ReadNewObject<T>(scoped ref WireReader reader, T shell)
        where T : WaylandObject
    {
        var id = reader.ReadObjectId(nullable: false);
        if (reader.CanGoOn && !Endpoint!.TryInsertRemote(id, shell, Math.Min(Version, shell.Interface.Version)))
            reader.Fail(WireError.InvalidNewId);
        return shell;
    }
}
