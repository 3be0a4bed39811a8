// SPDX-License-Identifier: MIT
using System.Text;

namespace GuestSurfaces.Interop;

/// <summary>What may be done with files beneath a path. Source: <c>linux/landlock.h</c>.</summary>
[Flags]
public enum LandlockAccess : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Start it as a program.</summary>
    Execute = LibC.LANDLOCK_ACCESS_FS_EXECUTE,

    /// <summary>Open it for reading.</summary>
    ReadFile = LibC.LANDLOCK_ACCESS_FS_READ_FILE,

    /// <summary>List a folder.</summary>
    ReadDirectory = LibC.LANDLOCK_ACCESS_FS_READ_DIR,

    /// <summary>Open it for writing.</summary>
    WriteFile = LibC.LANDLOCK_ACCESS_FS_WRITE_FILE,

    /// <summary>Cut it, which opening with O_TRUNC does too.</summary>
    Truncate = LibC.LANDLOCK_ACCESS_FS_TRUNCATE,

    /// <summary>Give a device requests of its own.</summary>
    ControlDevice = LibC.LANDLOCK_ACCESS_FS_IOCTL_DEV,

    /// <summary>Bind a socket in a folder.</summary>
    MakeSocket = LibC.LANDLOCK_ACCESS_FS_MAKE_SOCK,

    /// <summary>Remove what isn't a folder from a folder.</summary>
    RemoveFile = LibC.LANDLOCK_ACCESS_FS_REMOVE_FILE,
}

/// <summary>
/// A confinement of the kernel's Landlock: files that are named can be used as said, all others not at all; no TCP; no signals to processes outside and no abstract sockets of theirs, as
/// far as this kernel's Landlock knows these. It can be made narrower later, never wider. Thread: one at a time.
/// </summary>
public sealed unsafe class LandlockRuleset : FdHandle
{
    /// <summary>The newest version whose rights are known here; of a newer kernel only these are used.</summary>
    public const int NewestVersion = 6;

    // By version, what it was the first to know: rights on files are all denied that nobody allows.
    private const ulong FilesSince1 = (1 << 13) - 1;

    private const LandlockAccess OfFiles = LandlockAccess.Execute | LandlockAccess.ReadFile | LandlockAccess.WriteFile | LandlockAccess.Truncate | LandlockAccess.ControlDevice;

    private readonly ulong _handledFiles;

    private LandlockRuleset(int fd, int version, ulong handledFiles)
        : base(fd)
    {
        Version = version;
        _handledFiles = handledFiles;
    }

    /// <summary>The version in use: 1 files; 2 moving between folders; 3 truncating; 4 TCP; 5 devices' requests; 6 signals and abstract sockets.</summary>
    public int Version { get; }

    /// <summary>The running kernel's version, which may be newer than any known here.</summary>
    /// <param name="errno">Why there is none: ENOSYS, the kernel was built without it; EOPNOTSUPP, it was started without it.</param>
    /// <returns>0 without Landlock.</returns>
    public static int GetKernelVersion(out Errno errno)
    {
        // SAFETY: the version is asked for without attributes.
        var version = LibC.syscall(LibC.SYS_landlock_create_ruleset, null, 0, LibC.LANDLOCK_CREATE_RULESET_VERSION);
        errno = version < 0 ? LibC.LastErrno : Errno.None;
        return (int)Math.Max(version, 0);
    }

    /// <summary>Makes one that allows nothing yet and is in force nowhere.</summary>
    /// <param name="errno">Why there is none.</param>
    /// <returns>The ruleset (the caller's), or null.</returns>
    public static LandlockRuleset? TryCreate(out Errno errno)
    {
        var version = Math.Min(GetKernelVersion(out errno), NewestVersion);
        if (version == 0)
            return null;
        var files = FilesSince1;
        if (version >= 2)
            files |= LibC.LANDLOCK_ACCESS_FS_REFER;
        if (version >= 3)
            files |= LibC.LANDLOCK_ACCESS_FS_TRUNCATE;
        if (version >= 5)
            files |= LibC.LANDLOCK_ACCESS_FS_IOCTL_DEV;
        // struct landlock_ruleset_attr: files since 1, TCP since 4, scopes since 6. A kernel takes a longer one if the rest is zero.
        var handled = stackalloc ulong[3]
        {
            files,
            version >= 4 ? LibC.LANDLOCK_ACCESS_NET_BIND_TCP | LibC.LANDLOCK_ACCESS_NET_CONNECT_TCP : 0,
            version >= 6 ? LibC.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LibC.LANDLOCK_SCOPE_SIGNAL : 0,
        };
        // SAFETY: three words, as many as are said.
        var fd = (int)LibC.syscall(LibC.SYS_landlock_create_ruleset, handled, 3 * sizeof(ulong), 0);
        errno = fd < 0 ? LibC.LastErrno : Errno.None;
        return fd < 0 ? null : new LandlockRuleset(fd, version, files);
    }

    /// <summary>Allows something with a file, or with all that is in a folder and below it.</summary>
    /// <param name="path">Of something that is there; a link counts as what it points to.</param>
    /// <param name="access">What. Rights that this kernel doesn't tell apart, and those of folders where the path is a file's, are left out.</param>
    /// <returns>ENOENT if it isn't there, or why else not.</returns>
    public Errno TryAllow(string path, LandlockAccess access)
    {
        var utf8 = Encoding.UTF8.GetBytes(path + '\0');
        // SAFETY: the path is pinned for the call; the rule is a local.
        fixed (byte* p = utf8)
        {
            var fd = LibC.open(p, LibC.O_PATH | LibC.O_CLOEXEC, 0);
            if (fd < 0)
                return LibC.LastErrno;
            using var file = ReceivedFd.Adopt(fd);
            var rule = new LibC.LandlockPathBeneathAttr
            {
                allowed_access = (ulong)(Directory.Exists(path) ? access : access & OfFiles) & _handledFiles,
                parent_fd = fd,
            };
            return LibC.syscall(LibC.SYS_landlock_add_rule, this, LibC.LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? LibC.LastErrno : Errno.None;
        }
    }

    /// <summary>Puts it in force for the calling thread and whatever it becomes or starts. Wants <see cref="ThisProcess.TryForbidNewPrivileges"/> before.</summary>
    /// <returns>Why it can't be done.</returns>
    public Errno TryConfineThread() => LibC.syscall(LibC.SYS_landlock_restrict_self, this, 0) < 0 ? LibC.LastErrno : Errno.None;
}
