// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Testing;

/// <summary>A clock turned by hand. Thread: the test's.</summary>
public sealed class VirtualClock : IClock
{
    private long _nowNs = 1_000_000_000;

    /// <summary>How far it goes on with each look: what work costs.</summary>
    public long StepNs { get; set; }

    public long NowNs
    {
        get => _nowNs += StepNs;
        set => _nowNs = value;
    }

    public void Advance(long ns) => _nowNs += ns;
}
