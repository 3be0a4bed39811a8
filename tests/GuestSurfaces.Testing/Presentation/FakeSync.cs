// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>One commit of a buffer: when it may be read, and whom to tell when it isn't any more, besides the buffer itself.</summary>
internal sealed class FakeCommit(FakeBuffer buffer)
{
    private bool _isReleased;

    public FakeBuffer Buffer => buffer;

    public (FakeTimeline Timeline, ulong Point)? Acquire { get; init; }

    public FakeFence? AcquireFence { get; init; }

    public (FakeTimeline Timeline, ulong Point)? ReleasePoint { get; init; }

    public ZwpLinuxBufferReleaseV1Resource? Release { get; init; }

    /// <summary>What the release is to wait for; null: nothing.</summary>
    public FakeFence? ReleaseFence { get; init; }

    /// <summary>Whether it is released by itself, however often its buffer is committed.</summary>
    public bool HasOwnRelease => ReleasePoint is not null || Release is not null;

    public bool IsReadable => Acquire is not { } acquire ? AcquireFence?.IsSignalled ?? true : acquire.Timeline.IsSignalled(acquire.Point);

    public void ReleaseOwn()
    {
        if (_isReleased)
            return;
        _isReleased = true;
        if (ReleasePoint is { } point && ReleaseFence is { } until)
            point.Timeline.SignalWith(until, point.Point);
        else if (ReleasePoint is { } now)
            now.Timeline.Signal(now.Point);
        if (Release is not { IsAlive: true } release)
            return;
        if (ReleaseFence is { } fence)
        {
            using var file = fence.Open();
            release.SendFencedRelease(file);
        }
        else
        {
            release.SendImmediateRelease();
        }
    }
}

/// <summary>wp_linux_drm_syncobj_surface_v1, to the letter.</summary>
internal sealed class FakeSyncobjSurface : IWpLinuxDrmSyncobjSurfaceV1Requests
{
    private readonly FakeCompositor _compositor;
    private readonly FakeSurface _surface;
    private readonly WpLinuxDrmSyncobjSurfaceV1Resource _resource;
    private (FakeTimeline Timeline, ulong Point)? _acquire;
    private (FakeTimeline Timeline, ulong Point)? _release;

    public FakeSyncobjSurface(FakeCompositor compositor, FakeSurface surface, WpLinuxDrmSyncobjSurfaceV1Resource resource)
    {
        _compositor = compositor;
        _surface = surface;
        _resource = resource;
        resource.Handler = this;
        resource.Destroyed += _ => surface.Syncobj = null;
    }

    /// <summary>The surface commits a buffer that was attached since the last commit, or null if none was.</summary>
    public FakeCommit? Commit(FakeBuffer? buffer, FakeFence? releaseFence)
    {
        var (acquire, release) = (_acquire, _release);
        _acquire = _release = null;
        if (buffer is null)
        {
            Check(acquire is null && release is null, WpLinuxDrmSyncobjSurfaceV1Error.NoBuffer, "a point without a buffer");
            return null;
        }

        Check(buffer.IsDmabuf, WpLinuxDrmSyncobjSurfaceV1Error.UnsupportedBuffer, "shared memory on a surface with points");
        Check(acquire is not null, WpLinuxDrmSyncobjSurfaceV1Error.NoAcquirePoint, "a buffer without an acquire point");
        Check(release is not null, WpLinuxDrmSyncobjSurfaceV1Error.NoReleasePoint, "a buffer without a release point");
        Check(acquire?.Timeline != release?.Timeline || acquire?.Point < release?.Point, WpLinuxDrmSyncobjSurfaceV1Error.ConflictingPoints, "released before it is acquired");
        if (release is { } point)
        {
            // No rule of the protocol's, but of the kernel's timelines, and of those who recommend one timeline for each buffer.
            Check(point.Point > buffer.LastReleasePoint, 0, $"release point {point.Point} comes after {buffer.LastReleasePoint}");
            Check(buffer.ReleaseTimeline is null || buffer.ReleaseTimeline == point.Timeline, 0, "a buffer with two release timelines");
            Check(_compositor.Buffers.All(other => other == buffer || other.ReleaseTimeline != point.Timeline), 0, "a release timeline of two buffers");
            buffer.LastReleasePoint = point.Point;
            buffer.ReleaseTimeline = point.Timeline;
        }

        return new FakeCommit(buffer) { Acquire = acquire, ReleasePoint = release, ReleaseFence = releaseFence };
    }

