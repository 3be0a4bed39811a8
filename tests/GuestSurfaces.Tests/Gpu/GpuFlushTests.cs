// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>When the guest gets its answer: one test for each row of the design's completion table that a device can see.</summary>
public sealed class GpuFlushTests : IDisposable
{
    private static readonly WireRect s_whole = new(0, 0, 64, 64);
    private readonly GpuHarness _gpu = new();

    public void Dispose() => _gpu.Dispose();

    [Fact]
    public void A_fenced_flush_is_answered_when_its_frame_is_settled()
    {
        _gpu.ShowBlob(1, 64, 64);
        var slot = _gpu.FlushFenced(1, s_whole, 42);
        Assert.True(_gpu.Control.IsPending(slot));
        Assert.True(_gpu.Display.Last.Awaited);
        _gpu.Clock.Advance(7_000_000);
        var interrupts = _gpu.Control.Interrupts;
        _gpu.Device.FrameSettled(0, _gpu.Display.Last.Serial);
        _gpu.Control.Collect();
        Assert.False(_gpu.Control.IsPending(slot));
        Assert.Equal(interrupts + 1, _gpu.Control.Interrupts);
        var answer = _gpu.Answer(slot);
        Assert.Equal((OkNoData, 1u, 42ul, 24L), (answer.Type, answer.Flags, answer.FenceId, answer.UsedLength));
        Assert.InRange(_gpu.Statistics.FlushToGuest.MaxNs, 7_000_000, 8_000_000);
    }

    [Fact]
    public void An_unfenced_flush_is_answered_at_once_with_an_empty_header()
    {
        _gpu.ShowBlob(1, 64, 64);
        var answer = _gpu.Send((uint)VirtioGpuCommandType.ResourceFlush, GpuHarness.Words(0, 0, 64, 64, 1, 0), flags: 2, context: 9, ring: 3);
        Assert.Equal((OkNoData, 0u, 0ul, 0u, (byte)0), (answer.Type, answer.Flags, answer.FenceId, answer.ContextId, answer.RingIndex));
        Assert.False(_gpu.Display.Last.Awaited);
        Assert.Equal(1, _gpu.Statistics.FlushToGuest.Count);
    }

