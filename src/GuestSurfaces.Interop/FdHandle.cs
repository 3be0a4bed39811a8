// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

/// <summary>
/// A file descriptor with one owner. The subclass says what kind of file it is; no <c>int</c> fd exists above this project.
/// Ownership: whoever holds the handle disposes it; a method that takes one says whether it borrows or adopts.
/// Thread: any, but only one at a time.
/// </summary>
public abstract class FdHandle : SafeHandle
{
    private protected FdHandle(int fd)
        : base(-1, ownsHandle: true) => SetHandle(fd);

    /// <inheritdoc/>
    public override bool IsInvalid => (int)handle < 0;

    internal int Fd => (int)handle;

    /// <summary>Which file this is: equal for every descriptor of one open file or dma-buf, unlike the fd number.</summary>
    /// <exception cref="SyscallException">The file's system won't say.</exception>
    public FileIdentity GetIdentity()
    {
        if (!TryStat(out var stat))
            throw new SyscallException("identifying a file", LibC.LastErrno);
        return new FileIdentity(((ulong)stat.stx_dev_major << 32) | stat.stx_dev_minor, stat.stx_ino);
    }

    /// <summary>The file's size in bytes now. 0 for files without one, and where the file's system won't say: a peer chose it.</summary>
    public ulong GetSizeBytes() => TryStat(out var stat) ? stat.stx_size : 0;

    /// <summary>
    /// What kind of file this is, as the kernel names it in /proc/self/fd. For a file that a peer chose: nothing is asked of the file itself, which could be
    /// anybody's and take its time to answer. Allocates nothing.
    /// </summary>
    public unsafe FileKind GetKind()
    {
        const int capacity = 64;
        var path = stackalloc byte[capacity];
        var target = stackalloc byte[capacity];
        // SAFETY: the prefix, ten digits at most and a NUL fit the block; readlink writes at most what it is told.
        var text = new Span<byte>(path, capacity);
        "/proc/self/fd/"u8.CopyTo(text);
        if (!((int)handle).TryFormat(text[14..], out var digits, default, System.Globalization.CultureInfo.InvariantCulture))
            return FileKind.Other;
        text[14 + digits] = 0;
        var n = LibC.readlink(path, target, capacity);
        var name = new ReadOnlySpan<byte>(target, (int)Math.Max(n, 0));
        if (name.StartsWith("/dmabuf:"u8))
            return FileKind.Dmabuf;
        if (name.StartsWith("/memfd:"u8))
            return FileKind.Memory;
        return name.SequenceEqual("anon_inode:sync_file"u8) ? FileKind.SyncFile : FileKind.Other;
    }

    /// <summary>Lets every read and write return at once instead of waiting, through any descriptor of this open file.</summary>
    public void SetNonBlocking()
    {
        var errno = TrySetNonBlocking();
        if (errno != Errno.None)
            throw new SyscallException("making a file non-blocking", errno);
    }

    /// <summary>Like <see cref="SetNonBlocking"/>, for a file that a peer chose.</summary>
    /// <returns>Why it can't be done.</returns>
    public Errno TrySetNonBlocking()
    {
        var flags = LibC.fcntl(this, LibC.F_GETFL, 0);
        return flags < 0 || LibC.fcntl(this, LibC.F_SETFL, flags | LibC.O_NONBLOCK) < 0 ? LibC.LastErrno : Errno.None;
    }

