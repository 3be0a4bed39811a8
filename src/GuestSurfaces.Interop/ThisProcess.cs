// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>Whose this process is, what it gives up for good, and how it becomes another program. Source: prctl(2), getrlimit(2), execve(2).</summary>
public static unsafe class ThisProcess
{
    /// <summary>Whose it is, by number.</summary>
    public static uint UserId => LibC.getuid();

    /// <summary>
    /// Nothing that this thread starts gains rights by set-user-id files or the like, and an unprivileged process may then confine itself. Thread: concerns the calling one, and
    /// whatever it becomes by <see cref="Become"/>.
    /// </summary>
    /// <returns>Why it can't be done.</returns>
    public static Errno TryForbidNewPrivileges() => LibC.prctl(LibC.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? LibC.LastErrno : Errno.None;

    /// <summary>A crash leaves no file with this process's memory. Kept by <see cref="Become"/>.</summary>
    /// <returns>Why it can't be done.</returns>
    public static Errno TryForbidCoreDumps()
    {
        var none = default(LibC.RLimit);
        // SAFETY: a pointer to a local.
        return LibC.setrlimit(LibC.RLIMIT_CORE, &none) < 0 ? LibC.LastErrno : Errno.None;
    }

    /// <summary>Other processes of this user can't look into this one's memory and descriptors: no debugger, no /proc/PID/mem. Lost by <see cref="Become"/>.</summary>
    /// <returns>Why it can't be done.</returns>
    public static Errno TryForbidDebuggers() => LibC.prctl(LibC.PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? LibC.LastErrno : Errno.None;

    /// <summary>
    /// Goes on as another program in this process's place: same process id, same descriptors but those that are close-on-exec, same limits, same confinement of the calling thread.
    /// All other threads end.
    /// </summary>
    /// <param name="command">The program's path and its arguments. The environment is <see cref="Environment"/>'s.</param>
    /// <returns>Why it can't be done; else it doesn't return.</returns>
    public static Errno Become(IReadOnlyList<string> command)
    {
        ArgumentOutOfRangeException.ThrowIfZero(command.Count);
        using var arguments = new NativeStrings(command);
        using var environment = NativeStrings.OfEnvironment();
        // SAFETY: the tables live until the call returns, if it does.
        _ = LibC.execve(arguments.Table[0], arguments.Table, environment.Table);
        return LibC.LastErrno;
    }
}
