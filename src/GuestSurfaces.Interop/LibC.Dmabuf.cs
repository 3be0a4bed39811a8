// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

// Source: linux/dma-buf.h
internal static unsafe partial class LibC
{
    internal const uint DMA_BUF_IOCTL_SYNC = 0x40086200;
    internal const uint DMA_BUF_IOCTL_EXPORT_SYNC_FILE = 0xC0086202;
    internal const uint DMA_BUF_IOCTL_IMPORT_SYNC_FILE = 0x40086203;
    internal const uint DMA_BUF_SYNC_READ = 1;
    internal const uint DMA_BUF_SYNC_WRITE = 2;
    internal const uint DMA_BUF_SYNC_START = 0;
    internal const uint DMA_BUF_SYNC_END = 4;

    [StructLayout(LayoutKind.Sequential)]
    internal struct DmaBufSync
    {
        internal ulong flags;
    }

    /// <summary>The requests that export and import a fence have one layout.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct DmaBufSyncFile
    {
        internal uint flags;
        internal int fd;
    }
}
