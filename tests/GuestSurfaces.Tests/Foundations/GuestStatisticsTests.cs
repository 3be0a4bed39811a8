// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

public sealed class GuestStatisticsTests
{
    private static readonly RungReport s_direct = new(Rung.Direct, "");
    private readonly GuestStatistics _statistics = new();

    [Fact]
    public void Before_the_first_frame_it_says_so()
    {
        Assert.Equal(Rung.None, _statistics.Rung.Rung);
        Assert.NotEmpty(_statistics.Rung.Reason);
    }

    [Fact]
    public void The_lower_rung_of_both_sides_counts_with_its_reason()
    {
        _statistics.SourceRung = new RungReport(Rung.Copy, "the guest", "ask it");
        _statistics.DisplayRung = s_direct;
        Assert.Equal(new RungReport(Rung.Copy, "the guest", "ask it"), _statistics.Rung);
        _statistics.SourceRung = s_direct;
        _statistics.DisplayRung = new RungReport(Rung.Convert, "the pitch");
        Assert.Equal(new RungReport(Rung.Convert, "the pitch"), _statistics.Rung);
        _statistics.DisplayRung = s_direct;
        Assert.Equal(s_direct, _statistics.Rung);
    }

    [Fact]
    public void Two_reasons_are_both_told_and_do_not_take_turns()
    {
        _statistics.SourceRung = new RungReport(Rung.Copy, "the guest");
        _statistics.DisplayRung = new RungReport(Rung.Copy, "the compositor");
        var both = _statistics.Rung;
        Assert.Equal("the guest; also, the compositor", both.Reason);
        _statistics.SourceRung = new RungReport(Rung.Copy, "the guest");
        _statistics.DisplayRung = new RungReport(Rung.Copy, "the compositor");
        Assert.Same(both, _statistics.Rung);
    }

    [Fact]
    public void The_same_reason_is_told_once()
    {
        _statistics.SourceRung = new RungReport(Rung.Copy, "no dma-bufs", "fix it");
        _statistics.DisplayRung = new RungReport(Rung.Copy, "no dma-bufs");
        Assert.Equal(new RungReport(Rung.Copy, "no dma-bufs", "fix it"), _statistics.Rung);
    }

    [Fact]
    public void A_copy_on_the_screen_has_a_reason_although_the_next_picture_may_be_direct()
    {
        _statistics.SourceRung = new RungReport(Rung.Direct, "");
        _statistics.DisplayRung = new RungReport(Rung.Copy, "");
        Assert.Equal(Rung.Copy, _statistics.Rung.Rung);
        Assert.NotEmpty(_statistics.Rung.Reason);
    }

    [Fact]
    public void A_frame_that_the_compositor_refused_is_no_rung_at_all()
    {
        _statistics.SourceRung = s_direct;
        _statistics.DisplayRung = new RungReport(Rung.None, "refused");
        Assert.Equal(new RungReport(Rung.None, "refused"), _statistics.Rung);
    }
}
