// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>The kernel's error numbers that this project tells apart. Source: <c>asm-generic/errno.h</c>.</summary>
public enum Errno
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>Operation not permitted.</summary>
    EPERM = 1,

    /// <summary>No such file or directory.</summary>
    ENOENT = 2,

    /// <summary>Interrupted by a signal: do it again.</summary>
    EINTR = 4,

    /// <summary>Input or output error.</summary>
    EIO = 5,

    /// <summary>Bad file descriptor.</summary>
    EBADF = 9,

    /// <summary>Nothing there now: try when epoll says so.</summary>
    EAGAIN = 11,

    /// <summary>Out of memory.</summary>
    ENOMEM = 12,

    /// <summary>Permission denied.</summary>
    EACCES = 13,

    /// <summary>Already there.</summary>
    EEXIST = 17,

    /// <summary>No such device.</summary>
    ENODEV = 19,

    /// <summary>Invalid argument.</summary>
    EINVAL = 22,

    /// <summary>This process has no file descriptor left.</summary>
    EMFILE = 24,

    /// <summary>Not a request that this file knows.</summary>
    ENOTTY = 25,

    /// <summary>The other side of the pipe or socket is gone.</summary>
    EPIPE = 32,

    /// <summary>A path is longer than the kernel takes there.</summary>
    ENAMETOOLONG = 36,

    /// <summary>This kernel has no such call.</summary>
    ENOSYS = 38,

    /// <summary>Not this protocol's message: too long, wrong shape.</summary>
    EMSGSIZE = 90,

    /// <summary>Malformed message.</summary>
    EPROTO = 71,

    /// <summary>The file is of the wrong kind (udmabuf's answer to a file that is no memfd).</summary>
    EBADFD = 77,

    /// <summary>The kernel knows it, and was told not to do it.</summary>
    EOPNOTSUPP = 95,

    /// <summary>Something is already bound there.</summary>
    EADDRINUSE = 98,

    /// <summary>The peer closed the connection.</summary>
    ECONNRESET = 104,

    /// <summary>Nobody listens there.</summary>
    ECONNREFUSED = 111,
}

/// <summary>A system call that set-up depends on has failed. Never thrown on the frame path.</summary>
/// <param name="doing">What was being done, on what: "mapping guest RAM (512 MiB)".</param>
/// <param name="errno">What the kernel said.</param>
public sealed class SyscallException(string doing, Errno errno)
    : IOException($"{doing}: {errno} ({System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage((int)errno)})")
{
    /// <summary>What the kernel said.</summary>
    public Errno Errno { get; } = errno;
}
