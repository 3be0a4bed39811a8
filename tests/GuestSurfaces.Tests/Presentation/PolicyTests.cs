// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;
using static GuestSurfaces.Tests.Presentation.FlipFixture;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>What becomes of flips that come faster than the screen refreshes; before a compositor that keeps the protocols to the letter.</summary>
public sealed class PolicyTests
{
    private static readonly FakeCompositorOptions s_all = new() { DmabufVersion = 4, Fifo = true, CommitTiming = true, Tearing = true };
    private static readonly FakeCompositorOptions s_none = new() { DmabufVersion = 4 };

    [Fact]
    public void By_default_the_newest_is_shown()
    {
        using var f = new FlipFixture(s_all);
        using var pictures = new Pictures(3);
        FlipAll(f, pictures);
        for (var i = 0; i < 4; i++)
            f.Refresh();
        Assert.Equal([pictures[0], pictures[2]], Shown(f));
        Assert.Equal((1L, "mailbox", ""), (f.Statistics.FramesDropped, f.Statistics.Policy, f.Statistics.PolicyReason));
        Assert.Equal(0, f.Surface().BarrierWaits);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fifo_shows_each_for_a_refresh_also_where_callbacks_come_early(bool areCallbacksEarly)
    {
        using var f = new FlipFixture(s_all, options: Wish(FlipPolicy.Fifo));
        using var pictures = new Pictures(3);
        FlipAll(f, pictures);
        for (var i = 0; i < 6; i++)
        {
            if (areCallbacksEarly)
                f.Latch();
            f.Refresh();
        }

        Assert.Equal([pictures[0], pictures[1], pictures[2]], Shown(f));
        Assert.Equal((0L, "fifo", ""), (f.Statistics.FramesDropped, f.Statistics.Policy, f.Statistics.PolicyReason));
        Assert.Equal(areCallbacksEarly, f.Surface().BarrierWaits > 0);
        Assert.Equal((0, 3UL), f.Answers[^1]);
    }

    [Fact]
    public void Fifo_keeps_two_that_wait_and_then_the_newest_of_those_behind()
    {
        using var f = new FlipFixture(s_all, options: Wish(FlipPolicy.Fifo));
        using var pictures = new Pictures(4);
        FlipAll(f, pictures);
        for (var i = 0; i < 6; i++)
            f.Refresh();
        Assert.Equal([pictures[0], pictures[1], pictures[3]], Shown(f));
        Assert.Equal(1, f.Statistics.FramesDropped);
    }

    [Fact]
    public void Fifo_shows_a_frame_that_nobody_waits_for_after_those_that_came_before_it()
    {
        using var f = new FlipFixture(s_all, options: Wish(FlipPolicy.Fifo));
        using var pictures = new Pictures(4);
        for (var i = 0; i < 4; i++)
            f.Flip(pictures.At(i), awaited: i != 3);
        for (var i = 0; i < 6; i++)
            f.Refresh();
        Assert.Equal([pictures[0], pictures[1], pictures[3]], Shown(f));
    }

    [Fact]
    public void Fifo_before_a_hidden_window_goes_on_by_the_clock()
    {
        using var f = new FlipFixture(s_all, options: Wish(FlipPolicy.Fifo));
        using var pictures = new Pictures(2);
        f.Flip(pictures.At(0));
        f.Refresh();
        for (var i = 1; i < 40; i++)
        {
            f.Flip(pictures.At(i % 2));
            f.Pass(35 * Ms);
            Assert.Equal((0, f.LastSerial), f.Answers[^1]);
            Assert.False(f.Surface().IsBlocked);
        }
    }

    [Theory]
    [InlineData(FlipPolicy.Fifo, "the compositor doesn't offer fifo")]
    [InlineData(FlipPolicy.Immediate, "the compositor doesn't offer tearing-control")]
    public void What_the_compositor_has_not_is_said(FlipPolicy policy, string reason)
    {
        using var f = new FlipFixture(s_none, options: Wish(policy));
        using var pictures = new Pictures(3);
        FlipAll(f, pictures);
        Assert.Equal(("mailbox", reason), (f.Statistics.Policy, f.Statistics.PolicyReason));
        for (var i = 0; i < 4; i++)
            f.Refresh();
        Assert.Equal(1, f.Statistics.FramesDropped);
    }

    [Theory]
    [InlineData(FlipPolicy.Fifo)]
    [InlineData(FlipPolicy.Immediate)]
    public void A_guest_without_fences_has_the_newest_shown_and_that_is_said(FlipPolicy policy)
    {
        using var f = new FlipFixture(s_all, options: Wish(policy));
        using var pictures = new Pictures(3);
        for (var i = 0; i < 3; i++)
            f.Flip(pictures.At(i), awaited: false);
        Assert.Equal("mailbox", f.Statistics.Policy);
        Assert.Contains("no fences", f.Statistics.PolicyReason, StringComparison.Ordinal);
        for (var i = 0; i < 4; i++)
            f.Refresh();
        Assert.Equal((1L, 0, false), (f.Statistics.FramesDropped, f.Surface().BarrierWaits, f.Surface().MayTear));
    }

    [Fact]
    public void A_full_screen_window_may_tear_and_commits_at_once_and_a_smaller_one_says_why_it_does_not()
    {
        using var f = new FlipFixture(s_all, options: Wish(FlipPolicy.Immediate));
        using var pictures = new Pictures(3);
        f.Flip(pictures.At(0));
        Assert.Equal(("mailbox", "only a window that is full screen can be shown in the middle of a refresh"), (f.Statistics.Policy, f.Statistics.PolicyReason));
        Assert.False(f.Surface().MayTear);

        f.Refresh();
        f.Compositor.Toplevel.Configure(1024, 768, XdgToplevelState.Fullscreen);
        f.Pump();
        f.Flip(pictures.At(1));
        Assert.Equal(("immediate", "", true), (f.Statistics.Policy, f.Statistics.PolicyReason, f.Surface().MayTear));
        var waiting = f.Surface().WaitingCallbacks;
        f.Flip(pictures.At(2)); // no refresh in between
        Assert.Equal(pictures[2], f.Surface().Buffer!.Identity);
        Assert.Equal(waiting, f.Surface().WaitingCallbacks);
        f.Refresh();
        f.Refresh();
        Assert.Equal((0, 3UL), f.Answers[^1]);
        Assert.Equal(0, f.Statistics.LateFlips);

        f.Compositor.Toplevel.Configure(200, 200);
        f.Pump();
        f.Flip(pictures.At(0));
        Assert.Equal(("mailbox", false), (f.Statistics.Policy, f.Surface().MayTear));
    }

    [Fact]
    public void A_frame_with_a_target_time_is_not_shown_before_it()
    {
        using var f = new FlipFixture(s_all);
        using var pictures = new Pictures(2);
        f.Flip(pictures.At(0));
        f.Refresh();
        f.Flip(pictures.At(1), targetNs: f.Clock.NowNs + (20 * Ms));
        f.Pass(19 * Ms);
        f.Refresh();
        Assert.Equal(pictures[0], f.Surface().Buffer!.Identity);
        f.Pass(Ms);
        f.Refresh();
        Assert.Equal(pictures[1], f.Surface().Buffer!.Identity);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1001)]
    [InlineData(long.MaxValue / Ms)]
    public void A_time_that_is_over_or_far_away_holds_up_nothing(long ms)
    {
        using var f = new FlipFixture(s_all);
        using var pictures = new Pictures(2);
        f.Pass(100 * Ms);
        f.Flip(pictures.At(0));
        f.Refresh();
        f.Flip(pictures.At(1), targetNs: ms > 1_000_000 ? long.MaxValue : f.Clock.NowNs + (ms * Ms));
        f.Refresh();
        Assert.Equal(pictures[1], f.Surface().Buffer!.Identity);
    }

