// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>
/// A guest that flips between two blobs, its device, its session, the presenter and a strict compositor, on one clock: all that a flip goes through. Only its pages are
/// exported by a pretended udmabuf, which copies them: what is asked is which storages are shown, not what is in them.
/// </summary>
internal sealed class GuestOnScreen : IDisposable
{
    public const long Ms = 1_000_000;
    public const uint Side = 64;
    public const uint CursorId = 9;
    private const uint BlobBytes = Side * Side * 4;
    private static readonly WireRect s_whole = new(0, 0, Side, Side);

    private readonly UdmabufExporter _exporter = new(new FakeUdmabuf(1024, 64, 4096), UdmabufLimits.Default, new Limits(), 4096);
    private readonly WaylandPresenter _presenter;
    private readonly FakeFences _fences;
    private readonly LinkHub? _hub;
    private readonly LinkViewer? _viewer;
    private ulong _fence;

    /// <summary>Starts it.</summary>
    /// <param name="compositor">What the compositor offers; null: no explicit synchronisation.</param>
    /// <param name="options">The presenter's.</param>
    /// <param name="isLinked">Whether the presenter is at the other end of a link.</param>
    public GuestOnScreen(FakeCompositorOptions? compositor = null, PresenterOptions? options = null, bool isLinked = false)
    {
        Gpu = new GpuHarness(new VirtioGpuOptions { Exporter = _exporter, ScanoutCount = 2 }, withSession: true);
        Compositor = new FakeCompositor(compositor ?? new FakeCompositorOptions { DmabufVersion = 4 }, Gpu.Clock);
        _fences = Compositor.Options.Fences ?? new FakeFences();
        Sync.Fences = _fences;
        var viewed = new GuestStatistics();
        if (isLinked)
        {
            _hub = new LinkHub(Gpu.Timers, null, Gpu.Session!, "Fedora", Gpu.Statistics, NullLogger.Instance);
            _viewer = new LinkViewer(Gpu.Timers, null, new LinkViewerOptions(), viewed, NullLogger.Instance);
        }

        _presenter = new WaylandPresenter(
            Compositor.ClientConnection, Gpu.Timers, Sync, _viewer is null ? Gpu.Session! : _viewer, options ?? new PresenterOptions(), _viewer is null ? Gpu.Statistics : viewed,
            NullLogger.Instance, null, _ => (new FakeTimelineDevice(Compositor.Options.Timelines ?? new FakeTimelines(), _fences), ""));
        Gpu.Session!.Display = _hub is null ? _presenter : _hub;
        if (_viewer is not null)
        {
            _viewer.Display = _presenter;
            var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true, SocketKind.Packets);
            _hub!.Add(a);
            _viewer.Open(b);
        }

        Pump();
        MakeBlobs();
    }

    public GpuHarness Gpu { get; }

    public FakeCompositor Compositor { get; }

    public FakeDmabufSync Sync { get; } = new();

    public GuestStatistics Statistics => Gpu.Statistics;

    public FakeSurface Surface => Compositor.Toplevel.Surface;

    /// <summary>Which blob was flipped to last.</summary>
    public uint Shown { get; private set; }

    /// <summary>Its answer's place in the ring.</summary>
    public int Slot { get; private set; }

    public bool IsAnswered => !Gpu.Control.IsPending(Slot);

    /// <summary>Whether a compositor has the guest's own pages, or may get them without another word of the guest.</summary>
    public bool ArePagesShown => Surface.Buffer is { IsDmabuf: true };

    /// <summary>The guest shows its other blob, and waits for the answer.</summary>
    public void Flip()
    {
        Shown = Shown == 1 ? 2u : 1u;
        GpuHarness.Require(Gpu.SetScanoutBlob(0, Shown, s_whole, Side, Side, Side * 4));
        Redraw();
    }

    /// <summary>The guest has drawn into the blob that it shows already, and waits for the answer.</summary>
    public void Redraw()
    {
        Slot = Gpu.FlushFenced(Shown, s_whole, ++_fence);
        Pump();
    }

    /// <summary>The guest uploads a cursor's image, with a fence.</summary>
    /// <returns>Its answer's place in the ring.</returns>
    public int Upload(uint flags = 0, byte ring = 0)
    {
        if (Gpu.Device.ResourceCount == 2)
        {
            GpuHarness.Require(Gpu.Create2D(CursorId, Side, Side));
            GpuHarness.Require(Gpu.Attach(CursorId, new GuestPages(GpuHarness.Pixels, BlobBytes)));
        }

        var slot = Gpu.Post((uint)VirtioGpuCommandType.TransferToHost2D, GpuHarness.Words(0, 0, Side, Side, 0, 0, CursorId, 0), ++_fence, flags: flags, ring: ring);
        Gpu.Kick();
        return slot;
    }

    /// <summary>Flips again and again, each as soon as the one before is answered. The compositor refreshes at 60 Hz, or not at all.</summary>
    /// <param name="ns">For how long.</param>
    /// <param name="isVisible">Whether it refreshes.</param>
    /// <param name="refreshed">Called after each refresh, or where it would have been.</param>
    public void FlipFor(long ns, bool isVisible, Action? refreshed = null)
    {
        for (var end = Gpu.Clock.NowNs + ns; Gpu.Clock.NowNs < end;)
        {
            if (Shown == 0 || IsAnswered)
                Flip();
            Surface.IsHidden = !isVisible;
            Pass(16_666_667);
            if (isVisible)
                Refresh();
            refreshed?.Invoke();
        }
    }

    /// <summary>The guest reboots: another driver has the same two blobs, and shows neither yet.</summary>
    public void Reboot()
    {
        Gpu.Device.Reset();
        Gpu.Device.SetFeatures(ulong.MaxValue);
        Gpu.Device.StartQueue(0, Gpu.Control.Queue);
        Gpu.Control.Collect();
        Shown = 0;
        MakeBlobs();
    }

    public void Refresh()
    {
        Compositor.Refresh();
        Pump();
    }

    public void Pass(long ns)
    {
        Gpu.Run(ns);
        Pump();
    }

    public void Pump()
    {
        for (var i = 0; i < 6; i++)
        {
            Gpu.Timers.RunDue();
            _hub?.OnReady();
            _viewer?.OnReady();
            Compositor.Client.Flush();
            _presenter.Dispatch();
            Compositor.Dispatch();
            Compositor.Options.Timelines?.Deliver();
        }

        _presenter.Dispatch();
        Gpu.Control.Collect();
    }

    public void Dispose()
    {
        _viewer?.Dispose();
        _presenter.Dispose();
        _hub?.Dispose();
        Compositor.Dispose();
        Compositor.Options.Timelines?.Dispose();
        _fences.Dispose();
        Gpu.Dispose();
        _exporter.Dispose();
    }

    private void MakeBlobs()
    {
        for (uint id = 1; id <= 2; id++)
            GpuHarness.Require(Gpu.CreateBlob(id, BlobBytes, new GuestPages(GpuHarness.Pixels + (id * BlobBytes), BlobBytes)));
    }
}
