// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>
/// A DRM device node, for its sync objects alone: these are the DRM core's, whatever the device, and what one node made another imports. A card node does as well as
/// a render node; nobody has to be its master. Source: <c>drm/drm.h</c>.
/// </summary>
public sealed class DrmNodeHandle : FdHandle
{
    private DrmNodeHandle(int fd)
        : base(fd)
    {
    }

    /// <summary>Opens a node.</summary>
    /// <param name="path">Such as /dev/dri/renderD128.</param>
    /// <param name="errno">ENOENT, EACCES: it isn't there, or is not for this user.</param>
    /// <returns>The handle (the caller's), or null.</returns>
    public static DrmNodeHandle? TryOpen(string path, out Errno errno)
    {
        using var file = FileHandle.TryOpen(path, out errno);
        return file is null ? null : new DrmNodeHandle(file.Release());
    }

    /// <summary>Whether its driver lets it make timelines.</summary>
    public bool HasTimelines
    {
        get
        {
            var request = new LibC.DrmGetCap { capability = LibC.DRM_CAP_SYNCOBJ_TIMELINE };
            return Request(LibC.DRM_IOCTL_GET_CAP, ref request) == Errno.None && request.value == 1;
        }
    }

    /// <summary>Makes a timeline at point 0.</summary>
    /// <param name="errno">EOPNOTSUPP: not this driver. ENOMEM.</param>
    /// <returns>The timeline (the caller's), or null. Dispose it before the node.</returns>
    public DrmTimeline? TryCreateTimeline(out Errno errno)
    {
        var request = default(LibC.DrmSyncobjCreate);
        errno = Request(LibC.DRM_IOCTL_SYNCOBJ_CREATE, ref request);
        return errno == Errno.None ? new DrmTimeline(this, request.handle) : null;
    }
}

/// <summary>A sync object as a file: what another process imports.</summary>
public sealed class SyncobjFileHandle : FdHandle, IFdHandle<SyncobjFileHandle>
{
    private SyncobjFileHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static SyncobjFileHandle Adopt(int fd) => new(fd);
}

/// <summary>
/// A DRM sync object used as a timeline: points that rise, each signalled by a CPU or by a fence put there. Nothing here waits, and nothing allocates but
/// <see cref="TryExport"/>. Thread: any, but only one at a time.
/// </summary>
public sealed class DrmTimeline : IDisposable
{
    private readonly DrmNodeHandle _node;
    private readonly uint _handle;
    private bool _isDisposed;

    internal DrmTimeline(DrmNodeHandle node, uint handle)
    {
        _node = node;
        _handle = handle;
    }

    /// <summary>The last point that has signalled; 0 before the first, and if the kernel won't say.</summary>
    public unsafe ulong Signalled
    {
        get
        {
            var handle = _handle;
            ulong point = 0;
            // SAFETY: two locals that outlive the call.
            var request = new LibC.DrmSyncobjTimelineArray { handles = (ulong)&handle, points = (ulong)&point, count_handles = 1 };
            return _node.Request(LibC.DRM_IOCTL_SYNCOBJ_QUERY, ref request) == Errno.None ? point : 0;
        }
    }

    /// <summary>A file of it, for another process. It lives as long as either.</summary>
    /// <param name="errno">EMFILE, ENOMEM.</param>
    /// <returns>The file (the caller's), or null.</returns>
    public SyncobjFileHandle? TryExport(out Errno errno)
    {
        var request = new LibC.DrmSyncobjHandle { handle = _handle, fd = -1 };
        errno = _node.Request(LibC.DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, ref request);
        return errno == Errno.None ? SyncobjFileHandle.Adopt(request.fd) : null;
    }

    /// <summary>Signals a point from here.</summary>
    /// <param name="point">Higher than all before.</param>
    /// <returns>ENOMEM.</returns>
    public unsafe Errno Signal(ulong point)
    {
        var handle = _handle;
        // SAFETY: two locals that outlive the call.
        var request = new LibC.DrmSyncobjTimelineArray { handles = (ulong)&handle, points = (ulong)&point, count_handles = 1 };
        return _node.Request(LibC.DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, ref request);
    }

    /// <summary>Lets a point signal with a fence.</summary>
    /// <param name="fence">Borrowed.</param>
    /// <param name="point">Higher than all before.</param>
    /// <returns>EINVAL: no fence. ENOMEM.</returns>
    public Errno SignalWith(SyncFileHandle fence, ulong point)
    {
        ArgumentNullException.ThrowIfNull(fence);

        // A fence goes into a sync object without points, and only from there to a point.
        var create = default(LibC.DrmSyncobjCreate);
        var errno = _node.Request(LibC.DRM_IOCTL_SYNCOBJ_CREATE, ref create);
        if (errno != Errno.None)
            return errno;
        var import = new LibC.DrmSyncobjHandle { handle = create.handle, flags = LibC.DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE, fd = fence.Fd };
        var transfer = new LibC.DrmSyncobjTransfer { src_handle = create.handle, dst_handle = _handle, dst_point = point };
        errno = _node.Request(LibC.DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, ref import);
        if (errno == Errno.None)
            errno = _node.Request(LibC.DRM_IOCTL_SYNCOBJ_TRANSFER, ref transfer);
        var destroy = new LibC.DrmSyncobjDestroy { handle = create.handle };
        _ = _node.Request(LibC.DRM_IOCTL_SYNCOBJ_DESTROY, ref destroy); // it was made a moment ago
        return errno;
    }

    /// <summary>Has an eventfd signalled once, when a point has signalled; at once if it has already.</summary>
    /// <param name="point">Which; there need be no fence for it yet.</param>
    /// <param name="eventFd">Borrowed: the kernel keeps it.</param>
    /// <returns>ENOTTY: a kernel before 6.6. ENOMEM.</returns>
    public Errno Tell(ulong point, EventFdHandle eventFd)
    {
        ArgumentNullException.ThrowIfNull(eventFd);
        var request = new LibC.DrmSyncobjEventfd { handle = _handle, point = point, fd = eventFd.Fd };
        return _node.Request(LibC.DRM_IOCTL_SYNCOBJ_EVENTFD, ref request);
    }

    /// <summary>Gives it up here; who imported it keeps it.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        var request = new LibC.DrmSyncobjDestroy { handle = _handle };
        if (!_node.IsClosed)
            _ = _node.Request(LibC.DRM_IOCTL_SYNCOBJ_DESTROY, ref request); // its number is ours
    }
}
