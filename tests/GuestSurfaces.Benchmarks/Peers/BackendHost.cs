// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Transports.VhostUser;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>What is measured: some guests' devices, sessions and presenters on one loop of this process, wired as guest-surfaces wires one.</summary>
internal sealed class BackendHost : IDisposable
{
    private readonly EventLoop _loop = new();
    private readonly LoopTimer _wake;
    private readonly Guest[] _guests;

    /// <summary>Listens on "0", "1", … in a folder.</summary>
    /// <param name="folder">There.</param>
    /// <param name="guests">How many.</param>
    /// <param name="heads">Scanouts of each.</param>
    /// <param name="display">A compositor's socket; null: the guests run unseen.</param>
    /// <param name="exporter">Makes dma-bufs of guest blobs; null: nothing does.</param>
    public BackendHost(string folder, int guests, int heads, string? display, IGuestBufferExporter? exporter = null)
    {
        _wake = _loop.Timers.Create(() => { });
        _guests = [.. Enumerable.Range(0, guests).Select(i => new Guest(_loop, Path.Combine(folder, i.ToString(CultureInfo.InvariantCulture)), heads, display, exporter ?? NoBufferExporter.Instance))];
    }

    /// <summary>Frames that the guests flushed.</summary>
    public long Frames
    {
        get
        {
            var sum = 0L;
            foreach (var guest in _guests)
                sum += guest.Statistics.FramesReceived;
            return sum;
        }
    }

    /// <summary>Frames that a compositor latched.</summary>
    public long Presented
    {
        get
        {
            var sum = 0L;
            foreach (var guest in _guests)
                sum += guest.Statistics.FramesPresented;
            return sum;
        }
    }

    /// <summary>Pixel bytes that this process wrote.</summary>
    public long BytesCopied => _guests.Sum(guest => guest.Statistics.BytesCopied);

    /// <summary>Runs until so many frames more have come.</summary>
    /// <param name="frames">How many.</param>
    /// <param name="patienceNs">How long at most.</param>
    /// <returns>How many came.</returns>
    public long RunFrames(long frames, long patienceNs = 120_000_000_000)
    {
        var start = Frames;
        var deadline = _loop.Timers.Clock.NowNs + patienceNs;
        _wake.ArmAt(deadline);
        while (Frames - start < frames && _loop.Timers.Clock.NowNs < deadline)
            _loop.RunOnce();
        _wake.Cancel();
        return Frames - start;
    }

    /// <summary>Runs for a while.</summary>
    public void RunFor(long ns) => RunFrames(long.MaxValue, ns);

    /// <summary>Runs until the other end of a socket is closed.</summary>
    /// <param name="end">The socket; nothing is said over it.</param>
    public void RunUntil(FdHandle end)
    {
        using var watch = _loop.Watch(end, EpollEvents.In, new Stopper(_loop));
        _loop.Run();
    }

    public void Dispose()
    {
        foreach (var guest in _guests)
            guest.Dispose();
        _loop.Dispose();
    }

    private sealed class Stopper(EventLoop loop) : IFdHandler
    {
        public void OnReady(EpollEvents events) => loop.Stop();
    }

    private sealed class Guest : IDisposable
    {
        private readonly FrameTrace? _trace = FrameTrace.TryCreate(out _);
        private readonly WaylandPresenter? _presenter;
        private readonly VhostUserServer _server;

        public Guest(EventLoop loop, string path, int heads, string? display, IGuestBufferExporter exporter)
        {
            var limits = new Limits();
            var session = new Session(loop.Timers, Statistics, limits) { Trace = _trace };
            if (display is not null)
            {
                _presenter = WaylandPresenter.Connect(loop, display, session, new PresenterOptions(), Statistics, NullLogger.Instance);
                session.Display = _presenter;
            }

            var options = new VirtioGpuOptions { Exporter = exporter, ScanoutCount = heads, InitialModes = [.. Enumerable.Repeat(VirtioGpuOptions.DefaultMode, heads)] };
            var device = new VirtioGpuDevice(session, limits, Statistics, options, NullLogger.Instance);
            session.Transport = device;
            _server = VhostUserServer.Listen(loop, path, device, new VhostUserOptions { Limits = limits });
        }

        public GuestStatistics Statistics { get; } = new();

        public void Dispose()
        {
            _server.Dispose();
            _presenter?.Dispose();
            _trace?.Dispose();
        }
    }
}
