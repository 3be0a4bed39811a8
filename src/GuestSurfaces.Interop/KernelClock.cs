// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Interop;

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
