// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>
/// The VMM that the user's command line started; the loop stops when it has ended. The device goes on serving it while it is asked to: QEMU waits for its back-ends' answers while it
/// closes its disks. Only one that hangs is killed. Thread: the loop's.
/// </summary>
internal sealed class VmProcess : IDisposable
{
    private const long PatienceNs = 8_000_000_000;
    private const long CheckNs = 500_000_000;

    private readonly ChildProcess _process;
    private readonly FdWatch _watch;
    private readonly TimerQueue _timers;
    private readonly LoopTimer _check;
    private long _requestedNs;

    /// <summary>Starts it.</summary>
    /// <param name="command">The completed command line.</param>
    /// <param name="loop">What to stop when it has ended.</param>
    /// <exception cref="UserErrorException">It can't be started.</exception>
    public VmProcess(IReadOnlyList<string> command, EventLoop loop)
    {
        _timers = loop.Timers;
        _process = Start(command);
        _watch = loop.Watch(_process.ExitEvent, EpollEvents.In, new StopLoop(loop));
        _check = _timers.Create(Check);
        _check.ArmIn(CheckNs);
    }

    /// <summary>Asks it to end. Thread: any.</summary>
    public void RequestEnd()
    {
        _process.RequestExit();
        Interlocked.CompareExchange(ref _requestedNs, _timers.Clock.NowNs, 0);
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Its exit code; 1 if a signal ended it.</returns>
    public int Collect()
    {
        _ = _process.WaitForExit(timeoutMs: -1);
        return _process.ExitCode ?? 1;
    }

    /// <summary>Kills it if it still runs.</summary>
    public void Dispose()
    {
        _check.Cancel();
        _watch.Dispose();
        _process.Dispose();
    }

    private static ChildProcess Start(IReadOnlyList<string> command)
    {
        try
        {
            return ChildProcess.Start(command, inherited: null, output: null);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException(e.Message, "put a program that can be started after --, for example: guest-surfaces run -- qemu-system-x86_64 -m 2G disk.qcow2");
        }
    }

    private void Check()
    {
        _check.ArmIn(CheckNs);
        var requested = Interlocked.Read(ref _requestedNs);
        if (requested == 0 || _timers.Clock.NowNs - requested < PatienceNs || _process.WaitForExit(0))
            return;
        Console.Error.WriteLine("the VM didn't end within eight seconds and was killed");
        _process.Kill();
    }
}
