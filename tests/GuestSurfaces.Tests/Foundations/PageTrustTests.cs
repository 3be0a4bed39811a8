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
            _trust.AddProtected(2);
        }
    }

    [Fact]
    public void Two_flips_in_three_that_are_unprotected_are_a_run()
    {
        for (var i = 0; i < 3 * PageTrust.Run && !_trust.AddLate(2, _now); i++)
            _trust.AddProtected(1);
        Assert.True(_trust.IsLost);
    }

    [Fact]
    public void Pages_come_back_after_a_second_of_frames_that_are_taken_however_late()
    {
        Lose();
        for (var start = _now; _now - start < PageTrust.FirstTrialNs; _now += Second / 20)
        {
            Assert.False(_trust.AddTaken(_now));
            _trust.AddLate(0, _now + (Second / 40)); // a refresh too late, each of them
        }

        Assert.True(_trust.AddTaken(_now));
        Assert.False(_trust.IsLost);
    }

    [Fact]
    public void Flips_that_nobody_takes_begin_the_second_anew()
    {
        Lose();
        Assert.False(Taken(PageTrust.FirstTrialNs - 1));
        _now += PageTrust.SilenceNs;
        _trust.AddLate(0, _now);
        _now += 1;
        _trust.AddLate(0, _now);
        Assert.False(Taken(PageTrust.FirstTrialNs - 1));
        Assert.True(_trust.IsLost);
        Assert.True(Taken(PageTrust.FirstTrialNs / 4));
        Assert.False(_trust.IsLost);
    }

    [Fact]
    public void A_guest_that_flips_seldom_has_its_pages_back_if_each_is_taken_and_not_if_none_is()
    {
        Lose();
        for (var i = 0; i < PageTrust.Run; i++, _now += Second)
        {
            _trust.AddLate(0, _now);
            Assert.False(_trust.AddTaken(_now + (Second / 100)));
        }

        _trust.AddLate(0, _now);
        Assert.True(_trust.AddTaken(_now));
        Lose();
        for (var i = 0; i < 10 * PageTrust.Run; i++, _now += Second)
            _trust.AddLate(0, _now);
        Assert.False(_trust.AddTaken(_now));
    }

    [Fact]
    public void Two_frames_that_are_far_apart_prove_nothing()
    {
        Lose();
        Assert.False(_trust.AddTaken(_now));
        _now += 60 * Second;
        Assert.False(_trust.AddTaken(_now));
    }

    [Fact]
    public void Each_relapse_doubles_the_trial_up_to_a_minute_and_a_good_while_forgives_all()
    {
        var trial = PageTrust.FirstTrialNs;
        Lose();
        for (var i = 0; i < 10; i++)
        {
            Assert.False(Taken(trial - 1));
            Assert.True(Taken(trial / 4));
            Lose();
            trial = Math.Min(2 * trial, PageTrust.LongestTrialNs);
        }

        Assert.Equal(PageTrust.LongestTrialNs, trial);
        Assert.False(Taken(trial - 1));
        Assert.True(Taken(trial));
        _now += 8 * trial;
        Lose();
        Assert.True(Taken(PageTrust.FirstTrialNs + (Second / 2)));
    }

    private void Lose()
    {
        for (var i = 0; i < PageTrust.Run; i++)
            _trust.AddLate(1, _now);
        Assert.True(_trust.IsLost);
    }

    /// <summary>Frames that are taken, sixteen of them, over a time.</summary>
    /// <returns>Whether the pages came back.</returns>
    private bool Taken(long ns)
    {
        const int flips = 16;
        var start = _now;
        for (var i = 0; i <= flips; i++)
        {
            _now = start + (ns * i / flips);
            if (_trust.AddTaken(_now))
                return true;
        }

        return false;
    }
}
