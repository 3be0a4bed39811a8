// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Loop;

/// <summary>Timers, on a clock turned by hand.</summary>
public sealed class TimerQueueTests
{
    private readonly VirtualClock _clock = new() { NowNs = 0 };
    private readonly TimerQueue _timers;
    private readonly List<string> _fired = [];

    public TimerQueueTests() => _timers = new TimerQueue(_clock);

    [Fact]
    public void Timers_fire_once_in_the_order_of_their_times()
    {
        var late = _timers.Create(() => _fired.Add("late"));
        var early = _timers.Create(() => _fired.Add("early"));
        late.ArmAt(20);
        early.ArmAt(10);
        Assert.Equal(10, _timers.NextDueNs);
        _clock.NowNs = 9;
        _timers.RunDue();
        Assert.Empty(_fired);
        _clock.NowNs = 30;
        _timers.RunDue();
        _timers.RunDue();
        Assert.Equal(["early", "late"], _fired);
        Assert.Equal(long.MaxValue, _timers.NextDueNs);
        Assert.False(early.IsArmed);
    }

    [Fact]
    public void A_timer_that_arms_itself_for_now_fires_once_a_round()
    {
        LoopTimer? timer = null;
        timer = _timers.Create(() =>
        {
            _fired.Add("again");
            timer!.ArmIn(0);
        });
        timer.ArmIn(0);
        _timers.RunDue();
        Assert.Single(_fired);
        _timers.RunDue();
        Assert.Equal(2, _fired.Count);
    }

    [Fact]
    public void A_timer_may_cancel_another_that_is_due()
    {
        var second = _timers.Create(() => _fired.Add("second"));
        var first = _timers.Create(second.Cancel);
        first.ArmAt(1);
        second.ArmAt(2);
        _clock.NowNs = 5;
        _timers.RunDue();
        Assert.Empty(_fired);
    }

    [Fact]
    public void Arming_again_moves_the_time()
    {
        var timer = _timers.Create(() => _fired.Add("moved"));
        timer.ArmAt(10);
        timer.ArmAt(50);
        _clock.NowNs = 20;
        _timers.RunDue();
        Assert.Empty(_fired);
        Assert.Equal(50, _timers.NextDueNs);
    }
}