    [Fact]
    public void A_fenced_flush_that_shows_nothing_is_answered_at_once()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.False(_gpu.Control.IsPending(_gpu.FlushFenced(1, s_whole, 1)));
    }

    [Fact]
    public void A_frame_settled_from_inside_present_is_answered_once()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.Display.Presented = _gpu.Device.FrameSettled;
        var slot = _gpu.FlushFenced(1, s_whole, 1);
        Assert.False(_gpu.Control.IsPending(slot));
        _gpu.Device.FrameSettled(0, 1);
        _gpu.Control.Collect();
    }

    [Fact]
    public void A_later_frame_settles_the_earlier_ones_of_its_scanout()
    {
        _gpu.ShowBlob(1, 64, 64);
        var a = _gpu.FlushFenced(1, s_whole, 1);
        var b = _gpu.FlushFenced(1, s_whole, 2);
        var c = _gpu.FlushFenced(1, s_whole, 3);
        _gpu.Device.FrameSettled(0, _gpu.Display.Frames[1].Serial);
        _gpu.Control.Collect();
        Assert.Equal((false, false, true), (_gpu.Control.IsPending(a), _gpu.Control.IsPending(b), _gpu.Control.IsPending(c)));
        Assert.Equal(1, _gpu.Device.HeldAnswers);
    }

    [Fact]
    public void A_resource_on_three_scanouts_is_answered_when_all_three_are_settled()
    {
        _gpu.ShowBlob(1, 64, 64);
        for (uint scanout = 1; scanout < 3; scanout++)
            _gpu.SetScanoutBlob(scanout, 1, s_whole, 64, 64, 256);
        var slot = _gpu.FlushFenced(1, s_whole, 1);
        Assert.Equal(3, _gpu.Display.Frames.Count);
        foreach (var frame in _gpu.Display.Frames)
        {
            Assert.True(_gpu.Control.IsPending(slot));
            _gpu.Device.FrameSettled(frame.Scanout, frame.Serial);
            _gpu.Control.Collect();
        }

        Assert.False(_gpu.Control.IsPending(slot));
    }

    [Fact]
    public void Scanouts_are_settled_each_by_itself()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.ShowBlob(2, 64, 64, scanout: 1);
        var a = _gpu.FlushFenced(1, s_whole, 1);
        var b = _gpu.FlushFenced(2, s_whole, 2);
        _gpu.Device.FrameSettled(1, _gpu.Display.Last.Serial);
        _gpu.Control.Collect();
        Assert.True(_gpu.Control.IsPending(a)); // though its serial is smaller
        Assert.False(_gpu.Control.IsPending(b));
    }

    [Fact]
    public void Other_commands_go_on_while_a_flush_is_held_and_fenced_ones_may_overtake_it()
    {
        _gpu.ShowBlob(1, 64, 64);
        Assert.Equal(OkNoData, _gpu.Create2D(2, 64, 64));
        Assert.Equal(OkNoData, _gpu.Attach(2, new GuestPages(GpuHarness.Pixels, 16384)));
        var slot = _gpu.FlushFenced(1, s_whole, 1);
        Assert.Equal(OkNoData, _gpu.Transfer(2, s_whole, 0, fence: 2)); // a cursor upload
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 1, 2);
        Assert.Single(_gpu.Display.Cursors);
        Assert.Equal(OkDisplayInfo, _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, []).Type);
        Assert.True(_gpu.Control.IsPending(slot));
    }

    [Theory]
    [InlineData(1u, 0ul, 0u, (byte)0)]
    [InlineData(1u, ulong.MaxValue, 7u, (byte)9)]
    [InlineData(3u, 5ul, 7u, (byte)63)]
    [InlineData(3u, 5ul, uint.MaxValue, (byte)0)]
    public void A_fence_comes_back_as_it_was_sent(uint flags, ulong fence, uint context, byte ring)
    {
        var answer = _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, [], fence, flags: flags, context: context, ring: ring);
        Assert.Equal(OkDisplayInfo, answer.Type);
        Assert.Equal((flags, fence, context), (answer.Flags, answer.FenceId, answer.ContextId));
        Assert.Equal((flags & 2) != 0 ? ring : (byte)0, answer.RingIndex);
    }

    [Theory]
    [InlineData((byte)64)]
    [InlineData((byte)255)]
    public void A_ring_beyond_63_is_refused_and_its_fence_still_comes_back(byte ring)
    {
        _gpu.ShowBlob(1, 64, 64);
        var answer = _gpu.Send((uint)VirtioGpuCommandType.ResourceFlush, GpuHarness.Words(0, 0, 64, 64, 1, 0), 8, flags: 3, context: 1, ring: ring);
        Assert.Equal((InvalidParameter, 3u, 8ul, ring), (answer.Type, answer.Flags, answer.FenceId, answer.RingIndex));
        Assert.Empty(_gpu.Display.Frames);
        answer = _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, [], 8, flags: 1, ring: ring); // not named as a ring: no matter
        Assert.Equal(OkDisplayInfo, answer.Type);
    }

    [Fact]
    public void Unknown_flags_do_not_come_back()
    {
        var answer = _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, [], 8, flags: 0xffff_fffd);
        Assert.Equal(1u, answer.Flags);
    }

    [Fact]
    public void Repeated_fence_ids_are_answered_each()
    {
        _gpu.ShowBlob(1, 64, 64);
        var a = _gpu.FlushFenced(1, s_whole, 5);
        var b = _gpu.FlushFenced(1, s_whole, 5);
        _gpu.Device.FrameSettled(0, _gpu.Display.Last.Serial);
        _gpu.Control.Collect();
        Assert.Equal((5ul, 5ul), (_gpu.Answer(a).FenceId, _gpu.Answer(b).FenceId));
    }

    [Fact]
    public void A_failed_fenced_flush_is_answered_at_once()
    {
        _gpu.ShowBlob(1, 64, 64);
        Assert.Equal(OkNoData, _gpu.Detach(1));
        var slot = _gpu.FlushFenced(1, s_whole, 5);
        Assert.False(_gpu.Control.IsPending(slot));
        Assert.Equal((Unspecified, 5ul), (_gpu.Answer(slot).Type, _gpu.Answer(slot).FenceId));
    }

    [Fact]
    public void Stopping_the_queue_answers_everything_once()
    {
        _gpu.ShowBlob(1, 64, 64);
        for (ulong i = 1; i <= 20; i++)
            _gpu.FlushFenced(1, s_whole, i);
        Assert.Equal(20, _gpu.Device.HeldAnswers);
        var answers = _gpu.Control.Answers;
        var interrupts = _gpu.Control.Interrupts;
        _gpu.Device.StopQueue(0);
        _gpu.Control.Collect();
        Assert.Equal(answers + 20, _gpu.Control.Answers);
        Assert.Equal(interrupts + 1, _gpu.Control.Interrupts);
        Assert.Equal((0, 0), (_gpu.Device.HeldAnswers, _gpu.Control.Queue.InFlight));

        _gpu.Device.FrameSettled(0, 1000); // the display's answer comes after all
        _gpu.Device.StopQueue(0);
        _gpu.Control.Collect();
        Assert.Equal(answers + 20, _gpu.Control.Answers);
    }

    [Fact]
    public void A_queue_that_was_stopped_goes_on_where_it_was()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.Device.StopQueue(0);
        var slot = _gpu.Post((uint)VirtioGpuCommandType.GetDisplayInfo, []);
        _gpu.Device.QueueKicked(0); // not running: nothing
        _gpu.Control.Collect();
        Assert.True(_gpu.Control.IsPending(slot));
        _gpu.Device.StartQueue(0, _gpu.Control.Queue);
        _gpu.Run(0); // what waits is found without a kick
        _gpu.Control.Collect();
        Assert.False(_gpu.Control.IsPending(slot));
        Assert.Equal(OkNoData, _gpu.Flush(1, s_whole));
    }

    [Fact]
    public void Reset_answers_everything_and_forgets_everything()
    {
        _gpu.Display.Holds = true;
        _gpu.ShowBlob(1, 64, 64);
        _gpu.Show2D(2, 64, 64, scanout: 1);
        var slot = _gpu.FlushFenced(1, s_whole, 1);
        _gpu.Flush(2, s_whole);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 0, 0, 2);
        _gpu.Device.Reset();
        _gpu.Control.Collect();
        Assert.False(_gpu.Control.IsPending(slot));
        Assert.Equal([0, 1], _gpu.Display.Disabled);
        Assert.Null(_gpu.Display.Cursors[^1].Image.Storage);
        Assert.Equal(0, _gpu.Device.ResourceCount);

        // What a compositor still reads stays until it lets go.
        Assert.Equal(3ul * 64 * 64 * 4, _gpu.Device.HostPixelBytes);
        foreach (var frame in _gpu.Display.Frames)
            RecordingDisplay.Release(frame);
        _gpu.Display.Cursors[0].Image.Storage!.Unlock();
        Assert.Equal(0ul, _gpu.Device.HostPixelBytes);
    }

    [Fact]
    public void After_a_reset_serials_go_on_so_that_old_frames_settle_nothing()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.FlushFenced(1, s_whole, 1);
        var old = _gpu.Display.Last.Serial;
        _gpu.Device.Reset();
        _gpu.Device.SetFeatures(ulong.MaxValue);
        _gpu.Device.StartQueue(0, _gpu.Control.Queue);
        _gpu.Control.Collect();
        _gpu.ShowBlob(1, 64, 64);
        var slot = _gpu.FlushFenced(1, s_whole, 1);
        _gpu.Device.FrameSettled(0, old);
        _gpu.Control.Collect();
        Assert.True(_gpu.Control.IsPending(slot));
    }

    [Fact]
    public void A_display_that_names_a_scanout_that_is_not_there_is_ignored()
    {
        _gpu.Device.FrameSettled(4, 1);
        _gpu.Device.FrameSettled(-1, 1);
    }

    [Fact]
    public void With_a_session_and_no_display_a_fenced_flush_is_answered_within_35_ms()
    {
        using var gpu = new GpuHarness(withSession: true);
        gpu.Session!.Display = null;
        gpu.ShowBlob(1, 64, 64);
        var slot = gpu.FlushFenced(1, s_whole, 1);
        Assert.True(gpu.Control.IsPending(slot));
        gpu.Run(35_000_000);
        gpu.Control.Collect();
        Assert.False(gpu.Control.IsPending(slot));
        Assert.Equal(1, gpu.Statistics.LateFlips);
    }

    [Fact]
    public void With_a_session_a_hidden_window_paces_the_guest_and_a_latch_answers_it()
    {
        using var gpu = new GpuHarness(withSession: true);
        gpu.ShowBlob(1, 64, 64);
        var hidden = gpu.FlushFenced(1, s_whole, 1);
        gpu.Run(35_000_000);
        gpu.Control.Collect();
        Assert.False(gpu.Control.IsPending(hidden));
        var shown = gpu.FlushFenced(1, s_whole, 2);
        gpu.Run(10_000_000);
        gpu.Session!.Latched(0, gpu.Display.Last.Serial, gpu.Clock.NowNs);
        gpu.Control.Collect();
        Assert.False(gpu.Control.IsPending(shown));
        Assert.Equal((1L, 1L), (gpu.Statistics.LateFlips, gpu.Statistics.FramesPresented));
    }

    [Fact]
    public void With_a_session_a_superseded_frame_is_answered_at_once()
    {
        using var gpu = new GpuHarness(withSession: true);
        gpu.ShowBlob(1, 64, 64);
        var first = gpu.FlushFenced(1, s_whole, 1);
        var serial = gpu.Display.Last.Serial;
        gpu.Display.Presented = (scanout, _) => gpu.Session!.Superseded(scanout, serial);
        var second = gpu.FlushFenced(1, s_whole, 2);
        Assert.False(gpu.Control.IsPending(first));
        Assert.True(gpu.Control.IsPending(second));
    }

    [Fact]
    public void With_a_session_a_reboot_keeps_the_last_picture_and_a_screen_that_stays_away_goes()
    {
        using var gpu = new GpuHarness(withSession: true);
        gpu.Show2D(1, 64, 64);
        gpu.Show2D(2, 64, 64, scanout: 1);
        gpu.Flush(1, s_whole);
        gpu.Flush(2, s_whole);
        gpu.Device.Reset();
        gpu.Run(60_000_000_000);
        Assert.Empty(gpu.Display.Disabled);
        gpu.Device.SetFeatures(ulong.MaxValue);
        gpu.Device.StartQueue(0, gpu.Control.Queue);
        gpu.Run(0);
        gpu.Show2D(1, 64, 64);
        gpu.Flush(1, s_whole);
        gpu.Run(1_000_000_000);
        Assert.Empty(gpu.Display.Disabled); // its driver may be on its way
        gpu.Run(10_000_000_000);
        Assert.Equal([1], gpu.Display.Disabled);
    }

    [Fact]
    public void A_display_that_throws_once_leaves_a_device_that_works()
    {
        _gpu.Show2D(1, 64, 64);
        _gpu.Display.Presented = (_, _) => throw new NotSupportedException("a bug");
        _gpu.Post((uint)VirtioGpuCommandType.ResourceFlush, GpuHarness.Words(0, 0, 64, 64, 1, 0));
        Assert.Throws<NotSupportedException>(_gpu.Kick);
        _gpu.Display.Presented = null;
        Assert.Equal(OkNoData, _gpu.Flush(1, s_whole));
        Assert.Equal(2, _gpu.Display.FrameCount);
    }
}
