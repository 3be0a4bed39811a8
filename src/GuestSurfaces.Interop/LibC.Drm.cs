// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

// Source: drm/drm.h
internal static unsafe partial class LibC
{
    internal const uint DRM_IOCTL_GET_CAP = 0xC010640C;
    internal const uint DRM_IOCTL_SYNCOBJ_CREATE = 0xC00864BF;
    internal const uint DRM_IOCTL_SYNCOBJ_DESTROY = 0xC00864C0;

    // The numbers of the 16-byte argument, which later kernels made longer: they take the shorter one, too.
    internal const uint DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD = 0xC01064C1;
    internal const uint DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE = 0xC01064C2;
    internal const uint DRM_IOCTL_SYNCOBJ_QUERY = 0xC01864CB;
    internal const uint DRM_IOCTL_SYNCOBJ_TRANSFER = 0xC02064CC;
    internal const uint DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL = 0xC01864CD;
    internal const uint DRM_IOCTL_SYNCOBJ_EVENTFD = 0xC01864CF;
    internal const ulong DRM_CAP_SYNCOBJ_TIMELINE = 0x14;
    internal const uint DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE = 1;

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmGetCap
    {
        internal ulong capability;
        internal ulong value;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmSyncobjCreate
    {
        internal uint handle;
        internal uint flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmSyncobjDestroy
    {
        internal uint handle;
        internal uint pad;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmSyncobjHandle
    {
        internal uint handle;
        internal uint flags;
        internal int fd;
        internal uint pad;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmSyncobjTransfer
    {
        internal uint src_handle;
        internal uint dst_handle;
        internal ulong src_point;
        internal ulong dst_point;
        internal uint flags;
        internal uint pad;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmSyncobjTimelineArray
    {
        internal ulong handles;
        internal ulong points;
        internal uint count_handles;
        internal uint flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct DrmSyncobjEventfd
    {
        internal uint handle;
        internal uint flags;
        internal ulong point;
        internal int fd;
        internal uint pad;
    }
}
