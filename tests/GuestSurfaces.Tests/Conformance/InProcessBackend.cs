// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.VhostUser;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>Our back-end as the CLI wires it, on a thread of its own, with a display that remembers pixels in place of windows.</summary>
internal sealed class InProcessBackend : BackendUnderTest
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-ours");
    private readonly RememberingDisplay _display = new();
    private readonly EventLoop _loop = new();
    private readonly VhostUserServer _server;
    private readonly Session _session;
    private readonly Thread _thread;
    private Exception? _escaped;

    public InProcessBackend()
    {
        var limits = new Limits();
        var statistics = new GuestStatistics();
        _session = new Session(_loop.Timers, statistics, limits) { Display = _display };
        _display.Events = _session;
        var device = new VirtioGpuDevice(_session, limits, statistics, new VirtioGpuOptions { ScanoutCount = 2, OfferUuid = true }, NullLogger.Instance);
        _session.Transport = device;
        _server = VhostUserServer.Listen(_loop, SocketPath, device, new VhostUserOptions { Limits = limits });
        _thread = new Thread(Run) { Name = "our back-end" };
        _thread.Start();
    }

    public override string Name => "guest-surfaces";

    public override bool CanReconnect => true;

    public override IPixelProbe Probe => _display;

    private string SocketPath => Path.Combine(_folder.FullName, "s");

    public override UnixSocketHandle Connect() => UnixSocketHandle.Connect(SocketPath);

    public override string? Ailment() => _escaped?.ToString();

    protected override void Dispose(bool disposing)
    {
        _loop.Stop();
        _thread.Join();
        _server.Dispose();
        _session.CloseWindows();
        _loop.Dispose();
        _folder.Delete(recursive: true);
        base.Dispose(disposing);
    }

    private void Run()
    {
        try
        {
            _loop.Run();
        }
#pragma warning disable CA1031 // whatever escapes is exactly what the suite wants to hear of
        catch (Exception e)
#pragma warning restore CA1031
        {
            _escaped = e;
        }
    }
}
