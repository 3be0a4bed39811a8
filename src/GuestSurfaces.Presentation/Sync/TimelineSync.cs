// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>
/// A surface with wp_linux_drm_syncobj_v1. Its object on the surface is there exactly while what is attached is a dma-buf: with it every buffer needs two points, and shared memory
/// can't have any. Points of commits before the object went still count.
/// </summary>
internal sealed class TimelineSync(WpLinuxDrmSyncobjManagerV1 manager, WlSurface surface, ConnectionSync connection) : ISurfaceSync
{
    private readonly WpLinuxDrmSyncobjSurfaceV1 _surface = new();

    // Of frames with a fence; the others share one point that signalled long ago.
    private SharedTimeline? _acquire;
    private ulong _lastAcquire;

    /// <inheritdoc/>
    public void Attach(SurfaceBuffer buffer, in GuestFrame frame)
    {
        var releases = buffer.Releases as BufferReleases;
        ulong releasePoint = 0;
        if (buffer.Storage.IsDmabuf && connection.Report.Mode == SyncMode.Timelines)
        {
            buffer.Releases = releases ??= new BufferReleases(buffer);
            releasePoint = releases.TakePoint(connection);
        }

        if (releasePoint == 0)
        {
            AttachOther();
            connection.Implicit.Attach(buffer, in frame);
            return;
        }

        if (!_surface.IsAlive)
            manager.GetSurface(_surface, surface);
        var isReady = frame.Acquire.IsSignalled;
        var acquirePoint = isReady ? ConnectionSync.ReadyPoint : _lastAcquire;
        _surface.SetAcquirePoint((isReady ? connection.Ready! : _acquire!).Proxy, (uint)(acquirePoint >> 32), (uint)acquirePoint);
        _surface.SetReleasePoint(releases!.Proxy, (uint)(releasePoint >> 32), (uint)releasePoint);
        buffer.TakeExplicitCommit();
    }

    /// <inheritdoc/>
    public void AttachOther()
    {
        if (_surface.IsAlive)
            _surface.Destroy();
    }

    /// <inheritdoc/>
    public bool CanWaitFor(SurfaceBuffer buffer, ref GuestFrame frame)
    {
        if (!buffer.Storage.IsDmabuf)
            return false;
        if (connection.Report.Mode != SyncMode.Timelines)
            return connection.Implicit.CanWaitFor(buffer, ref frame);
        if (frame.Acquire.Fence is not { } fence)
            return true;
        _acquire ??= connection.TryShareTimeline(null);
        if (_acquire is null || _acquire.Kernel.SignalWith(fence, _lastAcquire + 1) != Errno.None)
            return false;
        _lastAcquire++;
        return true;
    }

    /// <inheritdoc/>
    public void Destroy()
    {
        AttachOther();
        _acquire?.Destroy();
    }

    /// <summary>The release timeline of one buffer. Its own: compositors release buffers in any order, and a point brings all before it along.</summary>
    private sealed class BufferReleases(SurfaceBuffer buffer) : IBufferReleases
    {
        private SharedTimeline? _timeline;
        private ulong _committed;
        private ulong _released;

        public WpLinuxDrmSyncobjTimelineV1 Proxy => _timeline!.Proxy;

        /// <summary>The release point of the next commit. All that can fail, before anything is sent.</summary>
        /// <returns>0 if there is none.</returns>
        public ulong TakePoint(ConnectionSync connection)
        {
            _timeline ??= connection.TryShareTimeline(OnSignalled);
            if (_timeline is null)
                return 0;
            var errno = _timeline.Kernel.Tell(_committed + 1);
            if (errno == Errno.None)
                return ++_committed;
            connection.GiveUp($"the kernel doesn't tell of points any more ({errno})");
            return 0;
        }

        public void Destroy() => _timeline?.Destroy();

        private void OnSignalled()
        {
            // What a compositor signals beyond was never asked for.
            var signalled = Math.Min(_timeline!.Kernel.Signalled, _committed);
            var commits = (int)(signalled - _released);
            if (commits <= 0)
                return;
            _released = signalled;
            buffer.ReleaseCommits(commits);
        }
    }
}
