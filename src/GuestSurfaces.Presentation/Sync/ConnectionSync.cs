// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>How one connection synchronises: the best that both sides have. It may get worse while the connection lasts, never better; commits of before keep their releases.</summary>
internal sealed class ConnectionSync
{
    /// <summary>The point that <see cref="Ready"/> is at.</summary>
    public const ulong ReadyPoint = 1;

    private const string AskedFor = "it was asked for (--sync)";
    private const string SoftwareFences = "the compositor doesn't say which GPU it draws with: one that draws in software offers linux-explicit-synchronization and fails at the first release";

    private readonly IDmabufSync _kernel;
    private readonly WpLinuxDrmSyncobjManagerV1? _timelines;
    private readonly ZwpLinuxExplicitSynchronizationV1? _fences;
    private readonly ITimelineDevice? _device;
    private readonly Action _flush;
    private readonly List<SharedTimeline> _shared = [];

    /// <summary>Chooses.</summary>
    /// <param name="display">The connection's.</param>
    /// <param name="kernel">Knows about dma-bufs' fences.</param>
    /// <param name="timelines">What the compositor offers; null if it doesn't.</param>
    /// <param name="fences">Likewise.</param>
    /// <param name="hasGpu">Whether it says what it draws with: weston in software has no fences to release with, and ends the connection over that.</param>
    /// <param name="wanted">What was asked for; null: the best. What can't be had isn't used.</param>
    /// <param name="openDevice">Makes timelines; asked only where the compositor takes them. Adopted.</param>
    /// <param name="flush">Sends what a release has led to: it doesn't come over the connection.</param>
    public ConnectionSync(
        WlDisplay display,
        IDmabufSync kernel,
        WpLinuxDrmSyncobjManagerV1? timelines,
        ZwpLinuxExplicitSynchronizationV1? fences,
        bool hasGpu,
        SyncMode? wanted,
        Func<(ITimelineDevice? Device, string Problem)> openDevice,
        Action flush)
    {
        _kernel = kernel;
        _flush = flush;
        _timelines = timelines;
        _fences = hasGpu ? fences : null;
        Implicit = new ImplicitSync(display, kernel);
        if (wanted == SyncMode.Implicit || (wanted == SyncMode.Fences && _fences is not null))
        {
            Report = new SyncReport(wanted.Value, AskedFor);
            return;
        }

        if (timelines is null)
        {
            Report = _fences is not null
                ? new SyncReport(SyncMode.Fences, "the compositor doesn't offer linux-drm-syncobj")
                : new SyncReport(SyncMode.Implicit, fences is not null ? SoftwareFences : "the compositor offers neither linux-drm-syncobj nor linux-explicit-synchronization");
            return; // also what is to be said where one of them was asked for
        }

        (_device, var problem) = openDevice();
        Ready = _device is null ? null : TryShareTimeline(null);
        Report = Ready is not null && Ready.Kernel.Signal(ReadyPoint) == Errno.None
            ? new SyncReport(SyncMode.Timelines, string.Empty)
            : new SyncReport(_fences is not null ? SyncMode.Fences : SyncMode.Implicit, $"linux-drm-syncobj can't be used: {(_device is null ? problem : "the kernel makes no timeline")}");
        if (wanted != SyncMode.Fences)
            return;
        var why = $"linux-explicit-synchronization was asked for (--sync): {(fences is null ? "the compositor doesn't offer it" : SoftwareFences)}";
        Report = Report with { Reason = Report.Reason.Length == 0 ? why : $"{why}; {Report.Reason}" };
    }

    /// <summary>What is used now.</summary>
    public SyncReport Report { get; private set; }

    /// <summary>What works with every buffer.</summary>
    public ImplicitSync Implicit { get; }

    /// <summary>A timeline whose <see cref="ReadyPoint"/> has signalled: the acquire point of every picture that is complete, at no cost for each. Null in other modes.</summary>
    public SharedTimeline? Ready { get; }

    /// <summary>Synchronises a surface.</summary>
    /// <param name="surface">It can't have been given to any other.</param>
    public ISurfaceSync CreateFor(WlSurface surface) => Report.Mode switch
    {
        SyncMode.Timelines => new TimelineSync(_timelines!, surface, this),
        SyncMode.Fences => new FencedSync(_fences!, surface, this),
        _ => Implicit,
    };

    /// <summary>What was chosen doesn't work after all.</summary>
    /// <param name="reason">Why, without a full stop.</param>
    public void GiveUp(string reason) => Report = new SyncReport(SyncMode.Implicit, reason);

    /// <summary>A timeline that the compositor has, too; gives up if there can't be one.</summary>
    /// <param name="signalled">As <see cref="ITimelineDevice.TryCreate"/>.</param>
    /// <returns>The caller's, until the connection closes; or null.</returns>
    public SharedTimeline? TryShareTimeline(Action? signalled)
    {
        Action? told = signalled is null ? null : () =>
        {
            signalled();
            _flush();
        };
        var timeline = _device!.TryCreate(told, out var errno);
        using var file = timeline?.TryExport(out errno);
        if (file is null)
        {
            timeline?.Dispose();
            GiveUp($"the kernel makes no more timelines ({errno})");
            return null;
        }

        var shared = new SharedTimeline(timeline!, _timelines!.ImportTimeline(file), _shared);
        _shared.Add(shared);
        return shared;
    }

    /// <summary>A device reads a dma-buf until a fence signals: whoever waits for the dma-buf waits for that.</summary>
    /// <param name="storage">The dma-buf.</param>
    /// <param name="fence">Borrowed.</param>
    public void AddReader(BufferStorage storage, SyncFileHandle fence)
    {
        for (var i = 0; i < storage.PlaneCount; i++)
        {
            if (!_kernel.TryAddFence((DmabufHandle)storage.Plane(i), fence, DmabufAccess.Read))
                GiveUp("the kernel puts no fences into dma-bufs: that came with Linux 6.0");
        }
    }

    /// <summary>The connection is at its end: whatever is still under way comes to nobody.</summary>
    public void Close()
    {
        foreach (var shared in _shared)
            shared.Kernel.Dispose();
        _shared.Clear();
        _device?.Dispose();
    }
}

/// <summary>A timeline that the kernel, this side and the compositor have.</summary>
internal sealed class SharedTimeline(ITimeline kernel, WpLinuxDrmSyncobjTimelineV1 proxy, List<SharedTimeline> owner)
{
    /// <summary>This side's.</summary>
    public ITimeline Kernel => kernel;

    /// <summary>The compositor's.</summary>
    public WpLinuxDrmSyncobjTimelineV1 Proxy => proxy;

    /// <summary>Gives it up on both sides; points that are committed still count. A second call does nothing.</summary>
    public void Destroy()
    {
        if (!owner.Remove(this))
            return;
        proxy.Destroy();
        kernel.Dispose();
    }
}
