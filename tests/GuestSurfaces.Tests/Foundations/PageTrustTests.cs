// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Sessions;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

/// <summary>When pages are given up and tried again: no going to and fro.</summary>
public sealed class PageTrustTests
{
    private const long Second = 1_000_000_000;
    private PageTrust _trust;
    private long _now = 5 * Second;

    [Fact]
    public void A_run_of_unprotected_flips_is_enough_and_one_less_is_not()
    {
        for (var i = 0; i < PageTrust.Run - 1; i++)
            Assert.False(_trust.AddLate(1, _now));
        Assert.True(_trust.AddLate(1, _now));
        Assert.True(_trust.IsLost);
        Assert.False(_trust.AddLate(1, _now)); // said once
    }

    [Fact]
    public void Late_answers_that_let_the_guest_draw_into_nothing_shown_are_no_reason()
    {
        for (var i = 0; i < 1000; i++)
            Assert.False(_trust.AddLate(0, _now));
    }

    [Fact]
    public void A_flip_in_three_that_is_unprotected_is_no_run()
    {
        for (var i = 0; i < 1000; i++)
        {
            Assert.False(_trust.AddLate(1, _now));
            Assert.False(_trust.AddProtected(2, _now));
        }
    }

    [Fact]
    public void Two_flips_in_three_that_are_unprotected_are_a_run()
    {
        var isLost = false;
        for (var i = 0; i < 3 * PageTrust.Run && !isLost; i++)
            isLost = _trust.AddLate(2, _now) || _trust.AddProtected(1, _now);
        Assert.True(_trust.IsLost);
    }

    [Fact]
    public void Pages_come_back_after_a_second_of_flips_in_time_and_a_late_one_begins_it_anew()
    {
        Lose();
        Assert.False(InTime(PageTrust.FirstTrialNs - 1));
        _trust.AddLate(0, _now);
        Assert.False(InTime(PageTrust.FirstTrialNs - 1));
        Assert.True(_trust.IsLost);
        Assert.True(InTime(PageTrust.FirstTrialNs / 4));
        Assert.False(_trust.IsLost);
    }

    [Fact]
    public void Two_flips_that_are_far_apart_prove_nothing()
    {
        Lose();
        Assert.False(_trust.AddProtected(1, _now));
        _now += 60 * Second;
        Assert.False(_trust.AddProtected(1, _now));
    }

    [Fact]
    public void Each_relapse_doubles_the_trial_up_to_a_minute_and_a_good_while_forgives_all()
    {
        var trial = PageTrust.FirstTrialNs;
        Lose();
        for (var i = 0; i < 10; i++)
        {
            Assert.False(InTime(trial - 1));
            Assert.True(InTime(trial / 4));
            Lose();
            trial = Math.Min(2 * trial, PageTrust.LongestTrialNs);
        }

        Assert.Equal(PageTrust.LongestTrialNs, trial);
        Assert.False(InTime(trial - 1));
        Assert.True(InTime(trial));
        _now += 8 * trial;
        Lose();
        Assert.True(InTime(PageTrust.FirstTrialNs + (Second / 2)));
    }

    private void Lose()
    {
        for (var i = 0; i < PageTrust.Run; i++)
            _trust.AddLate(1, _now);
        Assert.True(_trust.IsLost);
    }

    /// <summary>Flips in time, sixteen of them, over a time.</summary>
    /// <returns>Whether the pages came back.</returns>
    private bool InTime(long ns)
    {
        const int flips = 16;
        var start = _now;
        for (var i = 0; i <= flips; i++)
        {
            _now = start + (ns * i / flips);
            if (_trust.AddProtected(1, _now))
                return true;
        }

        return false;
    }
}
