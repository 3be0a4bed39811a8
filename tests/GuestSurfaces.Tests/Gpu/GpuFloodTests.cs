// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>A guest that sends more than can be shown, on a clock that goes on with each look at it.</summary>
public sealed class GpuFloodTests : IDisposable
{
    private const long Refresh = 1_000_000_000 / 60;
    private readonly GpuHarness _gpu = new();

    public GpuFloodTests()
    {
        _gpu.Show2D(1, 64, 64);
        _gpu.Run(Refresh);
        _gpu.Flush(1, new WireRect(0, 0, 64, 64));
        _gpu.Device.FrameSettled(0, _gpu.Display.Last.Serial);
        _gpu.Run(Refresh * 2);
    }

    public void Dispose() => _gpu.Dispose();

    [Fact]
    public void A_flood_of_flushes_costs_half_a_refresh_and_then_waits_in_the_ring()
    {
        var frames = _gpu.Display.Frames.Count;
        Flood();
        var shown = _gpu.Display.Frames.Count - frames;
        Assert.InRange(shown, 10, 45);
        Assert.Equal(1, _gpu.Statistics.Throttled);

        // Kicks don't help; time does, at most a refresh of it.
        _gpu.Device.QueueKicked(0);
        Assert.Equal(frames + shown, _gpu.Display.Frames.Count);
        _gpu.Run(Refresh);
        Assert.Equal(frames + 60, _gpu.Display.Frames.Count);
    }

    [Fact]
    public void A_frame_that_was_shown_lets_the_flood_go_on_after_the_displays_turn()
    {
        Flood();
        var frames = _gpu.Display.Frames.Count;
        _gpu.Device.FrameSettled(0, _gpu.Display.Last.Serial);
        Assert.Equal(frames, _gpu.Display.Frames.Count); // not from inside the display
        _gpu.Timers.RunDue();
        Assert.True(_gpu.Display.Frames.Count > frames);
    }

    [Fact]
    public void The_cursor_moves_while_a_flood_waits()
    {
        Flood();
        _gpu.SendCursor(VirtioGpuCommandType.MoveCursor, 0, 5, 6, 0);
        Assert.Equal((0, 5, 6), Assert.Single(_gpu.Display.Moves));
    }

    [Fact]
    public void Transfers_alone_are_never_held_up()
    {
        for (var i = 0; i < 100; i++)
            _gpu.Post((uint)VirtioGpuCommandType.TransferToHost2D, GpuHarness.Words(0, 0, 64, 64, 0, 0, 1, 0));
        _gpu.Clock.StepNs = 300_000;
        _gpu.Device.QueueKicked(0);
        for (var turn = 0; turn < 20; turn++)
            _gpu.Timers.RunDue();
        _gpu.Clock.StepNs = 0;
        _gpu.Control.Collect();
        Assert.Equal(0, _gpu.Control.Queue.InFlight);
        Assert.Equal(0, _gpu.Statistics.Throttled);
        Assert.False(_gpu.Control.IsPending(99));
    }

    [Fact]
    public void A_long_turn_is_cut_so_that_other_guests_get_theirs()
    {
        for (var i = 0; i < 100; i++)
            _gpu.Post((uint)VirtioGpuCommandType.GetDisplayInfo, []);
        _gpu.Clock.StepNs = 500_000;
        _gpu.Kick();
        var first = _gpu.Control.Answers;
        Assert.True(_gpu.Control.IsPending(99));
        _gpu.Timers.RunDue();
        _gpu.Control.Collect();
        Assert.InRange(_gpu.Control.Answers - first, 8, 20); // 8 ms
        _gpu.Clock.StepNs = 0;
        _gpu.Run(0);
        _gpu.Control.Collect();
        Assert.False(_gpu.Control.IsPending(99));
    }

    [Fact]
    public void Frames_that_are_shown_in_time_are_no_flood()
    {
        _gpu.Display.Presented = _gpu.Device.FrameSettled;
        PostFlushes(60);
        _gpu.Clock.StepNs = 200_000;
        _gpu.Device.QueueKicked(0);
        for (var turn = 0; turn < 20; turn++)
            _gpu.Timers.RunDue();
        _gpu.Clock.StepNs = 0;
        Assert.Equal(0, _gpu.Statistics.Throttled);
        Assert.Equal(0, _gpu.Control.Queue.InFlight);
    }

    /// <summary>Sends more than fits: a turn of the queue, and what is left of half a refresh in the next.</summary>
    private void Flood()
    {
        PostFlushes(60);
        _gpu.Clock.StepNs = 200_000;
        _gpu.Device.QueueKicked(0);
        _gpu.Timers.RunDue();
        _gpu.Clock.StepNs = 0;
        Assert.Equal(1, _gpu.Statistics.Throttled);
    }

    private void PostFlushes(int count)
    {
        for (var i = 0; i < count; i++)
            _gpu.Post((uint)VirtioGpuCommandType.ResourceFlush, GpuHarness.Words(0, 0, 64, 64, 1, 0));
    }

    [Fact]
    public void A_flood_of_cursors_is_shown_some_tens_of_times_a_refresh()
    {
        using var gpu = new GpuHarness();
        GpuHarness.Require(gpu.Create2D(1, 64, 64));
        for (var i = 0; i < 1000; i++)
        {
            gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, i, 0, 1);
            if (gpu.Cursor.Queue.InFlight != 0 || gpu.Display.Cursors.Count <= i)
                break; // left in the ring
        }

        Assert.InRange(gpu.Display.Cursors.Count, 17, 64);
        gpu.SendCursor(VirtioGpuCommandType.MoveCursor, 0, -7, 9, 1);
        gpu.Run(17_000_000);
        gpu.Cursor.Collect();
        Assert.Equal((-7, 9), (gpu.Display.Cursors[^1].X, gpu.Display.Cursors[^1].Y)); // what waited is shown in the next refresh
    }

    [Fact]
    public void A_long_turn_of_the_cursor_queue_is_cut_too()
    {
        using var gpu = new GpuHarness();
        for (var i = 0; i < 30; i++)
            gpu.PostCursor(VirtioGpuCommandType.MoveCursor, 0, i, 0, 0);
        gpu.Clock.StepNs = 1_000_000; // chains of thousands of descriptors
        gpu.KickCursor();
        Assert.InRange(gpu.Cursor.Answers, 1, 16);
        gpu.Clock.StepNs = 0;
        gpu.Run(1_000_000);
        gpu.Cursor.Collect();
        Assert.Equal(30, gpu.Cursor.Answers);
        Assert.Equal(29, gpu.Display.Moves[^1].X);
    }
}
