// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

/// <summary>A timer on CLOCK_MONOTONIC that wakes whoever polls it.</summary>
public sealed class TimerFdHandle : FdHandle, IFdHandle<TimerFdHandle>
{
    private TimerFdHandle(int fd)
        : base(fd)
    {
    }

    /// <inheritdoc/>
    public static TimerFdHandle Adopt(int fd) => new(fd);

    /// <summary>Makes a timer that is off. Ownership: the caller's.</summary>
    public static TimerFdHandle Create()
    {
        var fd = LibC.timerfd_create(LibC.CLOCK_MONOTONIC, LibC.TFD_CLOEXEC | LibC.TFD_NONBLOCK);
        return fd < 0 ? throw new SyscallException("creating a timer", LibC.LastErrno) : new TimerFdHandle(fd);
    }

    /// <summary>Lets the timer fire once at a time, at once if that has passed.</summary>
    /// <param name="monotonicNs">CLOCK_MONOTONIC in nanoseconds; <see cref="long.MaxValue"/> turns the timer off.</param>
    public unsafe void Arm(long monotonicNs)
    {
        LibC.ItimerSpec spec = default;
        if (monotonicNs != long.MaxValue)
        {
            monotonicNs = Math.Max(monotonicNs, 1);
            spec.it_value.tv_sec = monotonicNs / 1_000_000_000;
            spec.it_value.tv_nsec = monotonicNs % 1_000_000_000;
        }

        // SAFETY: pointer to a local.
        if (LibC.timerfd_settime(this, LibC.TFD_TIMER_ABSTIME, &spec, null) < 0)
            throw new SyscallException("arming a timer", LibC.LastErrno);
    }
}

/// <summary>The kernel's clocks.</summary>
public static class KernelClock
{
    /// <summary>CLOCK_MONOTONIC.</summary>
    public const int Monotonic = LibC.CLOCK_MONOTONIC;

    /// <summary>Reads a clock, in nanoseconds. Thread: any. 0 if the clock doesn't exist.</summary>
    /// <param name="clockId">As wp_presentation.clock_id names it.</param>
    public static unsafe long NowNs(int clockId = Monotonic)
    {
        LibC.Timespec time;
        // SAFETY: pointer to a local.
        return LibC.clock_gettime(clockId, &time) < 0 ? 0 : (time.tv_sec * 1_000_000_000) + time.tv_nsec;
    }
}
