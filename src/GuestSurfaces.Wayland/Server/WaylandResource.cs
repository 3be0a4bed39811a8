// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland.Server;

/// <summary>The server's end of a protocol object. The scanner derives one class per interface: events are its methods, requests go to its handler.</summary>
public abstract class WaylandResource : WaylandObject
{
    private protected WaylandResource()
    {
    }

    /// <summary>Whose object it is.</summary>
    public WaylandServerClient Client => (WaylandServerClient)(Endpoint ?? throw new InvalidOperationException($"{Interface.Name} belongs to no client yet"));

    /// <summary>Anything the server wants to remember with it.</summary>
    public object? Tag { get; set; }

    /// <summary>Raised once, when the client destroys it, a destructor event is sent, or the client is gone.</summary>
    public event Action<WaylandResource>? Destroyed;

    /// <summary>Ends the client with a protocol error on this object.</summary>
    /// <param name="code">A value of this interface's error enum.</param>
    /// <param name="message">What was wrong.</param>
    public void PostError(uint code, string message) => Client.PostError(this, code, message);

    internal abstract void DispatchRequest(int opcode, scoped ref WireReader reader);

    internal void RaiseDestroyed()
    {
        var destroyed = Destroyed;
        Destroyed = null;
        destroyed?.Invoke(this);
    }

    private protected void Retire()
    {
        if (IsAlive)
            Client.Destroy(this);
    }
}

/// <summary>What generic code needs to know about a resource class.</summary>
/// <typeparam name="T">The class.</typeparam>
public interface IResourceType<T>
    where T : WaylandResource, IResourceType<T>
{
    /// <summary>The interface it speaks.</summary>
    static abstract WaylandInterface InterfaceType { get; }

    /// <summary>A new shell.</summary>
    static abstract T CreateShell();
}
