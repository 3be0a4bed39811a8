// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>
/// The client's end of a protocol object. The scanner derives one class per interface: requests are its methods, events go to its
/// listener. There is no Dispose: which request destroys an object, and when, depends on the protocol.
/// </summary>
public abstract class WaylandProxy : WaylandObject
{
    private protected WaylandProxy()
    {
    }

    /// <summary>The connection it lives on; null while it was never used.</summary>
    public WaylandConnection? Connection => (WaylandConnection?)Endpoint;

    internal abstract void DispatchEvent(int opcode, scoped ref WireReader reader);

    /// <summary>The object is gone; this is a shell again.</summary>
    private protected void Retire()
    {
        if (IsAlive)
            Endpoint!.Objects.Retire(this);
    }

    /// <summary>Nobody listens: drops an event without losing track of the stream.</summary>
    private protected void SkipEvent(int opcode, scoped ref WireReader reader)
    {
        var message = Interface.Events[opcode];
        Connection!.Skip(message, ref reader);
        if (message.IsDestructor)
            Retire();
    }
}

/// <summary>What generic code needs to know about a proxy class.</summary>
/// <typeparam name="T">The class.</typeparam>
public interface IProxyType<T>
    where T : WaylandProxy, IProxyType<T>
{
    /// <summary>The interface it speaks.</summary>
    static abstract WaylandInterface InterfaceType { get; }

    /// <summary>A new shell.</summary>
    static abstract T CreateShell();
}
