// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>Time by hand.</summary>
public sealed class TestClock : IClock
{
    public long NowNs { get; set; } = 1_000_000_000;

    public void Advance(long ns) => NowNs += ns;
}
