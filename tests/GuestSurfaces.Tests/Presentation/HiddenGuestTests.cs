// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Testing.Presentation;
using Xunit;
using static GuestSurfaces.Tests.Presentation.GuestOnScreen;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A guest whose flips nobody takes in time draws into what is shown: then copies are shown instead, until that is over. From the guest's ring to the compositor.</summary>
public sealed class HiddenGuestTests
{
    [Theory]
    [InlineData("implicit", false)]
    [InlineData("implicit", true)]
    [InlineData("fences", false)]
    [InlineData("timelines", false)]
    [InlineData("timelines", true)]
    public void A_hidden_guest_is_soon_copied_and_its_pages_are_nobodys(string mode, bool isLinked)
    {
        using var g = new GuestOnScreen(SyncTests.Offer(mode), isLinked: isLinked);
        g.FlipFor(500 * Ms, isVisible: true);
        Assert.Equal((Rung.Direct, 0L, 0L), (g.Statistics.Rung.Rung, g.Statistics.UnprotectedFlips, g.Statistics.BytesCopied));
        Assert.True(g.ArePagesShown);

        g.FlipFor(1000 * Ms, isVisible: false);
        Assert.False(g.ArePagesShown); // though nothing was refreshed
        Assert.Equal(Rung.Copy, g.Statistics.Rung.Rung);
        Assert.Contains("nobody takes its flips in time", g.Statistics.Rung.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(g.Statistics.Rung.Remedy);
        Assert.True(g.Statistics.BytesCopied > 0);

        // From here on nothing that the guest draws can be seen before it says so.
        var unprotected = g.Statistics.UnprotectedFlips;
        var (late, commits) = (g.Statistics.LateFlips, g.Surface.Commits);
        g.FlipFor(5000 * Ms, isVisible: false, () => Assert.False(g.ArePagesShown));
        Assert.Equal(unprotected, g.Statistics.UnprotectedFlips);
        Assert.True(g.Statistics.LateFlips > late); // paced all the same
        Assert.Equal(commits, g.Surface.Commits); // and the compositor has nothing to do
    }

    [Fact]
    public void On_request_a_hidden_guests_pages_stay_and_its_flips_are_counted()
    {
        using var g = new GuestOnScreen(keepsPages: true);
        g.FlipFor(500 * Ms, isVisible: true);
        g.FlipFor(3000 * Ms, isVisible: false, () => Assert.True(g.ArePagesShown));
        Assert.Equal((Rung.Direct, 0L), (g.Statistics.Rung.Rung, g.Statistics.BytesCopied));
        Assert.True(g.Statistics.UnprotectedFlips > 8);
    }

    [Fact]
    public void Unprotected_flips_of_a_hidden_guest_are_few()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        g.FlipFor(10_000 * Ms, isVisible: false);
        Assert.InRange(g.Statistics.UnprotectedFlips, 1, 8);
    }

    [Fact]
    public void A_compositor_that_stands_still_goes_on_reading_pages_and_each_flip_says_so()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        var before = g.Statistics.UnprotectedFlips;
        for (var i = 0; i < 50; i++)
        {
            if (g.IsAnswered)
                g.Flip();
            g.Pass(10 * Ms);
        }