    [Fact]
    public void A_guest_behind_a_link_hears_which_policy_is_in_force()
    {
        using var g = new GuestOnScreen(s_all, Wish(FlipPolicy.Fifo), isLinked: true);
        g.FlipFor(500 * Ms, isVisible: true);
        Assert.Equal(("fifo", ""), (g.Statistics.Policy, g.Statistics.PolicyReason));
        using var none = new GuestOnScreen(s_none, Wish(FlipPolicy.Fifo), isLinked: true);
        none.FlipFor(500 * Ms, isVisible: true);
        Assert.Equal(("mailbox", "the compositor doesn't offer fifo"), (none.Statistics.Policy, none.Statistics.PolicyReason));
    }

    private static PresenterOptions Wish(FlipPolicy policy) => new() { Policy = policy };

    private static void FlipAll(FlipFixture f, Pictures pictures)
    {
        for (var i = 0; i < pictures.Count; i++)
            f.Flip(pictures.At(i));
    }

    /// <summary>What the refreshes showed, each once.</summary>
    private static Interop.FileIdentity[] Shown(FlipFixture f)
    {
        var shown = new List<Interop.FileIdentity>();
        foreach (var buffer in f.Surface().Displayed)
        {
            if (buffer is not null && (shown.Count == 0 || shown[^1] != buffer.Identity))
                shown.Add(buffer.Identity);
        }

        return [.. shown];
    }

    /// <summary>A guest's framebuffers.</summary>
    private sealed class Pictures(int count) : IDisposable
    {
        private readonly TestPicture[] _all = [.. Enumerable.Range(0, count).Select(static _ => Dmabuf())];

        public int Count => count;

        public Interop.FileIdentity this[int index] => _all[index].Storage.Plane(0).GetIdentity();

        public TestPicture At(int index) => _all[index];

        public void Dispose()
        {
            foreach (var picture in _all)
                picture.Dispose();
        }
    }
}
