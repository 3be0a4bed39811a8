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

    private const int Most = 64;

    private static volatile bool s_hasNoNanoseconds;

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
        var raw = stackalloc byte[Most * 16];
        // SAFETY: room for Most events of the larger layout.
        return Take(raw, LibC.epoll_wait(this, raw, Math.Min(Most, results.Length), timeoutMs), results);
    }

    /// <summary>Waits for reports until a time, to the microsecond where the kernel can (Linux 5.11), else to the millisecond after it: no timer's file is needed.</summary>
    /// <param name="results">Filled from the start; at most 64 at a time.</param>
    /// <param name="monotonicNs">CLOCK_MONOTONIC; one that has passed: don't wait. <see cref="long.MaxValue"/>: for ever.</param>
    /// <returns>How many reports there are; 0 when it is time or when a signal came.</returns>
    public unsafe int WaitUntil(Span<EpollResult> results, long monotonicNs)
    {
        if (monotonicNs == long.MaxValue)
            return Wait(results, -1);
        var leftNs = Math.Max(monotonicNs - KernelClock.NowNs(), 0);
        if (s_hasNoNanoseconds)
            return Wait(results, (int)Math.Min((leftNs + 999_999) / 1_000_000, int.MaxValue));
        var left = new LibC.Timespec { tv_sec = leftNs / 1_000_000_000, tv_nsec = leftNs % 1_000_000_000 };
        var raw = stackalloc byte[Most * 16];
        // SAFETY: as in Wait; the time is a local, no signal mask is given.
        var n = (int)LibC.syscall(LibC.SYS_epoll_pwait2, this, raw, Math.Min(Most, results.Length), &left, null, 0);
        if (n >= 0 || LibC.LastErrno != Errno.ENOSYS)
            return Take(raw, n, results);
        s_hasNoNanoseconds = true;
        return WaitUntil(results, monotonicNs);
    }

    private static unsafe int Take(byte* raw, int count, Span<EpollResult> results)
    {
        if (count < 0)
            return LibC.LastErrno == Errno.EINTR ? 0 : throw new SyscallException("waiting for events", LibC.LastErrno);
        for (var i = 0; i < count; i++)
        {
            var e = raw + (i * s_eventSize);
            results[i] = new EpollResult((EpollEvents)Unsafe.ReadUnaligned<uint>(e), Unsafe.ReadUnaligned<ulong>(e + s_eventSize - 8));
        }

        return count;
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
