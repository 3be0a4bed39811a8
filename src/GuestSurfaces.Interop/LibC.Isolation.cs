// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

internal static unsafe partial class LibC
{
    internal const int O_PATH = 0x200000;

    internal const int PR_SET_DUMPABLE = 4;
    internal const int PR_SET_NO_NEW_PRIVS = 38;
    internal const int RLIMIT_CORE = 4;

    internal const int SECCOMP_SET_MODE_FILTER = 1;
    internal const int SECCOMP_GET_ACTION_AVAIL = 2;
    internal const uint SECCOMP_FILTER_FLAG_TSYNC = 1;
    internal const uint SECCOMP_RET_KILL_PROCESS = 0x80000000;
    internal const uint SECCOMP_RET_ERRNO = 0x00050000;
    internal const uint SECCOMP_RET_ALLOW = 0x7fff0000;
    internal const uint AUDIT_ARCH_X86_64 = 0xc000003e;
    internal const uint AUDIT_ARCH_AARCH64 = 0xc00000b7;

    internal const ushort BPF_LD = 0x00;
    internal const ushort BPF_JMP = 0x05;
    internal const ushort BPF_RET = 0x06;
    internal const ushort BPF_W = 0x00;
    internal const ushort BPF_ABS = 0x20;
    internal const ushort BPF_JEQ = 0x10;
    internal const ushort BPF_JGT = 0x20;
    internal const ushort BPF_JSET = 0x40;
    internal const ushort BPF_K = 0x00;
    internal const int BPF_MAXINSNS = 4096;

    // The same numbers on every architecture.
    internal const int SYS_landlock_create_ruleset = 444;
    internal const int SYS_landlock_add_rule = 445;
    internal const int SYS_landlock_restrict_self = 446;

    internal const uint LANDLOCK_CREATE_RULESET_VERSION = 1;
    internal const int LANDLOCK_RULE_PATH_BENEATH = 1;
    internal const ulong LANDLOCK_ACCESS_FS_EXECUTE = 1 << 0;
    internal const ulong LANDLOCK_ACCESS_FS_WRITE_FILE = 1 << 1;
    internal const ulong LANDLOCK_ACCESS_FS_READ_FILE = 1 << 2;
    internal const ulong LANDLOCK_ACCESS_FS_READ_DIR = 1 << 3;
    internal const ulong LANDLOCK_ACCESS_FS_REMOVE_DIR = 1 << 4;
    internal const ulong LANDLOCK_ACCESS_FS_REMOVE_FILE = 1 << 5;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_CHAR = 1 << 6;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_DIR = 1 << 7;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_REG = 1 << 8;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_SOCK = 1 << 9;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_FIFO = 1 << 10;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_BLOCK = 1 << 11;
    internal const ulong LANDLOCK_ACCESS_FS_MAKE_SYM = 1 << 12;
    internal const ulong LANDLOCK_ACCESS_FS_REFER = 1 << 13;
    internal const ulong LANDLOCK_ACCESS_FS_TRUNCATE = 1 << 14;
    internal const ulong LANDLOCK_ACCESS_FS_IOCTL_DEV = 1 << 15;
    internal const ulong LANDLOCK_ACCESS_NET_BIND_TCP = 1 << 0;
    internal const ulong LANDLOCK_ACCESS_NET_CONNECT_TCP = 1 << 1;
    internal const ulong LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0;
    internal const ulong LANDLOCK_SCOPE_SIGNAL = 1 << 1;

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setrlimit(int resource, RLimit* limit);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int execve(byte* path, byte** argv, byte** envp);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int chown(byte* path, uint owner, uint group);

    [LibraryImport(Library)]
    internal static partial int getgrnam_r(byte* name, Group* group, byte* buffer, nuint capacity, Group** result);

    // The C library has no functions of their own for these.
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint syscall(nint number, nuint argument1, nuint argument2, void* argument3);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint syscall(nint number, void* argument1, nuint argument2, uint argument3);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint syscall(nint number, FdHandle argument1, nuint argument2, void* argument3, uint argument4);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint syscall(nint number, FdHandle argument1, uint argument2);

    /// <summary><c>struct rlimit</c> on 64-bit systems.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RLimit
    {
        internal ulong rlim_cur;
        internal ulong rlim_max;
    }

    /// <summary><c>struct group</c> of glibc and musl.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Group
    {
        internal byte* gr_name;
        internal byte* gr_passwd;
        internal uint gr_gid;
        internal byte** gr_mem;
    }

    /// <summary><c>struct sock_filter</c>: one instruction of classic BPF.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SockFilter
    {
        internal ushort code;
        internal byte jt;
        internal byte jf;
        internal uint k;
    }

    /// <summary><c>struct sock_fprog</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SockFprog
    {
        internal ushort len;
        internal SockFilter* filter;
    }

    /// <summary><c>struct seccomp_data</c>: what a filter looks at.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct SeccompData
    {
        internal int nr;
        internal uint arch;
        internal ulong instruction_pointer;
        internal fixed ulong args[6];
    }

    /// <summary><c>struct landlock_path_beneath_attr</c>, which is packed.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    internal struct LandlockPathBeneathAttr
    {
        internal ulong allowed_access;
        internal int parent_fd;
    }
}
