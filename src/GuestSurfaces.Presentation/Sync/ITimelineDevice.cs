// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>What makes timelines: a DRM node in an event loop, or a test.</summary>
internal interface ITimelineDevice : IDisposable
{
    /// <summary>Makes a timeline at point 0.</summary>
    /// <param name="signalled">Told when a point has signalled that <see cref="ITimeline.Tell"/> was asked about, perhaps too often; null if nobody asks.</param>
    /// <param name="errno">Why there is none.</param>
    /// <returns>The timeline (the caller's), or null.</returns>
    ITimeline? TryCreate(Action? signalled, out Errno errno);
}

/// <summary>Points that rise and signal. Nothing waits; after it was made nothing allocates.</summary>
internal interface ITimeline : IDisposable
{
    /// <summary>A file of it, for the compositor.</summary>
    /// <param name="errno">Why there is none.</param>
    /// <returns>The file (the caller's), or null.</returns>
    FdHandle? TryExport(out Errno errno);

    /// <summary>The last point that has signalled.</summary>
    ulong Signalled { get; }

    /// <summary>Signals a point.</summary>
    /// <param name="point">Higher than all before.</param>
    Errno Signal(ulong point);

    /// <summary>Lets a point signal with a fence.</summary>
    /// <param name="fence">Borrowed.</param>
    /// <param name="point">Higher than all before.</param>
    Errno SignalWith(SyncFileHandle fence, ulong point);

    /// <summary>Asks to be told when a point has signalled, by whomever.</summary>
    /// <param name="point">Which.</param>
    Errno Tell(ulong point);
}

/// <summary>A DRM node's timelines in an event loop.</summary>
internal sealed class LoopTimelineDevice : ITimelineDevice
{
    private readonly EventLoop _loop;
    private readonly DrmNodeHandle _node;

    private LoopTimelineDevice(EventLoop loop, DrmNodeHandle node)
    {
        _loop = loop;
        _node = node;
    }

    /// <summary>Finds a node that makes timelines, and tries whether the kernel tells of their points.</summary>
    /// <param name="loop">Tells of points.</param>
    /// <param name="preferred">The node of the compositor's GPU; null if it doesn't tell. Any other does as well: sync objects belong to no device.</param>
    /// <param name="reason">Why there is none.</param>
    /// <param name="folder">Where the nodes are; another place for tests.</param>
    public static LoopTimelineDevice? TryOpen(EventLoop loop, string? preferred, out string reason, string folder = "/dev/dri")
    {
        reason = $"this machine has no {folder} node";
        var nodes = new List<string>();
        if (preferred is not null)
            nodes.Add(preferred);
        if (Directory.Exists(folder))
        {
            nodes.AddRange(Directory.EnumerateFiles(folder, "renderD*").Order(StringComparer.Ordinal));
            nodes.AddRange(Directory.EnumerateFiles(folder, "card*").Order(StringComparer.Ordinal));
        }

        foreach (var path in nodes)
        {
            if (DrmNodeHandle.TryOpen(path, out var errno) is not { } node)
            {
                reason = $"{path} can't be opened ({errno})";
                continue;
            }

            reason = Refusal(node, path);
            if (reason.Length == 0)
                return new LoopTimelineDevice(loop, node);
            node.Dispose();
        }

        return null;
    }

    /// <inheritdoc/>
    public ITimeline? TryCreate(Action? signalled, out Errno errno)
    {
        if (_node.TryCreateTimeline(out errno) is not { } timeline)
            return null;
        if (signalled is null)
            return new Timeline(timeline, null, null);

        // All that can fail for want of descriptors is here.
        if (EventFdHandle.TryCreate(out errno) is { } eventFd)
        {
            if (_loop.TryWatch(eventFd, EpollEvents.In, new Told(eventFd, signalled), out errno) is { } watch)
                return new Timeline(timeline, eventFd, watch);
            eventFd.Dispose();
        }

        timeline.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _node.Dispose();

    private static string Refusal(DrmNodeHandle node, string path)
    {
        if (!node.HasTimelines)
            return $"{path} has no timelines";
        using var timeline = node.TryCreateTimeline(out var errno);
        if (timeline is null)
            return $"{path} makes no timeline ({errno})";
        using var eventFd = EventFdHandle.Create();
        errno = timeline.Tell(1, eventFd);
        return errno == Errno.None ? string.Empty : $"the kernel doesn't tell when a point has signalled ({errno}): it came with Linux 6.6";
    }

    private sealed class Told(EventFdHandle eventFd, Action signalled) : IFdHandler
    {
        void IFdHandler.OnReady(EpollEvents events)
        {
            _ = eventFd.Drain(out _); // our own eventfd: reading it can't fail
            signalled();
        }
    }

    private sealed class Timeline(DrmTimeline timeline, EventFdHandle? eventFd, FdWatch? watch) : ITimeline
    {
        public ulong Signalled => timeline.Signalled;

        public FdHandle? TryExport(out Errno errno) => timeline.TryExport(out errno);

        public Errno Signal(ulong point) => timeline.Signal(point);

        public Errno SignalWith(SyncFileHandle fence, ulong point) => timeline.SignalWith(fence, point);

        public Errno Tell(ulong point) => timeline.Tell(point, eventFd ?? throw new InvalidOperationException("nobody asks about this timeline"));

        public void Dispose()
        {
            watch?.Dispose();
            eventFd?.Dispose();
            timeline.Dispose();
        }
    }
}
