// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Wayland;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>Our client and our server in one thread; the test pumps. Descriptors must be back where they were at the end.</summary>
public abstract class Conversation : IDisposable, IWaylandConnectionListener
{
    private readonly FdLeakCheck _leaks = new();

    protected Conversation()
    {
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        Connection = new WaylandConnection(ours) { Listener = this };
        Client = Compositor.Server.AddClient(theirs);
        Globals = new WaylandGlobals(Connection);
        Pump();
    }

    protected WaylandConnection Connection { get; }

    protected LenientCompositor Compositor { get; } = new();

    protected WaylandServerClient Client { get; }

    protected WaylandGlobals Globals { get; }

    protected List<WaylandFailure> Failures { get; } = [];

    public virtual void Dispose()
    {
        Connection.Dispose();
        Compositor.Dispose();
        _leaks.Dispose();
        GC.SuppressFinalize(this);
    }

    void IWaylandConnectionListener.OnFailed(WaylandConnection connection, WaylandFailure failure) => Failures.Add(failure);

    /// <summary>Everything that is on its way arrives, in both directions, twice.</summary>
    protected void Pump()
    {
        for (var i = 0; i < 2; i++)
        {
            Connection.Flush();
            Compositor.Server.Dispatch();
            Connection.Dispatch();
        }
    }

    protected static MemFdHandle MemFd(ulong sizeBytes) => MemFdHandle.TryCreateSealed("test", sizeBytes, out _)!;
}
