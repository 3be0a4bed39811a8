// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>A stretch of a memfd.</summary>
/// <param name="File">Borrowed.</param>
/// <param name="OffsetBytes">Where in the file; a multiple of the host's page size.</param>
/// <param name="SizeBytes">How long; a multiple of the host's page size.</param>
public readonly record struct UdmabufItem(FdHandle File, ulong OffsetBytes, ulong SizeBytes);

/// <summary>What makes dma-bufs of memfds' pages: the kernel, or a test.</summary>
public interface IUdmabufDevice : IDisposable
{
    /// <summary>
    /// Makes one dma-buf of stretches of memfds, in their order. It pins their pages: takes as long as there are pages, and holds their memory until the
    /// last descriptor is closed, whatever becomes of the memfds.
    /// </summary>
    /// <param name="items">At least one.</param>
    /// <param name="errno">
    /// EINVAL: a limit, an alignment, a missing F_SEAL_SHRINK, a seal against writing. EBADFD: no memfd. ENOTTY: a kernel without lists. ENOMEM, EMFILE.
    /// </param>
    /// <returns>The dma-buf (the caller's), or null.</returns>
    DmabufHandle? TryCreate(ReadOnlySpan<UdmabufItem> items, out Errno errno);
}

/// <summary>/dev/udmabuf. Source: <c>linux/udmabuf.h</c>.</summary>
public sealed class UdmabufHandle : FdHandle, IUdmabufDevice
{
    /// <summary>Where it is.</summary>
    public const string DevicePath = "/dev/udmabuf";

    private UdmabufHandle(int fd)
        : base(fd)
    {
    }

    /// <summary>Opens the device.</summary>
    /// <param name="errno">ENOENT: the kernel lacks it, or the module isn't loaded. EACCES: it is not for this user.</param>
    /// <returns>The handle (the caller's), or null.</returns>
    public static UdmabufHandle? TryOpen(out Errno errno)
    {
        using var file = FileHandle.TryOpen(DevicePath, out errno);
        return file is null ? null : new UdmabufHandle(file.Release());
    }

    /// <inheritdoc/>
    public unsafe DmabufHandle? TryCreate(ReadOnlySpan<UdmabufItem> items, out Errno errno)
    {
        var bytes = sizeof(LibC.UdmabufCreateList) + ((long)sizeof(LibC.UdmabufCreateItem) * items.Length);
        var request = new ulong[bytes / sizeof(ulong)];
        fixed (ulong* start = request)
        {
            // SAFETY: the array has room for the head and all items behind it, and both are made of whole u64s. The files are held by the caller's span.
            var head = (LibC.UdmabufCreateList*)start;
            head->flags = LibC.UDMABUF_FLAGS_CLOEXEC;
            head->count = (uint)items.Length;
            var to = (LibC.UdmabufCreateItem*)(head + 1);
            foreach (ref readonly var item in items)
                *to++ = new LibC.UdmabufCreateItem { memfd = (uint)item.File.Fd, offset = item.OffsetBytes, size = item.SizeBytes };

            while (true)
            {
                var fd = LibC.ioctl(this, LibC.UDMABUF_CREATE_LIST, head);
                errno = fd < 0 ? LibC.LastErrno : Errno.None;
                if (errno != Errno.EINTR)
                    return fd < 0 ? null : DmabufHandle.Adopt(fd);
            }
        }
    }
}
