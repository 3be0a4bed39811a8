// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>What a fence of a dma-buf stands for. Source: <c>linux/dma-buf.h</c>.</summary>
[Flags]
public enum DmabufAccess
{
    /// <summary>Nothing; no request takes it.</summary>
    None = 0,

    /// <summary>A device reads the pixels: whoever wants to write them waits.</summary>
    Read = 1,

    /// <summary>A device writes the pixels: whoever wants to read or write them waits.</summary>
    Write = 2,
}

/// <summary>
/// A dma-buf: memory that devices share, and the fences of the devices that are at work in it. Source: <c>linux/dma-buf.h</c>.
/// <para>
/// What a CPU draws leaves no fence, a guest's no more than ours: the fences tell when devices are done, never when a picture is complete.
/// </para>
/// </summary>
public sealed class DmabufHandle : FdHandle, IFdHandle<DmabufHandle>
{
    private DmabufHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static DmabufHandle Adopt(int fd) => new(fd);

    /// <summary>Its length in bytes, as the kernel counts it: by seeking to its end, which is what dma-bufs support. 0 if it has none.</summary>
    public ulong GetLengthBytes() => LibC.lseek(this, 0, LibC.SEEK_END) is var end and > 0 ? (ulong)end : 0;

    /// <summary>
    /// Whether a device still reads or writes it. Doesn't wait: one system call. To be told when it isn't so any more, watch the file for
    /// <see cref="EpollEvents.Out"/>, and ask again when that comes: it may come too often.
    /// </summary>
    /// <returns>True too if the kernel won't say.</returns>
    public unsafe bool HasPendingFences()
    {
        var poll = new LibC.PollFd { fd = Fd, events = LibC.POLLOUT };
        // SAFETY: a pointer to a local.
        return LibC.poll(&poll, 1, 0) <= 0 || (poll.revents & LibC.POLLOUT) == 0;
    }

    /// <summary>The fences that are pending now, as one.</summary>
    /// <param name="access">Read: what a reader has to wait for, the writers. Write: what a writer has to wait for, everybody.</param>
    /// <param name="errno">ENOTTY: a kernel before 6.0, or no dma-buf. EMFILE, ENOMEM.</param>
    /// <returns>The fence (the caller's), signalled if none was pending; or null.</returns>
    public SyncFileHandle? TryExportFences(DmabufAccess access, out Errno errno)
    {
        var request = new LibC.DmaBufSyncFile { flags = (uint)access, fd = -1 };
        errno = Request(LibC.DMA_BUF_IOCTL_EXPORT_SYNC_FILE, ref request);
        return errno == Errno.None ? SyncFileHandle.Adopt(request.fd) : null;
    }

    /// <summary>Adds a fence. Never one that waits for a program or a guest: fences have to signal in bounded time.</summary>
    /// <param name="fence">Borrowed.</param>
    /// <param name="access">What goes on until it signals.</param>
    /// <returns>ENOTTY: a kernel before 6.0, or no dma-buf. EINVAL: no fence.</returns>
    public Errno ImportFence(SyncFileHandle fence, DmabufAccess access)
    {
        ArgumentNullException.ThrowIfNull(fence);
        var request = new LibC.DmaBufSyncFile { flags = (uint)access, fd = fence.Fd };
        return Request(LibC.DMA_BUF_IOCTL_IMPORT_SYNC_FILE, ref request);
    }

    /// <summary>
    /// Brings what CPUs wrote to where devices see it, on hosts whose devices don't look into CPUs' caches (some of arm64). Elsewhere it does nothing, at the
    /// price of three system calls. Doesn't wait.
    /// </summary>
    /// <returns>ENOTTY: no dma-buf.</returns>
    public Errno SyncCpuWrites()
    {
        // START waits for the devices at work, and only prepares: udmabuf wants it once, before the first of them. It is END that writes the caches back.
        var begin = new LibC.DmaBufSync { flags = LibC.DMA_BUF_SYNC_START | LibC.DMA_BUF_SYNC_WRITE };
        var end = new LibC.DmaBufSync { flags = LibC.DMA_BUF_SYNC_END | LibC.DMA_BUF_SYNC_WRITE };
        var errno = HasPendingFences() ? Errno.None : Request(LibC.DMA_BUF_IOCTL_SYNC, ref begin);
        return errno == Errno.None ? Request(LibC.DMA_BUF_IOCTL_SYNC, ref end) : errno;
    }
}
