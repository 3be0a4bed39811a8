// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.Presentation;
using Xunit;
using static GuestSurfaces.Tests.Presentation.FlipFixture;

namespace GuestSurfaces.Tests.Foundations;

/// <summary>What is remembered of each frame: by session, presenter and a strict compositor on one clock, and by the ring itself.</summary>
[Collection(Alone.Name)]
public sealed class FrameTraceTests
{
    [Fact]
    public void A_flips_stages_have_the_times_at_which_they_were_reached()
    {
        using var f = new FlipFixture();
        var (a, b) = (Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Latch();
        f.Pass(5 * Ms);
        var popped = f.Clock.NowNs;
        f.Present(b);
        f.Pass(2 * Ms);
        f.Pump();
        f.Pass(3 * Ms);
        f.Latch();
        f.Pass(4 * Ms);
        f.Release();
        var frames = f.ReadTrace();
        Assert.Equal([1UL, 2UL], frames.Select(static frame => frame.Serial));
        Assert.Equal(popped + (9 * Ms), frames[0][FrameStage.Released]); // when its successor was answered
        var second = frames[1];
        Assert.Equal(FrameMarks.Awaited | FrameMarks.Dmabuf, second.Marks);
        Assert.Equal((popped, popped), (second[FrameStage.Popped], second[FrameStage.Sent]));
        Assert.Equal(popped + (5 * Ms), second[FrameStage.Latched]);
        Assert.Equal((0, popped + (9 * Ms)), (second[FrameStage.Released], second[FrameStage.Answered]));
    }

    [Fact]
    public void A_frame_on_screen_and_an_overtaken_one_are_marked()
    {
        using var f = new FlipFixture();
        f.Flip(Dmabuf());
        f.Flip(Dmabuf());
        f.Flip(Dmabuf());
        f.Refresh();
        f.Refresh();
        var frames = f.ReadTrace();
        Assert.Equal(f.Clock.NowNs, frames[0][FrameStage.Presented]);
        Assert.True(frames[1].Marks.HasFlag(FrameMarks.Superseded));
        Assert.Equal((0, 0), (frames[1][FrameStage.Committed], frames[1][FrameStage.Presented]));
        Assert.All(frames.Take(2), static frame => Assert.NotEqual(0, frame[FrameStage.Answered]));
    }

    [Fact]
    public void An_answer_is_for_all_frames_of_its_scanout_before_and_for_no_other_scanouts()
    {
        using var f = new FlipFixture();
        f.Flip(Shm());
        f.Flip(Shm(), scanout: 1);
        f.Flip(Shm());
        f.Flip(Shm());
        f.Pass(40 * Ms); // nobody looks
        var at = f.ReadTrace().Select(static frame => frame[FrameStage.Answered]).Distinct();
        Assert.Single(at);
        f.Flip(Shm());
        f.Flip(Shm(), scanout: 1);
        f.Refresh();
        f.Latch();
        Assert.Equal([(0u, true), (1u, false)], f.ReadTrace().TakeLast(2).Select(static frame => (frame.Scanout, frame[FrameStage.Answered] > 0)));
    }

    [Fact]
    public void The_ring_holds_the_last_frames_and_hears_nothing_more_of_those_before()
    {
        using var trace = FrameTrace.TryCreate(out _)!;
        using var picture = new TestPicture(8, 8);
        for (ulong serial = 1; serial <= FrameTrace.Capacity + 10; serial++)
            trace.Begin(3, new GuestFrame { Storage = picture.Storage, Serial = serial, PoppedNs = (long)serial }, 100_000);
        trace.Reach(10, FrameStage.Latched, 1);
        trace.Mark(10, FrameMarks.ZeroCopy);
        trace.Reach(11, FrameStage.Latched, 7);
        trace.Reach(11, FrameStage.Latched, 8); // only the first word counts
        trace.Reach(0, FrameStage.Latched, 9);
        trace.Reach(ulong.MaxValue, FrameStage.Latched, 9);
        trace.Answer(3, FrameTrace.Capacity + 10, 200_000);
        var frames = Read(trace);
        Assert.Equal((FrameTrace.Capacity, 11UL, 11L, 7L), (frames.Count, frames[0].Serial, frames[0][FrameStage.Popped], frames[0][FrameStage.Latched]));
        Assert.All(frames, static frame => Assert.Equal((3u, 100_000, 200_000), (frame.Scanout, frame[FrameStage.Sent], frame[FrameStage.Answered])));
        Assert.All(frames.Skip(1), static frame => Assert.Equal((FrameMarks.None, 0), (frame.Marks, frame[FrameStage.Latched])));
    }

    [Fact]
    public void Whoever_has_its_memory_can_read_it_but_not_write()
    {
        using var trace = FrameTrace.TryCreate(out _)!;
        var size = trace.File.GetSizeBytes();
        var theirs = trace.File.Duplicate<MemFdHandle>();
        Assert.Equal(FileSeals.Seal | FileSeals.Shrink | FileSeals.Grow | FileSeals.FutureWrite, theirs.GetSeals());
        Assert.Null(SharedRegion.TryOpen(theirs, 0, size, mayMap: true, out _)); // for writing
        using var file = SharedRegion.TryOpen(trace.File.Duplicate<MemFdHandle>(), 0, size, mayMap: false, out _)!;
        Assert.False(file.TryWrite(0, 0UL));
        Assert.Empty(Read(trace));
        Assert.Null(FrameTrace.Read(new byte[16]));
        Assert.Null(FrameTrace.Read([]));
    }
}
