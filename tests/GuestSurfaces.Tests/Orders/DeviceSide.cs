// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Transports.VhostUser;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Tests.Orders;

/// <summary>A device process as the program wires it, but for /dev/udmabuf, which is a fake.</summary>
internal sealed class DeviceSide : IGuestTransport, IDisposable
{
    public DeviceSide(EventLoop loop, string path, Way way, ILogger log)
    {
        var limits = new Limits();
        var statistics = new GuestStatistics();
        Exporter = new UdmabufExporter(new FakeUdmabuf(way is Way.Direct or Way.LateDirect or Way.Alias ? 1024u : 0, 64, 4096), UdmabufLimits.Default, limits, 4096);
        Session = new Session(loop.Timers, statistics, limits) { Transport = this };
        Hub = new LinkHub(loop, Session, "Fedora", statistics, log);
        Display = new WatchedDisplay(Hub);
        Session.Display = Display;
        Device = new VirtioGpuDevice(Session, limits, statistics, new VirtioGpuOptions { Exporter = Exporter, Alias2D = way == Way.Alias }, log);
        Server = VhostUserServer.Listen(loop, path, Device, new VhostUserOptions { Logger = log, Limits = limits });
        Server.FrontendGone += Session.CloseWindows;
    }

    public UdmabufExporter Exporter { get; }

    public Session Session { get; }

    public LinkHub Hub { get; }

    /// <summary>The hub, watched.</summary>
    public WatchedDisplay Display { get; }

    public VirtioGpuDevice Device { get; }

    public VhostUserServer Server { get; }

    public bool IsAlive { get; private set; } = true;

    /// <summary>Does what nobody may do: forgets to tell the device of answers.</summary>
    public bool LosesAnswers { get; set; }

    public void Dispose()
    {
        IsAlive = false;
        Server.Dispose();
        Hub.Dispose();
        Exporter.Dispose();
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial)
    {
        if (!LosesAnswers)
            Device.FrameSettled(scanout, serial);
    }

    void IGuestTransport.BuffersFreed(int scanout)
    {
        if (!LosesAnswers)
            Device.BuffersFreed(scanout);
    }

    void IGuestTransport.SetMode(int scanout, in OutputMode mode) => Device.SetMode(scanout, in mode);

    void IGuestTransport.BufferRefused(int scanout, Core.Buffers.BufferStorage storage, string reason) => Device.BufferRefused(scanout, storage, reason);

    void IGuestTransport.DisplayChanged() => Device.DisplayChanged();

    void IGuestTransport.CopiesWanted(int scanout, string? reason) => Device.CopiesWanted(scanout, reason);
}
