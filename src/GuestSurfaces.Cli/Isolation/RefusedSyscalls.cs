// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Isolation;

/// <summary>
/// The system calls that a device model which has started never needs. What is refused is listed, not what is allowed: the runtime compiles and collects, and which calls that takes
/// differs between its versions and the C library's; an allow-list that is wrong once costs a VM its screen. Two things make up for that: calls newer than this list don't exist for the
/// process (ENOSYS, to which every runtime has an answer), and files are Landlock's. What is refused fails (EPERM) and doesn't kill, for the same reason.
/// </summary>
internal static class RefusedSyscalls
{
    private const uint CloneThread = 0x1_0000;
    private const uint CloneNewNamespaces = 0x7e02_0000; // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
    private const uint TIOCSTI = 0x5412;
    private const uint TIOCLINUX = 0x541c;

    private static readonly string[] s_always =
    [
        // Other programs, and other processes' memory and descriptors.
        "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_open", "pidfd_getfd",
        "pidfd_send_signal",

        // New sockets: those that it needs are there. So no network, and nobody else's socket: no session bus, no agent, no compositor.
        "socket", "socketpair", "connect", "bind", "listen",

        // The kernel's large and seldom-used sides.
        "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key", "request_key", "keyctl", "fanotify_init", "fanotify_mark",
        "memfd_secret", "lsm_set_self_attr", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink",

        // Mounts and namespaces.
        "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "statmount", "listmount", "unshare", "setns",
        "name_to_handle_at", "open_by_handle_at",

        // The machine.
        "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup",
        "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "migrate_pages", "move_pages", "iopl", "ioperm", "modify_ldt",

        // Who it is, and what Landlock doesn't watch: whose files are, and who may use them.
        "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset", "personality", "mknod", "mknodat",
        "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
        "utime", "utimes", "futimesat", "utimensat",
    ];

    // The runtime interrupts and ends its own threads. (tkill, which names no process, stays: some C libraries do that by it. Landlock watches it.)
    private static readonly string[] s_ofOthers = ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"];

    /// <summary>How many calls are refused, wholly or in part.</summary>
    public static int Count => s_always.Length + s_ofOthers.Length + 3;

    /// <summary>Assembles the filter.</summary>
    /// <param name="architecture">The only one whose calls are made at all.</param>
    /// <param name="processId">To which signals may be sent.</param>
    public static BpfProgram CreateFilter(SyscallArchitecture architecture, int processId)
    {
        var refuse = SeccompFilter.Fail(Errno.EPERM);
        var filter = new BpfProgram();
        filter.Load(SeccompFilter.ArchitectureAt);
        filter.IfNotEqual(architecture.AuditNumber, () => filter.Return(SeccompFilter.Kill)); // the same numbers mean other calls there, and nothing honest makes them
        filter.Load(SeccompFilter.NumberAt);

        // x86's x32 calls too, whose numbers are beyond 2^30.
        filter.IfGreater(SyscallArchitecture.NewestNumber, () => filter.Return(SeccompFilter.Fail(Errno.ENOSYS)));

        // What depends on arguments comes first: only such calls run through this at all, for the others the kernel has the answer ready (since 5.11).
        On("ioctl", () => ForArgument(1, () => // keystrokes into the terminal that it was started from
        {
            filter.IfEqual(TIOCSTI, () => filter.Return(refuse));
            filter.IfEqual(TIOCLINUX, () => filter.Return(refuse));
        }));
        foreach (var name in s_ofOthers)
            On(name, () => ForArgument(0, () => filter.IfNotEqual((uint)processId, () => filter.Return(refuse))));
        On("clone", () => ForArgument(0, () => // threads
        {
            filter.IfNoBit(CloneThread, () => filter.Return(refuse));
            filter.IfAnyBit(CloneNewNamespaces, () => filter.Return(refuse));
        }));

        // Its arguments are in memory, where no filter sees them; without it the C library takes clone.
        On("clone3", () => filter.Return(SeccompFilter.Fail(Errno.ENOSYS)));
        foreach (var name in s_always)
            On(name, () => filter.Return(refuse));
        filter.Return(SeccompFilter.Allow);
        return filter;

        void On(string name, Action block)
        {
            if (architecture.NumberOf(name) is { } number)
                filter.IfEqual(number, block);
        }

        void ForArgument(int index, Action tests)
        {
            filter.Load(SeccompFilter.ArgumentAt(index));
            tests();
            filter.Return(SeccompFilter.Allow);
        }
    }
}
