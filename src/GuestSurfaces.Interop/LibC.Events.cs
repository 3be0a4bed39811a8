// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

internal static unsafe partial class LibC
{
    internal const int EFD_CLOEXEC = 0x80000;
    internal const int EFD_NONBLOCK = 0x800;
    internal const int EPOLL_CLOEXEC = 0x80000;
    internal const int EPOLL_CTL_ADD = 1;
    internal const int EPOLL_CTL_DEL = 2;
    internal const int EPOLL_CTL_MOD = 3;
    internal const nint SYS_epoll_pwait2 = 441; // on all machines alike
    internal const int CLOCK_MONOTONIC = 1;
    internal const short POLLIN = 1;
    internal const short POLLOUT = 4;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int epoll_create1(int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int epoll_ctl(FdHandle epoll, int operation, FdHandle fd, void* change);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int epoll_wait(FdHandle epoll, void* events, int capacity, int timeoutMs);

    // As epoll_pwait2, which only newer C libraries have.
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint syscall(nint number, FdHandle epoll, void* events, nint capacity, Timespec* timeout, void* signals, nuint signalsBytes);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int poll(PollFd* fds, nuint count, int timeoutMs);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int fd;
        internal short events;
        internal short revents;
    }
}
