// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Benchmarks.Measuring;

/// <summary>The kernel's clocks in nanoseconds: of the wall, of a thread's and of any process's CPU time.</summary>
internal static unsafe partial class Clocks
{
    private const int Monotonic = 1;
    private const int ThreadCpu = 3;

    /// <summary>CLOCK_MONOTONIC.</summary>
    public static long NowNs() => Read(Monotonic);

    /// <summary>User and system time of this thread.</summary>
    public static long ThreadNs() => Read(ThreadCpu);

    /// <summary>User and system time of all threads of a process, ended ones included.</summary>
    /// <remarks>The clock's number is made of the process id as <c>clock_getcpuclockid</c> makes it: inverted, shifted by three, CPUCLOCK_SCHED.</remarks>
    public static long ProcessNs(int pid) => Read((~pid << 3) | 2);

    private static long Read(int clock)
    {
        Timespec time;
        // SAFETY: a pointer to a local.
        return clock_gettime(clock, &time) < 0 ? throw new InvalidOperationException($"clock {clock} can't be read") : (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, Timespec* time);

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
