// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Tests.Presentation.GuestOnScreen;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>
/// Linux takes a fenced answer for the answers to all before it. So a cursor upload that comes while a flush is held isn't answered while what that flush replaced is
/// read, for one refresh at most; and nothing else waits for either.
/// </summary>
public sealed class CursorUploadTests
{
    private const long RefreshNs = 17_500_000; // half of 35 ms, as nobody has told the refresh rate

    public static TheoryData<string> Modes => SyncTests.Modes;

    [Theory]
    [MemberData(nameof(Modes))]
    public void An_upload_waits_for_the_buffer_that_a_held_flush_replaced_and_not_for_the_flush(string mode)
    {
        using var g = Held(mode);
        var upload = g.Upload();
        g.Pass(10 * Ms);
        Assert.True(g.Gpu.Control.IsPending(upload));
        g.Surface.ReleaseDue();
        g.Pump();
        Assert.False(g.Gpu.Control.IsPending(upload));
        Assert.False(g.IsAnswered); // it isn't on the screen yet
        Assert.Equal(0, g.Statistics.LateFlips);
        var answer = g.Gpu.Answer(upload);
        Assert.Equal((VirtioGpuResponse.OkNoData, 1u), (answer.Type, answer.Flags));
        g.Refresh();
        Assert.True(g.IsAnswered);
    }

    [Fact]
    public void An_upload_goes_at_once_where_what_a_held_flush_replaced_is_free()
    {
        using var g = Held("implicit");
        g.Surface.ReleaseDue();
        g.Pump();
        Assert.False(g.IsAnswered);
        Assert.False(g.Gpu.Control.IsPending(g.Upload()));
        Assert.False(g.IsAnswered);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void An_upload_waits_for_one_refresh_at_most_and_the_flush_that_it_overtakes_then_is_counted_once(string mode)
    {
        using var g = Held(mode);
        g.Pass(5 * Ms);
        var upload = g.Upload();
        g.Pass(RefreshNs - 1);
        Assert.True(g.Gpu.Control.IsPending(upload));
        Assert.False(g.IsAnswered);
        g.Pass(1);
        Assert.False(g.Gpu.Control.IsPending(upload));
        Assert.True(g.IsAnswered); // the guest takes it for that in any case
        Assert.Equal((1L, 1L), (g.Statistics.LateFlips, g.Statistics.UnprotectedFlips));
        g.Pass(100 * Ms);
        Assert.Equal((1L, 1L), (g.Statistics.LateFlips, g.Statistics.UnprotectedFlips));
    }

    [Fact]
    public void An_upload_late_in_a_flushs_time_does_not_make_that_longer()
    {
        using var g = Held("implicit");
        g.Pass(30 * Ms);
        var upload = g.Upload();
        g.Pass(5 * Ms);
        Assert.True(g.IsAnswered);
        Assert.False(g.Gpu.Control.IsPending(upload));
    }

    [Fact]
    public void Everything_else_goes_on_while_an_upload_waits()
    {
        using var g = Held("implicit");
        var upload = g.Upload();
        var moves = g.Gpu.Cursor.Answers;
        g.Gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 1, CursorId);
        g.Gpu.SendCursor(VirtioGpuCommandType.MoveCursor, 0, 2, 2, 0);
        Assert.Equal(moves + 2, g.Gpu.Cursor.Answers);
        Assert.Equal(VirtioGpuResponse.OkDisplayInfo, g.Gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, []).Type); // without a fence
        Assert.False(g.Gpu.Control.IsPending(g.Upload(flags: 3, ring: 5))); // another timeline's
        Assert.True(g.Gpu.Control.IsPending(upload));
    }

    [Fact]
    public void Any_fenced_command_that_waits_has_its_own_answer()
    {
        using var g = Held("implicit");
        var slot = g.Gpu.Post((uint)VirtioGpuCommandType.GetDisplayInfo, [], fence: 77);
        g.Gpu.Kick();
        Assert.True(g.Gpu.Control.IsPending(slot));
        var failing = g.Gpu.Post((uint)VirtioGpuCommandType.ResourceUnref, GpuHarness.Words(999, 0), fence: 78);
        g.Gpu.Kick();
        Assert.True(g.Gpu.Control.IsPending(failing));
        g.Refresh();
        var answer = g.Gpu.Answer(slot);
        Assert.Equal((VirtioGpuResponse.OkDisplayInfo, 77ul, 408L), (answer.Type, answer.FenceId, answer.UsedLength));
        Assert.Equal((VirtioGpuResponse.InvalidResourceId, 78ul), (g.Gpu.Answer(failing).Type, g.Gpu.Answer(failing).FenceId));
    }

    [Fact]
    public void Another_scanouts_flush_does_not_overtake_either()
    {
        using var g = Held("implicit");
        var whole = new WireRect(0, 0, Side, Side);
        GpuHarness.Require(g.Gpu.CreateBlob(5, Side * Side * 4, new GuestPages(GpuHarness.Pixels + (8 * Side * Side * 4), Side * Side * 4)));
        GpuHarness.Require(g.Gpu.SetScanoutBlob(1, 5, whole, Side, Side, Side * 4));
        var other = g.Gpu.FlushFenced(5, whole, 500);
        g.Pump();
        var window = g.Compositor.Toplevels[1].Surface;
        window.CallbackOnly(g.Gpu.Clock.NowNs);
        g.Pump();
        Assert.True(g.Gpu.Control.IsPending(other)); // latched, and there was nothing before it: but its answer would be the first scanout's
        g.Compositor.Toplevels[0].Surface.ReleaseDue();
        g.Pump();
        Assert.False(g.Gpu.Control.IsPending(other));
        Assert.False(g.IsAnswered);
    }

    [Fact]
    public void A_queue_that_stops_answers_flush_and_upload_once()
    {
        using var g = Held("implicit");
        var upload = g.Upload();
        var answers = g.Gpu.Control.Answers;
        g.Gpu.Device.StopQueue(0);
        g.Pump();
        Assert.Equal(answers + 2, g.Gpu.Control.Answers);
        Assert.False(g.Gpu.Control.IsPending(upload));
        g.Refresh();
        Assert.Equal(answers + 2, g.Gpu.Control.Answers);
    }

    /// <summary>A flush is held, and what was shown before it is read.</summary>
    private static GuestOnScreen Held(string mode)
    {
        var g = new GuestOnScreen(SyncTests.Offer(mode));
        g.Flip();
        g.Refresh();
        g.Refresh();
        Assert.True(g.IsAnswered);
        g.Flip();
        Assert.False(g.IsAnswered);
        return g;
    }
}
