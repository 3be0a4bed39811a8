// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Loop;

/// <summary>CLOCK_MONOTONIC, or a clock that a test turns by hand.</summary>
public interface IClock
{
    /// <summary>Nanoseconds since some start.</summary>
    long NowNs { get; }
}

/// <summary>The kernel's CLOCK_MONOTONIC.</summary>
public sealed class MonotonicClock : IClock
{
    /// <summary>The one instance.</summary>
    public static readonly MonotonicClock Instance = new();

    private MonotonicClock()
    {
    }

    /// <inheritdoc/>
    public long NowNs => KernelClock.NowNs();
}
