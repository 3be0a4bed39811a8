// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Connection;

/// <summary>A connection in the event loop: reads when there is something, and asks for writability only while the socket is full.</summary>
internal sealed class ConnectionWatch : IFdHandler, IDisposable
{
    private readonly WaylandConnection _connection;
    private readonly FdWatch _watch;
    private bool _asksForWrite;

    /// <summary>Starts watching.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="connection">Borrowed; disposed after this.</param>
    public ConnectionWatch(EventLoop loop, WaylandConnection connection)
    {
        ArgumentNullException.ThrowIfNull(loop);
        _connection = connection;
        _watch = loop.Watch(connection.Fd, EpollEvents.In, this);
    }

    /// <summary>Called when there is something to read, or room to write.</summary>
    public Action? Ready { get; set; }

    /// <summary>Something was sent: what the socket didn't take goes when it can.</summary>
    public void OnFlushed()
    {
        if (_connection.WantsWrite == _asksForWrite)
            return;
        _asksForWrite = !_asksForWrite;
        _watch.Modify(_asksForWrite ? EpollEvents.In | EpollEvents.Out : EpollEvents.In);
    }

    /// <inheritdoc/>
    public void Dispose() => _watch.Dispose();

    void IFdHandler.OnReady(EpollEvents events) => Ready?.Invoke();
}
