// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>What a filter of system calls may answer, where it finds what it judges, and how it is put in force. Source: <c>linux/seccomp.h</c>.</summary>
public static unsafe class SeccompFilter
{
    /// <summary>Where the call's number is.</summary>
    public const int NumberAt = 0;

    /// <summary>Where the architecture is whose number it is.</summary>
    public const int ArchitectureAt = 4;

    /// <summary>The call is made.</summary>
    public const uint Allow = LibC.SECCOMP_RET_ALLOW;

    /// <summary>The process ends.</summary>
    public const uint Kill = LibC.SECCOMP_RET_KILL_PROCESS;

    /// <summary>Where the lower half of an argument is.</summary>
    /// <param name="index">0 to 5.</param>
    public static int ArgumentAt(int index) => 16 + (8 * index);

    /// <summary>The call isn't made, and fails.</summary>
    /// <param name="errno">How.</param>
    public static uint Fail(Errno errno) => LibC.SECCOMP_RET_ERRNO | (uint)errno;

    /// <summary>Whether this kernel has such filters on this processor.</summary>
    /// <param name="errno">Why not.</param>
    public static bool IsAvailable(out Errno errno)
    {
        errno = Errno.ENOSYS;
        if (SyscallArchitecture.Current?.NumberOf("seccomp") is not { } number)
            return false;
        var action = Fail(Errno.EPERM) & 0xffff0000;
        // SAFETY: a pointer to a local.
        errno = LibC.syscall((nint)number, LibC.SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? LibC.LastErrno : Errno.None;
        return errno == Errno.None;
    }

    /// <summary>Puts a filter in force for every thread of this process, for good. Wants <see cref="ThisProcess.TryForbidNewPrivileges"/> before.</summary>
    /// <param name="program">The filter.</param>
    /// <returns>Why it can't be done.</returns>
    public static Errno TryInstall(BpfProgram program)
    {
        ArgumentNullException.ThrowIfNull(program);
        if (SyscallArchitecture.Current?.NumberOf("seccomp") is not { } number)
            return Errno.ENOSYS;
        var instructions = program.Instructions;
        if (instructions.Length is 0 or > LibC.BPF_MAXINSNS)
            return Errno.EINVAL;
        fixed (LibC.SockFilter* first = instructions)
        {
            // SAFETY: the instructions are pinned for the call, which copies them.
            var filter = new LibC.SockFprog { len = (ushort)instructions.Length, filter = first };
            var result = LibC.syscall((nint)number, LibC.SECCOMP_SET_MODE_FILTER, LibC.SECCOMP_FILTER_FLAG_TSYNC, &filter);
            return result < 0 ? LibC.LastErrno : result > 0 ? Errno.EAGAIN : Errno.None; // > 0: the thread that couldn't be brought along
        }
    }
}