    /// <summary>A second descriptor of the same file, close-on-exec. Ownership: the caller's.</summary>
    /// <typeparam name="T">The kind of the new handle.</typeparam>
    public T Duplicate<T>()
        where T : FdHandle, IFdHandle<T>
    {
        var fd = LibC.fcntl(this, LibC.F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? throw new SyscallException("duplicating a file descriptor", LibC.LastErrno) : T.Adopt(fd);
    }

    /// <summary>Waits until there is something to read, or the other side is gone. Never on a loop's thread.</summary>
    /// <param name="timeoutMs">How long at most.</param>
    /// <returns>False if there is nothing by then, or this can't be waited for.</returns>
    public unsafe bool WaitReadable(int timeoutMs)
    {
        var poll = new LibC.PollFd { fd = Fd, events = LibC.POLLIN };
        while (true)
        {
            // SAFETY: one entry, a local.
            var n = LibC.poll(&poll, 1, timeoutMs);
            if (n >= 0 || LibC.LastErrno != Errno.EINTR)
                return n == 1 && (poll.revents & LibC.POLLIN) != 0;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.close((int)handle) == 0;

    /// <summary>Gives the descriptor away; this handle closes nothing afterwards.</summary>
    internal int Release()
    {
        var fd = (int)handle;
        SetHandleAsInvalid();
        return fd;
    }

    private unsafe bool TryStat(out LibC.Statx result)
    {
        const int emptyPath = 0x1000;
        const uint inodeAndSize = 0x300;
        LibC.Statx stat;
        byte nul = 0;
        // SAFETY: both pointers are to locals that outlive the call.
        var ok = LibC.statx(this, &nul, emptyPath, inodeAndSize, &stat) == 0;
        result = ok ? stat : default;
        return ok;
    }

    /// <summary>ioctl with one argument, again while it is interrupted.</summary>
    /// <param name="number">Which request.</param>
    /// <param name="argument">Its argument: read, and where the request says so written.</param>
    /// <returns>Why it failed, or <see cref="Errno.None"/>.</returns>
    internal unsafe Errno Request<T>(uint number, ref T argument)
        where T : unmanaged
    {
        fixed (T* pointer = &argument)
        {
            while (true)
            {
                // SAFETY: the argument is pinned, and of the type that the number tells.
                var errno = LibC.ioctl(this, number, pointer) < 0 ? LibC.LastErrno : Errno.None;
                if (errno is not (Errno.EINTR or Errno.EAGAIN))
                    return errno;
            }
        }
    }
}

/// <summary>A kind of descriptor that can take over an fd number. For <see cref="ReceivedFd.Take{T}"/> and <see cref="FdHandle.Duplicate{T}"/>.</summary>
/// <typeparam name="T">The kind.</typeparam>
public interface IFdHandle<T>
    where T : FdHandle, IFdHandle<T>
{
    /// <summary>Takes ownership of <paramref name="fd"/>.</summary>
    /// <param name="fd">An open descriptor that nobody else closes.</param>
    static abstract T Adopt(int fd);
}

/// <summary>The identity of an open file: what <c>fstat</c> calls st_dev and st_ino.</summary>
/// <param name="Device">Major number in the upper half, minor in the lower.</param>
/// <param name="Inode">Unique on that device; unique per dma-buf since Linux 5.3.</param>
public readonly record struct FileIdentity(ulong Device, ulong Inode);

/// <summary>A descriptor that came over a socket and whose kind is not known yet. Take it or dispose it.</summary>
public sealed class ReceivedFd : FdHandle, IFdHandle<ReceivedFd>
{
    private ReceivedFd(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static ReceivedFd Adopt(int fd) => new(fd);

    /// <summary>Gives the descriptor a kind. Ownership moves to the result; this handle is empty afterwards.</summary>
    /// <typeparam name="T">The kind that the protocol says it has.</typeparam>
    public T Take<T>()
        where T : FdHandle, IFdHandle<T> => T.Adopt(Release());
}

/// <summary>The kinds of files that peers send, as far as they are told apart.</summary>
public enum FileKind
{
    /// <summary>Anything else.</summary>
    Other,

    /// <summary>A dma-buf.</summary>
    Dmabuf,

    /// <summary>A memfd.</summary>
    Memory,

    /// <summary>A fence.</summary>
    SyncFile,
}

/// <summary>A sync_file: a fence as a file.</summary>
public sealed class SyncFileHandle : FdHandle, IFdHandle<SyncFileHandle>
{
    private SyncFileHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static SyncFileHandle Adopt(int fd) => new(fd);

    /// <summary>Waits until it signals. Never on a loop's thread.</summary>
    /// <param name="timeoutMs">How long at most.</param>
    /// <returns>False if it hasn't by then, or is no fence.</returns>
    public bool Wait(int timeoutMs) => WaitReadable(timeoutMs);
}

/// <summary>Any other file: a device node, a keymap, a config file.</summary>
public sealed class FileHandle : FdHandle, IFdHandle<FileHandle>
{
    private FileHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static FileHandle Adopt(int fd) => new(fd);

    /// <summary>Opens an existing file for reading and writing, close-on-exec.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="errno">Why it can't be opened.</param>
    /// <returns>The handle (the caller's), or null.</returns>
    public static unsafe FileHandle? TryOpen(string path, out Errno errno)
    {
        var utf8 = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* p = utf8)
        {
            var fd = LibC.open(p, LibC.O_RDWR | LibC.O_CLOEXEC, 0);
            errno = fd < 0 ? LibC.LastErrno : Errno.None;
            return fd < 0 ? null : new FileHandle(fd);
        }
    }
}