    void IWpLinuxDrmSyncobjSurfaceV1Requests.OnSetAcquirePoint(WpLinuxDrmSyncobjSurfaceV1Resource sender, WpLinuxDrmSyncobjTimelineV1Resource timeline, uint pointHi, uint pointLo)
    {
        Check(_surface.Resource.IsAlive, WpLinuxDrmSyncobjSurfaceV1Error.NoSurface, "the surface is gone");
        _acquire = ((FakeTimeline)timeline.Tag!, ((ulong)pointHi << 32) | pointLo);
    }

    void IWpLinuxDrmSyncobjSurfaceV1Requests.OnSetReleasePoint(WpLinuxDrmSyncobjSurfaceV1Resource sender, WpLinuxDrmSyncobjTimelineV1Resource timeline, uint pointHi, uint pointLo)
    {
        Check(_surface.Resource.IsAlive, WpLinuxDrmSyncobjSurfaceV1Error.NoSurface, "the surface is gone");
        _release = ((FakeTimeline)timeline.Tag!, ((ulong)pointHi << 32) | pointLo);
    }

    private void Check(bool isKept, WpLinuxDrmSyncobjSurfaceV1Error error, string rule)
    {
        if (!isKept)
            _compositor.Violation(_resource, (uint)error, rule);
    }
}

/// <summary>zwp_linux_surface_synchronization_v1, to the letter of version 1, which takes dma-bufs alone.</summary>
internal sealed class FakeFencedSurface : IZwpLinuxSurfaceSynchronizationV1Requests
{
    private readonly FakeCompositor _compositor;
    private readonly FakeSurface _surface;
    private readonly ZwpLinuxSurfaceSynchronizationV1Resource _resource;
    private FakeFence? _acquire;
    private ZwpLinuxBufferReleaseV1Resource? _release;

    public FakeFencedSurface(FakeCompositor compositor, FakeSurface surface, ZwpLinuxSurfaceSynchronizationV1Resource resource)
    {
        _compositor = compositor;
        _surface = surface;
        _resource = resource;
        resource.Handler = this;
        resource.Destroyed += _ => surface.Fenced = null;
    }

    /// <summary>The surface commits a buffer that was attached since the last commit, or null if none was.</summary>
    public FakeCommit? Commit(FakeBuffer? buffer, FakeFence? releaseFence)
    {
        var (acquire, release) = (_acquire, _release);
        _acquire = null;
        _release = null;
        if (buffer is null)
        {
            Check(acquire is null && release is null, ZwpLinuxSurfaceSynchronizationV1Error.NoBuffer, "a fence without a buffer");
            return null;
        }

        Check(buffer.IsDmabuf || (acquire is null && release is null), ZwpLinuxSurfaceSynchronizationV1Error.UnsupportedBuffer, "shared memory with a fence");
        return new FakeCommit(buffer) { AcquireFence = acquire, Release = release, ReleaseFence = releaseFence };
    }

    void IZwpLinuxSurfaceSynchronizationV1Requests.OnSetAcquireFence(ZwpLinuxSurfaceSynchronizationV1Resource sender, ReceivedFd fd)
    {
        Check(_surface.Resource.IsAlive, ZwpLinuxSurfaceSynchronizationV1Error.NoSurface, "the surface is gone");
        Check(_acquire is null, ZwpLinuxSurfaceSynchronizationV1Error.DuplicateFence, "two fences");
        _acquire = _compositor.Options.Fences!.Find(fd);
        Check(_acquire is not null, ZwpLinuxSurfaceSynchronizationV1Error.InvalidFence, "no fence");
    }

    void IZwpLinuxSurfaceSynchronizationV1Requests.OnGetRelease(ZwpLinuxSurfaceSynchronizationV1Resource sender, ZwpLinuxBufferReleaseV1Resource release)
    {
        Check(_surface.Resource.IsAlive, ZwpLinuxSurfaceSynchronizationV1Error.NoSurface, "the surface is gone");
        Check(_release is null, ZwpLinuxSurfaceSynchronizationV1Error.DuplicateRelease, "two releases");
        _release = release;
    }

    private void Check(bool isKept, ZwpLinuxSurfaceSynchronizationV1Error error, string rule)
    {
        if (!isKept)
            _compositor.Violation(_resource, (uint)error, rule);
    }
}
