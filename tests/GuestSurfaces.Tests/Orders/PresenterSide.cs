// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Tests.Orders;

/// <summary>A presenter process as the program wires it, and its compositor. A compositor that goes takes the link with it; both come back together.</summary>
internal sealed class PresenterSide : IDisposable
{
    private readonly EventLoop _loop;
    private readonly VirtualClock _clock;
    private readonly Way _way;
    private readonly ILogger _log;
    private readonly GuestStatistics _statistics = new();
    private WaylandPresenter? _presenter;
    private UnixSocketHandle? _socket;

    public PresenterSide(EventLoop loop, VirtualClock clock, Way way, ILogger log)
    {
        _loop = loop;
        _clock = clock;
        _way = way;
        _log = log;
        Link = new LinkViewer(loop, new LinkViewerOptions(), _statistics, log);
    }

    public LinkViewer Link { get; }

    public FakeCompositor? Compositor { get; private set; }

    /// <summary>The presenters that there were, watched.</summary>
    public List<WatchedDisplay> Displays { get; } = [];

    public bool IsAlive { get; private set; } = true;

    /// <summary>A compositor is there: connects to it and to the device.</summary>
    /// <param name="hub">The device's.</param>
    public void Show(LinkHub hub)
    {
        Discard();
        Compositor = new FakeCompositor(new FakeCompositorOptions { DmabufVersion = 4, HoldImports = _way == Way.LateDirect }, _clock);
        _presenter = new WaylandPresenter(_loop, Compositor.ClientConnection, Link, new PresenterOptions(), _statistics, _log) { Lost = _ => OnCompositorLost() };
        var display = new WatchedDisplay(_presenter);
        Displays.Add(display);
        Link.Display = display;
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
        _socket = b.Duplicate<UnixSocketHandle>();
        hub.Add(a);
        Link.Open(b);
    }

    /// <summary>The screen refreshes; imports that the compositor took its time over are done before.</summary>
    public void Refresh()
    {
        if (Compositor is not { IsDead: false } compositor)
            return;
        compositor.Dmabuf?.AnswerImports();
        compositor.Refresh();
    }

    /// <summary>The process is killed: it says goodbye to nobody.</summary>
    public void Die()
    {
        IsAlive = false;
        _socket?.ShutDown();
        Dispose();
    }

    /// <summary>The process ends.</summary>
    public void Dispose()
    {
        Link.Dispose();
        Discard();
    }

    private void OnCompositorLost()
    {
        Link.Dispose();
        Link.Display = null;
    }

    private void Discard()
    {
        _presenter?.Dispose();
        _socket?.Dispose();
        if (Compositor is { IsDead: false } compositor)
            compositor.Dispatch();
        Compositor?.Dispose();
        (_presenter, _socket, Compositor) = (null, null, null);
    }
}
