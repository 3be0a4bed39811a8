// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Xunit;
using static GuestSurfaces.Tests.Presentation.FlipFixture;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>When a guest that shows its own pages hears that it may draw again: every case, through session, presenter and a strict compositor.</summary>
[Collection(Alone.Name)]
public sealed class FlipTests
{
    [Fact]
    public void Flip_is_answered_when_it_is_latched_and_the_buffer_before_is_released()
    {
        using var f = new FlipFixture();
        var (a, b) = (Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Latch();
        Assert.Equal([(0, 1UL)], f.Answers); // there is nothing before it
        f.Flip(b);
        f.Latch();
        Assert.Equal([(0, 1UL)], f.Answers);
        Assert.Equal(1, a.Storage.LockCount);
        f.Release();
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        Assert.Equal((1L, 0L), (f.Statistics.ReleaseWaits, f.Statistics.UnprotectedFlips));
    }

    [Fact]
    public void Flip_whose_buffer_before_is_released_first_is_answered_when_it_is_latched()
    {
        using var f = new FlipFixture();
        f.Flip(Dmabuf());
        f.Latch();
        f.Flip(Dmabuf());
        f.Release();
        Assert.Equal([(0, 1UL)], f.Answers);
        f.Latch();
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        Assert.Equal(0, f.Statistics.ReleaseWaits);
    }

    [Fact]
    public void Same_buffer_flushed_again_is_answered_when_it_is_latched()
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        for (ulong i = 1; i <= 5; i++)
        {
            f.Flip(a);
            f.Latch();
            Assert.Equal((0, i), f.Answers[^1]);
        }

        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void Superseded_frame_waits_with_its_successor_for_the_buffer_on_the_screen()
    {
        using var f = new FlipFixture();
        var (a, b, c) = (Dmabuf(), Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Flip(b);
        f.Flip(c);
        Assert.Equal(0, b.Storage.LockCount);
        Assert.Empty(f.Answers);
        f.Latch(); // a, and c is committed: an answer for b would let the guest draw into a
        Assert.Equal([(0, 1UL)], f.Answers);
        f.Latch();
        Assert.Equal([(0, 1UL)], f.Answers);
        f.Release();
        Assert.Equal([(0, 1UL), (0, 3UL)], f.Answers); // the answer for all before it
    }

    [Fact]
    public void Buffer_that_is_shown_again_is_not_waited_for()
    {
        using var f = new FlipFixture();
        var (a, b) = (Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Latch();
        f.Flip(b);
        f.Flip(a); // without waiting: the guest has drawn into it already
        f.Latch();
        Assert.Equal((0, 2UL), f.Answers[^1]);
        f.Latch();
        Assert.Equal((0, 2UL), f.Answers[^1]); // b is still read
        f.Release();
        Assert.Equal((0, 3UL), f.Answers[^1]);
    }

    [Fact]
    public void Copies_are_never_waited_for()
    {
        using var f = new FlipFixture();
        var shm = Shm();
        f.Flip(shm);
        f.Latch();
        f.Flip(Shm());
        f.Latch();
        Assert.Equal(1, shm.Storage.LockCount);
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        f.Flip(Dmabuf());
        f.Latch();
        Assert.Equal((0, 3UL), f.Answers[^1]);
        f.Flip(Shm()); // but the guest's pages before a copy are
        f.Latch();
        Assert.Equal((0, 3UL), f.Answers[^1]);
        f.Release();
        Assert.Equal((0, 4UL), f.Answers[^1]);
    }

    [Fact]
    public void Buffer_on_two_scanouts_is_waited_for_until_both_have_let_it_go()
    {
        using var f = new FlipFixture();
        var (a, b) = (Dmabuf(), Dmabuf());
        f.Flip(a, scanout: 0);
        f.Flip(a, scanout: 1);
        f.Refresh();
        Assert.Equal([(0, 1UL), (1, 2UL)], f.Answers);
        f.Present(b, scanout: 0);
        f.Present(b, scanout: 1);
        f.Pump();
        f.Latch(0);
        f.Release(0);
        f.Latch(1);
        Assert.Equal(2, f.Answers.Count);
        f.Release(1);
        Assert.Equal([(0, 3UL), (1, 4UL)], f.Answers[2..]);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void Scanout_flips_on_while_its_old_buffer_is_meant_to_stay_on_another_one()
    {
        using var f = new FlipFixture();
        var (a, b, c) = (Dmabuf(), Dmabuf(), Dmabuf());
        f.Flip(a, scanout: 0);
        f.Flip(a, scanout: 1);
        f.Refresh();
        for (var i = 0; i < 4; i++)
        {
            f.Flip(i % 2 == 0 ? b : c, scanout: 0);
            f.Refresh();
            Assert.Equal((0, f.LastSerial), f.Answers[^1]);
        }

        var last = f.Flip(b, scanout: 1); // this one takes it from the last
        f.Latch(1);
        Assert.NotEqual((1, last), f.Answers[^1]);
        f.Release(1);
        Assert.Equal((1, last), f.Answers[^1]);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void Compositor_that_keeps_a_buffer_delays_the_answer_by_two_refreshes_and_is_counted()
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Flip(Dmabuf());
        f.Latch();
        f.Pass(34 * Ms);
        Assert.Equal([(0, 1UL)], f.Answers);
        f.Pass(Ms);
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        Assert.Equal(1, f.Statistics.UnprotectedFlips);
        f.Release(); // too late to matter
        f.Pass(1000 * Ms);
        Assert.Equal(2, f.Answers.Count);
        Assert.Equal((1L, 0L), (f.Statistics.UnprotectedFlips, f.Statistics.ReleaseWaits));
    }

    [Fact]
    public void Hidden_window_is_answered_by_the_timer()
    {
        using var f = new FlipFixture();
        f.Flip(Dmabuf());
        f.Latch();
        f.Flip(Dmabuf()); // from here on nothing refreshes
        f.Pass(10 * Ms);
        f.Flip(Dmabuf());
        f.Pass(25 * Ms);
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        f.Pass(10 * Ms);
        Assert.Equal([(0, 1UL), (0, 2UL), (0, 3UL)], f.Answers);
        Assert.Equal(2, f.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void Compositor_that_dies_leaves_nothing_to_wait_for()
    {
        using var f = new FlipFixture();
        var (a, b) = (Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Latch();
        f.Flip(b);
        f.Die();
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        Assert.Equal(0, a.Storage.LockCount + b.Storage.LockCount);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void Guest_that_is_gone_is_answered_at_once_and_leaves_nothing_for_the_next()
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Flip(Dmabuf());
        f.Gpu.Begin(a.Storage);
        f.Session.CloseWindows();
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        f.Pump();
        Assert.Equal(1, a.Storage.LockCount); // the GPU is still at it
        f.Flip(Shm());
        f.Latch(1);
        Assert.Equal((0, 3UL), f.Answers[^1]);
        f.Gpu.End(a.Storage);
        Assert.Equal(3, f.Answers.Count);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    [Fact]
    public void Scanout_that_is_turned_off_and_on_again_still_waits_for_what_it_showed()
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Session.Disable(0);
        f.Pass(100 * Ms); // black now, and the compositor hasn't noticed
        f.Pump();
        Assert.Equal(1, a.Storage.LockCount);
        f.Flip(Dmabuf());
        f.Latch();
        Assert.Equal([(0, 1UL)], f.Answers);
        f.Release();
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
    }

    [Fact]
    public void Release_counts_when_the_gpu_is_done_too()
    {
        using var f = new FlipFixture();
        var (a, b) = (Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Latch();
        f.Flip(b);
        f.Gpu.Begin(a.Storage);
        f.Refresh();
        Assert.Equal([(0, 1UL)], f.Answers);
        Assert.Equal((1, 1), (a.Storage.LockCount, f.Gpu.ArmedWatches));
        f.Gpu.Wake(a.Storage); // told too early
        Assert.Equal(1, a.Storage.LockCount);
        f.Gpu.End(a.Storage);
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        Assert.Equal((0, 0), (a.Storage.LockCount, f.Gpu.ArmedWatches));
        Assert.Equal((1L, 0L), (f.Statistics.ReleaseWaits, f.Statistics.UnprotectedFlips));
        a.Dispose();
        f.Pump();
        Assert.Equal(0, f.Gpu.Watches); // gone with the descriptor
    }

    [Fact]
    public void Idle_gpu_costs_one_question_for_each_release_and_a_commit_publishes_what_was_drawn()
    {
        using var f = new FlipFixture();
        TestPicture[] pictures = [Dmabuf(), Dmabuf()];
        for (var i = 0; i < 10; i++)
        {
            f.Flip(pictures[i % 2]);
            f.Refresh();
        }

        Assert.Equal((9, 10, 0), (f.Gpu.Polls, f.Gpu.Published, f.Gpu.Watches));
        f.Flip(Shm());
        f.Refresh();
        f.Flip(Shm());
        f.Refresh();
        Assert.Equal((10, 10), (f.Gpu.Polls, f.Gpu.Published));
    }

    [Fact]
    public void Gpu_that_hangs_delays_the_answer_by_two_refreshes_and_the_lock_by_a_second()
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Flip(Dmabuf());
        f.Gpu.Begin(a.Storage);
        f.Refresh();
        f.Pass(35 * Ms);
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
        f.Pass(964 * Ms);
        Assert.Equal(1, a.Storage.LockCount);
        f.Pass(Ms);
        Assert.Equal(0, a.Storage.LockCount);
        f.Gpu.End(a.Storage);
        Assert.Equal(0, a.Storage.LockCount);
        Assert.Equal((2, 1L), (f.Answers.Count, f.Statistics.UnprotectedFlips));
    }

    [Fact]
    public void Dma_buf_that_cannot_be_watched_is_unlocked_by_the_timer()
    {
        using var f = new FlipFixture();
        f.Gpu.CanWatch = false;
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Flip(Dmabuf());
        f.Gpu.Begin(a.Storage);
        f.Refresh();
        f.Gpu.End(a.Storage);
        f.Pass(999 * Ms);
        Assert.Equal(1, a.Storage.LockCount);
        f.Pass(Ms);
        Assert.Equal(0, a.Storage.LockCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gpu_may_read_on_when_the_compositor_is_gone_and_is_waited_for(bool hangs)
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Gpu.Begin(a.Storage);
        f.Die();
        Assert.Equal(1, a.Storage.LockCount);
        f.Flip(Dmabuf()); // nobody shows it, and it waits for the GPU all the same
        f.Flip(Shm());
        Assert.Equal([(0, 1UL)], f.Answers);
        if (hangs)
            f.Pass(1000 * Ms);
        else
            f.Gpu.End(a.Storage);
        Assert.Equal(0, a.Storage.LockCount);
        f.Pass(35 * Ms);
        Assert.Equal((0, 3UL), f.Answers[^1]);
    }

    [Fact]
    public void Storage_that_is_dropped_while_the_gpu_reads_it_closes_when_that_is_over()
    {
        using var f = new FlipFixture();
        var a = Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Flip(Dmabuf());
        f.Gpu.Begin(a.Storage);
        f.Refresh();
        a.Dispose();
        Assert.False(a.Storage.IsClosed);
        Assert.Equal([(0, 1UL)], f.Answers);
        f.Gpu.End(a.Storage);
        Assert.True(a.Storage.IsClosed);
        Assert.Equal([(0, 1UL), (0, 2UL)], f.Answers);
    }

    [Fact]
    public void Every_plane_is_waited_for()
    {
        using var leaks = new FdLeakCheck();
        var timers = new Core.Loop.TimerQueue(new VirtualClock());
        var gpu = new FakeDmabufSync();
        var releases = new DmabufReleases(timers, gpu);
        using var memory = MemFdHandle.TryCreateSealed("planes", 4096, out _)!;
        var storage = BufferStorage.FromDmabufs([memory.Duplicate<DmabufHandle>(), memory.Duplicate<DmabufHandle>(), memory.Duplicate<DmabufHandle>()], null);
        storage.Lock();
        storage.Lock();
        gpu.Begin(storage, 0);
        gpu.Begin(storage, 2);
        releases.Unlock(storage, 1);
        releases.Unlock(storage, 1); // another surface's
        gpu.End(storage, 0);
        Assert.Equal((2, 1), (storage.LockCount, gpu.ArmedWatches));
        gpu.End(storage, 2);
        Assert.Equal(0, storage.LockCount);
        storage.Drop();
        Assert.Equal(0, gpu.Watches);
    }

    /// <summary>The kernel's poll() and epoll, on a file that is busy until it is read. Real dma-bufs and their fences are the lab's.</summary>
    [Fact]
    public void Loop_hears_when_the_fences_are_gone()
    {
        using var loop = new Core.Loop.EventLoop();
        using var counter = EventFdHandle.Create();
        var releases = new DmabufReleases(loop.Timers, new LoopDmabufSync(loop));
        var storage = BufferStorage.FromDmabufs([counter.Duplicate<DmabufHandle>()], null);
        for (var i = 0; i < 3; i++)
        {
            storage.Lock();
            Assert.Equal(Errno.None, counter.Fill());
            releases.Publish(storage);
            releases.Unlock(storage, 1);
            loop.RunOnce(0);
            Assert.Equal(1, storage.LockCount);
            Assert.Equal(Errno.None, counter.Drain(out _));
            loop.RunOnce(0);
            Assert.Equal(0, storage.LockCount);
            loop.RunOnce(0);
        }

        storage.Drop();
        Assert.True(storage.IsClosed);
    }
}
