// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>
/// A program that was started with one descriptor under a chosen number, as vhost-user back-ends want it (<c>--fd=3</c>).
/// <see cref="System.Diagnostics.Process"/> can't do that without letting the descriptor leak into every other child of this process.
/// Ended through its pidfd, so never a stranger with the same number. Thread: one at a time.
/// </summary>
public sealed unsafe class ChildProcess : IDisposable
{
    /// <summary>The number under which the child finds the descriptor it was given.</summary>
    public const int InheritedFdNumber = 3;

    private readonly PidFdHandle _pidFd;
    private bool _reaped;
    private int _status;

    private ChildProcess(int id, PidFdHandle pidFd)
    {
        Id = id;
        _pidFd = pidFd;
    }

    /// <summary>The process id.</summary>
    public int Id { get; }

    /// <summary>What it returned; null while it runs, or if a signal ended it.</summary>
    public int? ExitCode => _reaped && (_status & 0x7f) == 0 ? (_status >> 8) & 0xff : null;

    /// <summary>The signal that ended it; null while it runs, or if it returned.</summary>
    public int? EndedBySignal => _reaped && (_status & 0x7f) != 0 ? _status & 0x7f : null;

    /// <summary>Starts a program found by PATH, with this process's environment and default signals (.NET itself ignores SIGPIPE).</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="inherited">Becomes descriptor <see cref="InheritedFdNumber"/> of the child; borrowed.</param>
    /// <param name="output">Becomes its standard output and error; borrowed. Null: shared with this process.</param>
    /// <param name="variable">NAME=VALUE, in its environment beside those that this process has.</param>
    /// <exception cref="SyscallException">The program can't be started.</exception>
    public static ChildProcess Start(IReadOnlyList<string> command, FdHandle? inherited, FdHandle? output, string? variable = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(command.Count);
        using var arguments = new NativeStrings(command);
        using var environment = NativeStrings.OfEnvironment(variable);
        var actions = stackalloc byte[LibC.SpawnActionsBytes];
        var attributes = stackalloc byte[LibC.SpawnAttributesBytes];
        var signals = stackalloc byte[LibC.SignalSetBytes];
        int pid;
        // SAFETY: the opaque types have room to spare, the string tables live until the end of this method; the calls that
        // only fail for want of memory are followed by posix_spawnp, which then fails too.
        _ = LibC.posix_spawn_file_actions_init(actions);
        _ = LibC.posix_spawnattr_init(attributes);
        _ = LibC.sigemptyset(signals);
        _ = LibC.posix_spawnattr_setsigmask(attributes, signals);
        _ = LibC.sigaddset(signals, LibC.SIGPIPE);
        _ = LibC.posix_spawnattr_setsigdefault(attributes, signals);
        _ = LibC.posix_spawnattr_setflags(attributes, LibC.POSIX_SPAWN_SETSIGDEF | LibC.POSIX_SPAWN_SETSIGMASK);
        if (output != null)
        {
            // Before the inherited one: the output's own number may be 3.
            _ = LibC.posix_spawn_file_actions_adddup2(actions, output.Fd, 1);
            _ = LibC.posix_spawn_file_actions_adddup2(actions, output.Fd, 2);
        }

        if (inherited != null)
            _ = LibC.posix_spawn_file_actions_adddup2(actions, inherited.Fd, InheritedFdNumber);
        var error = LibC.posix_spawnp(&pid, arguments.Table[0], actions, attributes, arguments.Table, environment.Table);
        _ = LibC.posix_spawn_file_actions_destroy(actions);
        _ = LibC.posix_spawnattr_destroy(attributes);
        if (error != 0)
            throw new SyscallException($"starting {command[0]}", (Errno)error);

        var pidFd = LibC.pidfd_open(pid, 0);
        return pidFd < 0
            ? throw new SyscallException($"watching {command[0]} (pid {pid})", LibC.LastErrno)
            : new ChildProcess(pid, PidFdHandle.Adopt(pidFd));
    }

    /// <summary>Becomes readable when it ends: for a loop to watch. Borrowed; leave the loop before disposing this.</summary>
    public FdHandle ExitEvent => _pidFd;

    /// <summary>Waits for its end.</summary>
    /// <param name="timeoutMs">-1: for ever. 0: only looks.</param>
    /// <returns>Whether it has ended.</returns>
    public bool WaitForExit(int timeoutMs)
    {
        if (_reaped)
            return true;
        var poll = new LibC.PollFd { fd = _pidFd.Fd, events = LibC.POLLIN };
        // SAFETY: pointers to locals.
        if (LibC.poll(&poll, 1, timeoutMs) <= 0)
            return false;
        int status;
        int waited;
        do
            waited = LibC.waitpid(Id, &status, 0);
        while (waited < 0 && LibC.LastErrno == Errno.EINTR);
        if (waited != Id)
            throw new SyscallException($"collecting the exit status of process {Id}", LibC.LastErrno);
        _status = status;
        return _reaped = true;
    }

    /// <summary>Ends it at once, and waits until it is gone.</summary>
    public void Kill()
    {
        if (_reaped)
            return;
        _ = LibC.pidfd_send_signal(_pidFd, LibC.SIGKILL, null, 0); // ESRCH: it was faster
        _ = WaitForExit(-1);
    }

    /// <summary>Asks it to end (SIGTERM).</summary>
    public void RequestExit()
    {
        if (!_reaped)
            _ = LibC.pidfd_send_signal(_pidFd, LibC.SIGTERM, null, 0); // ESRCH: it has ended
    }

    /// <summary>Ends it if it still runs.</summary>
    public void Dispose()
    {
        if (_pidFd.IsClosed)
            return;
        Kill();
        _pidFd.Dispose();
    }
}

/// <summary>A process as a file: readable once it has ended.</summary>
public sealed class PidFdHandle : FdHandle, IFdHandle<PidFdHandle>
{
    private PidFdHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static PidFdHandle Adopt(int fd) => new(fd);
}
