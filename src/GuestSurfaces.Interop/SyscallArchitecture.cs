// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Interop;

/// <summary>A processor's numbers for system calls. Source: <c>asm/unistd.h</c>; only those are here that a filter of ours names.</summary>
public sealed class SyscallArchitecture
{
    /// <summary>The highest number of the kernel whose calls are known here, 6.10 (mseal). Numbers have been the same on all architectures since 424.</summary>
    public const uint NewestNumber = 462;

    private readonly bool _isArm64;

    private SyscallArchitecture(uint auditNumber, bool isArm64)
    {
        AuditNumber = auditNumber;
        _isArm64 = isArm64;
    }

    /// <summary>64-bit x86.</summary>
    public static SyscallArchitecture X64 { get; } = new(LibC.AUDIT_ARCH_X86_64, isArm64: false);

    /// <summary>64-bit ARM.</summary>
    public static SyscallArchitecture Arm64 { get; } = new(LibC.AUDIT_ARCH_AARCH64, isArm64: true);

    /// <summary>This process's; null if it is none of them.</summary>
    public static SyscallArchitecture? Current => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => X64,
        Architecture.Arm64 => Arm64,
        _ => null,
    };

    /// <summary>Every name known.</summary>
    public static IEnumerable<string> Names => s_numbers.Keys;

    /// <summary>The kernel's name for it among those whose calls it tells apart.</summary>
    public uint AuditNumber { get; }

    /// <summary>A call's number.</summary>
    /// <param name="name">The kernel's name for it.</param>
    /// <returns>Null if this architecture lacks it.</returns>
    /// <exception cref="KeyNotFoundException">The name isn't in the table.</exception>
    public uint? NumberOf(string name)
    {
        var (x64, arm64) = s_numbers[name];
        var number = _isArm64 ? arm64 : x64;
        return number < 0 ? null : (uint)number;
    }

    // x86-64, arm64; -1: there is none.
    private static readonly Dictionary<string, (int X64, int Arm64)> s_numbers = new()
    {
        ["execve"] = (59, 221),
        ["execveat"] = (322, 281),
        ["fork"] = (57, -1),
        ["vfork"] = (58, -1),
        ["clone"] = (56, 220),
        ["clone3"] = (435, 435),
        ["ptrace"] = (101, 117),
        ["process_vm_readv"] = (310, 270),
        ["process_vm_writev"] = (311, 271),
        ["process_madvise"] = (440, 440),
        ["process_mrelease"] = (448, 448),
        ["kcmp"] = (312, 272),
        ["pidfd_open"] = (434, 434),
        ["pidfd_getfd"] = (438, 438),
        ["pidfd_send_signal"] = (424, 424),
        ["kill"] = (62, 129),
        ["tgkill"] = (234, 131),
        ["rt_sigqueueinfo"] = (129, 138),
        ["rt_tgsigqueueinfo"] = (297, 240),
        ["socket"] = (41, 198),
        ["socketpair"] = (53, 199),
        ["connect"] = (42, 203),
        ["bind"] = (49, 200),
        ["listen"] = (50, 201),
        ["ioctl"] = (16, 29),
        ["mount"] = (165, 40),
        ["umount2"] = (166, 39),
        ["pivot_root"] = (155, 41),
        ["chroot"] = (161, 51),
        ["move_mount"] = (429, 429),
        ["open_tree"] = (428, 428),
        ["fsopen"] = (430, 430),
        ["fsconfig"] = (431, 431),
        ["fsmount"] = (432, 432),
        ["fspick"] = (433, 433),
        ["mount_setattr"] = (442, 442),
        ["statmount"] = (457, 457),
        ["listmount"] = (458, 458),
        ["unshare"] = (272, 97),
        ["setns"] = (308, 268),
        ["bpf"] = (321, 280),
        ["perf_event_open"] = (298, 241),
        ["userfaultfd"] = (323, 282),
        ["io_uring_setup"] = (425, 425),
        ["io_uring_enter"] = (426, 426),
        ["io_uring_register"] = (427, 427),
        ["add_key"] = (248, 217),
        ["request_key"] = (249, 218),
        ["keyctl"] = (250, 219),
        ["fanotify_init"] = (300, 262),
        ["fanotify_mark"] = (301, 263),
        ["name_to_handle_at"] = (303, 264),
        ["open_by_handle_at"] = (304, 265),
        ["init_module"] = (175, 105),
        ["finit_module"] = (313, 273),
        ["delete_module"] = (176, 106),
        ["kexec_load"] = (246, 104),
        ["kexec_file_load"] = (320, 294),
        ["reboot"] = (169, 142),
        ["swapon"] = (167, 224),
        ["swapoff"] = (168, 225),
        ["acct"] = (163, 89),
        ["quotactl"] = (179, 60),
        ["quotactl_fd"] = (443, 443),
        ["syslog"] = (103, 116),
        ["vhangup"] = (153, 58),
        ["setuid"] = (105, 146),
        ["setgid"] = (106, 144),
        ["setreuid"] = (113, 145),
        ["setregid"] = (114, 143),
        ["setresuid"] = (117, 147),
        ["setresgid"] = (119, 149),
        ["setgroups"] = (116, 159),
        ["setfsuid"] = (122, 151),
        ["setfsgid"] = (123, 152),
        ["capset"] = (126, 91),
        ["personality"] = (135, 92),
        ["sethostname"] = (170, 161),
        ["setdomainname"] = (171, 162),
        ["settimeofday"] = (164, 170),
        ["clock_settime"] = (227, 112),
        ["clock_adjtime"] = (305, 266),
        ["adjtimex"] = (159, 171),
        ["migrate_pages"] = (256, 238),
        ["move_pages"] = (279, 239),
        ["iopl"] = (172, -1),
        ["ioperm"] = (173, -1),
        ["modify_ldt"] = (154, -1),
        ["mknod"] = (133, -1),
        ["mknodat"] = (259, 33),
        ["chmod"] = (90, -1),
        ["fchmod"] = (91, 52),
        ["fchmodat"] = (268, 53),
        ["fchmodat2"] = (452, 452),
        ["chown"] = (92, -1),
        ["fchown"] = (93, 55),
        ["lchown"] = (94, -1),
        ["fchownat"] = (260, 54),
        ["setxattr"] = (188, 5),
        ["lsetxattr"] = (189, 6),
        ["fsetxattr"] = (190, 7),
        ["removexattr"] = (197, 14),
        ["lremovexattr"] = (198, 15),
        ["fremovexattr"] = (199, 16),
        ["utime"] = (132, -1),
        ["utimes"] = (235, -1),
        ["futimesat"] = (261, -1),
        ["utimensat"] = (280, 88),
        ["mq_open"] = (240, 180),
        ["mq_unlink"] = (241, 181),
        ["shmget"] = (29, 194),
        ["shmat"] = (30, 196),
        ["shmctl"] = (31, 195),
        ["semget"] = (64, 190),
        ["semctl"] = (66, 191),
        ["semop"] = (65, 193),
        ["semtimedop"] = (220, 192),
        ["msgget"] = (68, 186),
        ["msgsnd"] = (69, 189),
        ["msgrcv"] = (70, 188),
        ["msgctl"] = (71, 187),
        ["seccomp"] = (317, 277),
        ["memfd_secret"] = (447, 447),
        ["lsm_set_self_attr"] = (460, 460),
    };
}
