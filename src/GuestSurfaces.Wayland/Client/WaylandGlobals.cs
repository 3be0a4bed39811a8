// SPDX-License-Identifier: MIT
using System.Text;

namespace GuestSurfaces.Wayland;

/// <summary>Something that the compositor offers.</summary>
/// <param name="Name">Its number; never used twice on a connection.</param>
/// <param name="Interface">Its interface.</param>
/// <param name="Version">The highest version that the compositor speaks.</param>
public readonly record struct WaylandGlobal(uint Name, string Interface, uint Version);

/// <summary>Hears of globals as they come and go: monitors and seats do at any time.</summary>
public interface IWaylandGlobalsListener
{
    /// <summary>There is a new one.</summary>
    /// <param name="globals">The list, which has it already.</param>
    /// <param name="global">Which.</param>
    void OnGlobalAdded(WaylandGlobals globals, WaylandGlobal global);

    /// <summary>One is gone; objects bound to it do nothing any more and are to be destroyed.</summary>
    /// <param name="globals">The list, which no longer has it.</param>
    /// <param name="global">Which.</param>
    void OnGlobalRemoved(WaylandGlobals globals, WaylandGlobal global);
}

/// <summary>The compositor's registry: what it offers, and binding at the version that both sides speak. Complete after one roundtrip.</summary>
public sealed class WaylandGlobals : IWlRegistryListener
{
    private readonly List<WaylandGlobal> _globals = [];
    private readonly WlRegistry _registry;

    /// <summary>Asks for the registry. Roundtrip once to have it filled.</summary>
    /// <param name="connection">Whose.</param>
    /// <param name="listener">Who hears of changes, and of the first ones too.</param>
    public WaylandGlobals(WaylandConnection connection, IWaylandGlobalsListener? listener = null)
    {
        ArgumentNullException.ThrowIfNull(connection);
        Listener = listener;
        _registry = new WlRegistry { Listener = this };
        connection.Display.GetRegistry(_registry);
    }

    /// <summary>Who hears of changes.</summary>
    public IWaylandGlobalsListener? Listener { get; set; }

    /// <summary>What there is now, oldest first.</summary>
    public IReadOnlyList<WaylandGlobal> All => _globals;

    /// <summary>The oldest global of an interface.</summary>
    /// <param name="interfaceName">The interface.</param>
    public WaylandGlobal? Find(string interfaceName)
    {
        foreach (var global in _globals)
        {
            if (global.Interface == interfaceName)
                return global;
        }

        return null;
    }

    /// <summary>Binds the oldest global of this type, at the lower of both versions.</summary>
    /// <typeparam name="T">The proxy class.</typeparam>
    /// <param name="maxVersion">Speak no higher version, if not 0.</param>
    /// <returns>The proxy, or null if the compositor has none.</returns>
    public T? Bind<T>(uint maxVersion = 0)
        where T : WaylandProxy, IProxyType<T> => Find(T.InterfaceType.Name) is { } global ? Bind<T>(global, maxVersion) : null;

    /// <summary>Binds the oldest global of this type; for what a client can't do without.</summary>
    /// <typeparam name="T">The proxy class.</typeparam>
    /// <param name="maxVersion">Speak no higher version, if not 0.</param>
    /// <exception cref="NotSupportedException">The compositor has none.</exception>
    public T Require<T>(uint maxVersion = 0)
        where T : WaylandProxy, IProxyType<T> =>
        Bind<T>(maxVersion) ?? throw new NotSupportedException($"the compositor doesn't offer {T.InterfaceType.Name}");

    /// <summary>Binds one of several, at the lower of both versions.</summary>
    /// <typeparam name="T">The proxy class.</typeparam>
    /// <param name="global">Which.</param>
    /// <param name="maxVersion">Speak no higher version, if not 0.</param>
    public T Bind<T>(WaylandGlobal global, uint maxVersion = 0)
        where T : WaylandProxy, IProxyType<T>
    {
        if (global.Interface != T.InterfaceType.Name)
            throw new ArgumentException($"global {global.Name} is a {global.Interface}, not a {T.InterfaceType.Name}", nameof(global));
        var version = Math.Min(global.Version, T.InterfaceType.Version);
        var proxy = T.CreateShell();
        _registry.Bind(global.Name, proxy, maxVersion == 0 ? version : Math.Min(version, maxVersion));
        return proxy;
    }

    void IWlRegistryListener.OnGlobal(WlRegistry sender, uint name, ReadOnlySpan<byte> @interface, uint version)
    {
        var global = new WaylandGlobal(name, Encoding.UTF8.GetString(@interface), version);
        _globals.Add(global);
        Listener?.OnGlobalAdded(this, global);
    }

    void IWlRegistryListener.OnGlobalRemove(WlRegistry sender, uint name)
    {
        var index = _globals.FindIndex(global => global.Name == name);
        if (index < 0)
            return;
        var global = _globals[index];
        _globals.RemoveAt(index);
        Listener?.OnGlobalRemoved(this, global);
    }
}