        Assert.True(g.Statistics.UnprotectedFlips - before > 8); // the screen has what it had, whatever is committed
        Assert.Equal(Rung.Copy, g.Statistics.SourceRung.Rung);
    }

    [Fact]
    public void A_hidden_guest_that_draws_into_one_buffer_is_answered_by_the_clock_and_that_endangers_nothing()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        while (!g.IsAnswered)
            g.Refresh();
        for (var i = 0; i < 100; i++)
        {
            if (g.IsAnswered)
                g.Redraw();
            g.Pass(20 * Ms);
        }

        Assert.Equal((Rung.Direct, 0L), (g.Statistics.Rung.Rung, g.Statistics.UnprotectedFlips));
        Assert.InRange(g.Statistics.LateFlips, 40, 60);
    }

    [Fact]
    public void A_guest_that_is_seen_again_is_shown_at_once_and_without_copies_after_a_second()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        g.FlipFor(1500 * Ms, isVisible: false);
        var presented = g.Statistics.FramesPresented;
        g.FlipFor(200 * Ms, isVisible: true);
        Assert.InRange(g.Statistics.FramesPresented - presented, 10, 13); // at the full rate
        Assert.False(g.ArePagesShown);
        g.FlipFor(1500 * Ms, isVisible: true);
        Assert.True(g.ArePagesShown);
        Assert.Equal(new RungReport(Rung.Direct, ""), g.Statistics.Rung);
        var copied = g.Statistics.BytesCopied;
        g.FlipFor(3000 * Ms, isVisible: true);
        Assert.Equal(copied, g.Statistics.BytesCopied);
    }

    [Fact]
    public void Copies_that_are_drawn_too_late_do_not_keep_the_pages_away()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        g.FlipFor(1500 * Ms, isVisible: false);
        Assert.False(g.ArePagesShown);
        var (late, flips) = (g.Statistics.LateFlips, 0);
        for (; !g.ArePagesShown && flips < 40; flips++)
        {
            g.Flip();
            g.Pass(40 * Ms);
            g.Refresh();
        }

        Assert.InRange(flips, 25, 30); // a second
        Assert.Equal(flips, g.Statistics.LateFlips - late);
    }

    [Fact]
    public void A_window_that_is_hidden_again_and_again_is_copied_for_longer_each_time()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        var times = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            g.FlipFor(1500 * Ms, isVisible: false);
            Assert.False(g.ArePagesShown);
            var since = g.Gpu.Clock.NowNs;
            while (!g.ArePagesShown)
                g.FlipFor(16 * Ms, isVisible: true);
            times.Add((g.Gpu.Clock.NowNs - since) / (500 * Ms));
        }

        Assert.Equal([2, 4, 8], times);
    }

    [Fact]
    public void A_compositor_that_gives_buffers_back_too_late_is_shown_copies_with_that_reason()
    {
        using var g = new GuestOnScreen();
        g.Flip();
        g.Refresh();
        for (var i = 0; i < 40 && g.Statistics.SourceRung.Rung == Rung.Direct; i++)
        {
            g.Flip();
            g.Pass(16 * Ms);
            g.Surface.CallbackOnly(g.Gpu.Clock.NowNs); // taken, but what was there before is read on
            g.Pump();
            g.Pass(24 * Ms);
            Assert.True(g.IsAnswered);
            g.Surface.ReleaseDue();
            g.Pump();
        }

        Assert.Contains("gives its buffers back later", g.Statistics.SourceRung.Reason, StringComparison.Ordinal);
        g.FlipFor(100 * Ms, isVisible: true);
        Assert.False(g.ArePagesShown);
        Assert.Equal(6, g.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void A_guest_that_stops_after_its_last_unprotected_flip_is_shown_a_copy_of_what_it_flipped_to()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        while (g.Statistics.SourceRung.Rung == Rung.Direct)
        {
            if (g.IsAnswered)
                g.Flip();
            g.Pass(Ms);
        }

        g.Pass(200 * Ms); // no flip any more
        Assert.False(g.ArePagesShown);
    }

    [Fact]
    public void A_reboot_does_not_make_a_hidden_window_fit_for_pages_but_another_VM_begins_anew()
    {
        using var g = new GuestOnScreen();
        g.FlipFor(500 * Ms, isVisible: true);
        g.FlipFor(1500 * Ms, isVisible: false);
        var unprotected = g.Statistics.UnprotectedFlips;
        g.Reboot();
        g.FlipFor(500 * Ms, isVisible: false, () => Assert.False(g.ArePagesShown));
        Assert.Equal((Rung.Copy, unprotected), (g.Statistics.SourceRung.Rung, g.Statistics.UnprotectedFlips));
        g.Reboot();
        g.Gpu.Session!.CloseWindows();
        g.Pump();
        g.FlipFor(100 * Ms, isVisible: true);
        Assert.True(g.ArePagesShown);
    }
}
