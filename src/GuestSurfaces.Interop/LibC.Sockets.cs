// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

internal static unsafe partial class LibC
{
    internal const int AF_UNIX = 1;
    internal const int SOCK_STREAM = 1;
    internal const int SOCK_SEQPACKET = 5;
    internal const int SOCK_CLOEXEC = 0x80000;
    internal const int SOCK_NONBLOCK = 0x800;
    internal const int SOL_SOCKET = 1;
    internal const int SCM_RIGHTS = 1;
    internal const int SO_PEERCRED = 17;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const int MSG_CMSG_CLOEXEC = 0x40000000;
    internal const int MSG_CTRUNC = 8;
    internal const int MSG_TRUNC = 0x20;
    internal const int MSG_DONTWAIT = 0x40;
    internal const int SHUT_RDWR = 2;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int bind(FdHandle socket, byte* address, uint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int connect(FdHandle socket, byte* address, uint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int listen(FdHandle socket, int backlog);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int accept4(FdHandle socket, void* address, void* length, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getsockopt(FdHandle socket, int level, int name, void* value, uint* length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int shutdown(FdHandle socket, int how);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint sendmsg(FdHandle socket, MsgHdr* message, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint recvmsg(FdHandle socket, MsgHdr* message, int flags);

    /// <summary><c>struct ucred</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PeerCredentials
    {
        internal int pid;
        internal uint uid;
        internal uint gid;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVec
    {
        internal void* iov_base;
        internal nuint iov_len;
    }

    /// <summary><c>struct msghdr</c> of glibc on 64-bit systems.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct MsgHdr
    {
        internal void* msg_name;
        internal uint msg_namelen;
        internal IoVec* msg_iov;
        internal nuint msg_iovlen;
        internal void* msg_control;
        internal nuint msg_controllen;
        internal int msg_flags;
    }

    /// <summary><c>struct cmsghdr</c> on 64-bit systems; the payload follows at 16, everything is 8-aligned.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct CmsgHdr
    {
        internal nuint cmsg_len;
        internal int cmsg_level;
        internal int cmsg_type;
    }
}
