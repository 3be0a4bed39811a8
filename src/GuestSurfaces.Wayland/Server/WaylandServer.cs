// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland.Server;

/// <summary>Something that a server offers to its clients.</summary>
public sealed class WaylandServerGlobal
{
    private readonly Action<WaylandResource> _bound;

    internal WaylandServerGlobal(uint name, WaylandInterface type, uint version, Func<WaylandResource> createShell, Action<WaylandResource> bound)
    {
        Name = name;
        Type = type;
        Version = version;
        CreateShell = createShell;
        _bound = bound;
    }

    /// <summary>Its number; never used twice.</summary>
    public uint Name { get; }

    /// <summary>Its interface.</summary>
    public WaylandInterface Type { get; }

    /// <summary>The highest version that a client may bind.</summary>
    public uint Version { get; }

    internal Func<WaylandResource> CreateShell { get; }

    internal void Bound(WaylandResource resource) => _bound(resource);
}

/// <summary>
/// A small Wayland server: globals, clients, nothing else. For compositors in tests; it doesn't mind allocating.
/// Thread: one; the caller's loop (or test) calls <see cref="Dispatch"/>.
/// </summary>
public sealed class WaylandServer : IDisposable
{
    private readonly List<WaylandServerGlobal> _globals = [];
    private readonly List<WaylandServerClient> _clients = [];
    private uint _lastName;
    private uint _lastSerial;

    /// <summary>What it offers.</summary>
    public IReadOnlyList<WaylandServerGlobal> Globals => _globals;

    /// <summary>Its clients, but for those that a <see cref="Dispatch"/> found to be at their end.</summary>
    public IReadOnlyList<WaylandServerClient> Clients => _clients;

    /// <summary>The next number for events that carry a serial.</summary>
    public uint NextSerial() => ++_lastSerial;

    /// <summary>Offers something, to present clients too.</summary>
    /// <typeparam name="T">The resource class.</typeparam>
    /// <param name="version">The highest version; 0 means as far as described.</param>
    /// <param name="bound">Called with each new resource: set its handler, send its first events.</param>
    public WaylandServerGlobal AddGlobal<T>(uint version, Action<T> bound)
        where T : WaylandResource, IResourceType<T>
    {
        ArgumentNullException.ThrowIfNull(bound);
        var type = T.InterfaceType;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(version, type.Version);
        var global = new WaylandServerGlobal(++_lastName, type, version == 0 ? type.Version : version, T.CreateShell, resource => bound((T)resource));
        _globals.Add(global);
        foreach (var client in _clients)
            client.SendGlobal(global);
        return global;
    }

    /// <summary>Offers it no longer. Bound resources stay.</summary>
    /// <param name="global">Which.</param>
    public void RemoveGlobal(WaylandServerGlobal global)
    {
        if (!_globals.Remove(global))
            return;
        foreach (var client in _clients)
            client.SendGlobalRemove(global);
    }

    /// <summary>Serves one more client.</summary>
    /// <param name="socket">Adopted.</param>
    public WaylandServerClient AddClient(UnixSocketHandle socket)
    {
        var client = new WaylandServerClient(this, socket);
        _clients.Add(client);
        return client;
    }

    /// <summary>Handles what all clients have sent, and sends what waits. Never waits.</summary>
    public void Dispatch()
    {
        for (var i = _clients.Count - 1; i >= 0; i--)
        {
            var client = _clients[i];
            client.Dispatch();
            if (client.Flush())
                continue;
            client.Dispose();
            _clients.RemoveAt(i);
        }
    }

    /// <summary>Sends what waits, and reads nothing.</summary>
    public void Flush()
    {
        foreach (var client in _clients)
            client.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var client in _clients)
            client.Dispose();
        _clients.Clear();
    }

    internal WaylandServerGlobal? FindGlobal(uint name) => _globals.Find(global => global.Name == name);
}
