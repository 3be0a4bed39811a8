// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>Pauses between attempts, on a clock that stands still.</summary>
public sealed class RetryTests
{
    private const long Ms = 1_000_000;

    private readonly VirtualClock _clock = new();
    private readonly TimerQueue _timers;
    private readonly List<long> _attempts = [];
    private readonly Retry _retry;
    private bool _works;

    public RetryTests()
    {
        _timers = new TimerQueue(_clock);
        var began = _clock.NowNs;
        _retry = new Retry(_timers, 100 * Ms, 500 * Ms, 1000 * Ms, () =>
        {
            _attempts.Add((_clock.NowNs - began) / Ms);
            return _works;
        });
    }

    [Fact]
    public void Pauses_double_up_to_the_longest_and_the_first_attempt_is_at_once()
    {
        _retry.Start();
        Pass(2000);
        Assert.Equal([0, 100, 300, 700, 1200, 1700], _attempts);
        _retry.Cancel();
        Pass(2000);
        Assert.Equal(6, _attempts.Count);
    }

    [Fact]
    public void What_ends_at_once_is_not_begun_in_a_hurry_and_what_was_there_for_a_while_is()
    {
        _works = true;
        EndAtOnceFor(2500);
        Assert.Equal([0, 100, 300, 700, 1200, 1700, 2200], _attempts);

        Pass(1500);
        Assert.Equal(2700, _attempts[^1]); // there since then
        _attempts.Clear();
        EndAtOnceFor(500);
        Assert.Equal([4000, 4100, 4300], _attempts);

        Pass(800);
        Assert.Equal(4700, _attempts[^1]);
        _attempts.Clear();
        EndAtOnceFor(200); // at 5300, longer than its pause, but not for a while
        Assert.Equal([5300], _attempts);
    }

    private void EndAtOnceFor(int ms)
    {
        for (var i = 0; i < ms; i++)
        {
            _retry.Start();
            Pass(1);
        }
    }

    private void Pass(long ms)
    {
        for (var i = 0; i < ms; i++)
        {
            _timers.RunDue();
            _clock.Advance(Ms);
        }

        _timers.RunDue();
    }
}
