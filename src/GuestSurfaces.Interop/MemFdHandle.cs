// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>Which promises a memfd's owner has made about it. Source: <c>linux/fcntl.h</c>.</summary>
[Flags]
public enum FileSeals
{
    /// <summary>None, or a file that can't be sealed.</summary>
    None = 0,

    /// <summary>No more seals can be added.</summary>
    Seal = 1,

    /// <summary>The file never becomes shorter: mapping it can't raise SIGBUS, and udmabuf accepts it.</summary>
    Shrink = 2,

    /// <summary>The file never becomes longer.</summary>
    Grow = 4,

    /// <summary>Nobody writes to it any more.</summary>
    Write = 8,

    /// <summary>No new writers.</summary>
    FutureWrite = 16,
}

/// <summary>Memory as a file: guest RAM that a VMM shares, or pixel storage of our own.</summary>
public sealed class MemFdHandle : FdHandle, IFdHandle<MemFdHandle>
{
    private MemFdHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static MemFdHandle Adopt(int fd) => new(fd);

    /// <summary>The seals in force; <see cref="FileSeals.None"/> for a file that has none or can't have any.</summary>
    public unsafe FileSeals GetSeals()
    {
        var seals = LibC.fcntl(this, LibC.F_GET_SEALS, 0);
        return seals < 0 ? FileSeals.None : (FileSeals)seals;
    }

    /// <summary>Adds promises; mappings that are there already keep their rights.</summary>
    /// <param name="seals">What.</param>
    /// <returns>EINVAL: the kernel doesn't know one of them.</returns>
    public Errno AddSeals(FileSeals seals) => LibC.fcntl(this, LibC.F_ADD_SEALS, (nint)seals) < 0 ? LibC.LastErrno : Errno.None;

    /// <summary>Whether a mapping may be written: the descriptor is open for reading and writing, and no seal forbids it. What wl_shm wants of a pool.</summary>
    public unsafe bool IsWritable()
    {
        var flags = LibC.fcntl(this, LibC.F_GETFL, 0);
        return flags >= 0 && (flags & LibC.O_ACCMODE) == LibC.O_RDWR && (GetSeals() & (FileSeals.Write | FileSeals.FutureWrite)) == 0;
    }

    /// <summary>Whether the file's pages are huge ones: such a file can be mapped, but not written by system calls.</summary>
    public unsafe bool IsHuge()
    {
        const long hugetlbfsMagic = 0x958458f6;
        const int statfsBytes = 120;
        var raw = stackalloc byte[statfsBytes];
        // SAFETY: struct statfs has 120 bytes on 64-bit systems and starts with its type, a long.
        return LibC.fstatfs(this, raw) == 0 && *(long*)raw == hugetlbfsMagic;
    }

    /// <summary>Makes a memfd of a fixed size, sealed against growing and shrinking, so that its readers can map it without fear.</summary>
    /// <param name="name">Shown in /proc/PID/maps.</param>
    /// <param name="sizeBytes">Its size; the pages exist once written.</param>
    /// <param name="errno">Why it failed: EMFILE, ENOMEM.</param>
    /// <returns>The handle (the caller's), or null.</returns>
    public static MemFdHandle? TryCreateSealed(string name, ulong sizeBytes, out Errno errno) =>
        TryCreate(name, sizeBytes, FileSeals.Shrink | FileSeals.Grow | FileSeals.Seal, out errno);

    /// <summary>Makes a memfd with the given seals.</summary>
    /// <param name="name">Shown in /proc/PID/maps.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="seals">Seals to add.</param>
    /// <param name="errno">Why it failed.</param>
    /// <param name="hugePages">In huge pages of the default size, which must divide it, and of which an administrator has set some aside: guest RAM of a VMM may be.</param>
    /// <returns>The handle (the caller's), or null.</returns>
    public static unsafe MemFdHandle? TryCreate(string name, ulong sizeBytes, FileSeals seals, out Errno errno, bool hugePages = false)
    {
        const uint closeOnExecAllowSealing = 3, hugetlb = 4;
        var utf8 = System.Text.Encoding.UTF8.GetBytes(name + '\0');
        fixed (byte* p = utf8)
        {
            var fd = LibC.memfd_create(p, hugePages ? closeOnExecAllowSealing | hugetlb : closeOnExecAllowSealing);
            if (fd < 0)
            {
                errno = LibC.LastErrno;
                return null;
            }

            var handle = new MemFdHandle(fd);
            if (sizeBytes > long.MaxValue || LibC.ftruncate(handle, (long)sizeBytes) < 0 || (seals != 0 && LibC.fcntl(handle, LibC.F_ADD_SEALS, (nint)seals) < 0))
            {
                errno = LibC.LastErrno;
                handle.Dispose();
                return null;
            }

            errno = Errno.None;
            return handle;
        }
    }

    /// <summary>Changes the size of an unsealed memfd. For tests that play a hostile VMM.</summary>
    /// <param name="sizeBytes">The new size.</param>
    public Errno Truncate(ulong sizeBytes) => LibC.ftruncate(this, (long)sizeBytes) < 0 ? LibC.LastErrno : Errno.None;
}
