// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

/// <summary>What to wait for on a file, and what came. Source: <c>sys/epoll.h</c>.</summary>
[Flags]
public enum EpollEvents : uint
{
    /// <summary>Nothing (errors and hang-ups are always reported).</summary>
    None = 0,

    /// <summary>Readable.</summary>
    In = 1,

    /// <summary>Writable.</summary>
    Out = 4,

    /// <summary>Error.</summary>
    Error = 8,

    /// <summary>Hang-up.</summary>
    HangUp = 0x10,
}

/// <summary>One thing that epoll reports.</summary>
/// <param name="Events">What came.</param>
/// <param name="Token">The number given when the file was added.</param>
public readonly record struct EpollResult(EpollEvents Events, ulong Token);

/// <summary>An epoll set. Take a file out of it before closing the file. Thread: its loop's.</summary>
public sealed class EpollHandle : FdHandle, IFdHandle<EpollHandle>
{
    // struct epoll_event is packed (12 bytes) on x86-64 alone.
    private static readonly int s_eventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private EpollHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static EpollHandle Adopt(int fd) => new(fd);

    /// <summary>Makes an empty set. Ownership: the caller's.</summary>
    public static EpollHandle Create()
    {
        var fd = LibC.epoll_create1(LibC.EPOLL_CLOEXEC);
        return fd < 0 ? throw new SyscallException("creating an epoll set", LibC.LastErrno) : new EpollHandle(fd);
    }

    /// <summary>Adds a file. Borrowed: it must leave the set before it is closed.</summary>
    /// <param name="fd">The file.</param>
    /// <param name="events">What to report.</param>
    /// <param name="token">Comes back with each report.</param>
    /// <returns>EPERM for a file that can't be polled: a peer may send any file as an eventfd.</returns>
    public Errno Add(FdHandle fd, EpollEvents events, ulong token) => Control(LibC.EPOLL_CTL_ADD, fd, events, token);

    /// <summary>Changes what is reported for a file in the set.</summary>
    /// <param name="fd">The file.</param>
    /// <param name="events">What to report from now on.</param>
    /// <param name="token">Comes back with each report.</param>
    public Errno Modify(FdHandle fd, EpollEvents events, ulong token) => Control(LibC.EPOLL_CTL_MOD, fd, events, token);

    /// <summary>Takes a file out of the set.</summary>
    /// <param name="fd">The file.</param>
    public Errno Remove(FdHandle fd) => Control(LibC.EPOLL_CTL_DEL, fd, EpollEvents.None, 0);

    /// <summary>Waits for reports.</summary>
    /// <param name="results">Filled from the start; at most 64 at a time.</param>
    /// <param name="timeoutMs">-1: for ever. 0: don't wait.</param>
    /// <returns>How many reports there are; 0 on time-out or when a signal came.</returns>
    public unsafe int Wait(Span<EpollResult> results, int timeoutMs)
    {
        const int most = 64;
        var raw = stackalloc byte[most * 16];
        // SAFETY: room for `most` events of the larger layout.
        var n = LibC.epoll_wait(this, raw, Math.Min(most, results.Length), timeoutMs);
        if (n < 0)
            return LibC.LastErrno == Errno.EINTR ? 0 : throw new SyscallException("waiting for events", LibC.LastErrno);
        for (var i = 0; i < n; i++)
        {
            var e = raw + (i * s_eventSize);
            results[i] = new EpollResult((EpollEvents)Unsafe.ReadUnaligned<uint>(e), Unsafe.ReadUnaligned<ulong>(e + s_eventSize - 8));
        }

        return n;
    }

    private unsafe Errno Control(int operation, FdHandle fd, EpollEvents events, ulong token)
    {
        var raw = stackalloc byte[16];
        // SAFETY: 16 bytes hold either layout.
        Unsafe.WriteUnaligned(raw, (uint)events);
        Unsafe.WriteUnaligned(raw + s_eventSize - 8, token);
        return LibC.epoll_ctl(this, operation, fd, raw) < 0 ? LibC.LastErrno : Errno.None;
    }
}
