// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

[Collection(Alone.Name)]
public class PacingTests
{
    private static readonly ReleaseMode[] s_modes = Enum.GetValues<ReleaseMode>();

    public static TheoryData<ReleaseMode> Modes => [.. s_modes];

    [Fact]
    public void Second_frame_waits_for_the_first_ones_frame_callback()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Show(new TestPicture(40, 30));
        Assert.Equal([1UL], f.Events.Committed);
        f.Refresh();
        Assert.Equal([1UL, 2UL], f.Events.Committed);
    }

    [Fact]
    public void Frame_that_is_overtaken_while_it_waits_is_superseded_and_unlocked_at_once()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        var overtaken = new TestPicture(40, 30);
        f.Show(overtaken);
        Assert.Equal(1, overtaken.Storage.LockCount);
        f.Show(new TestPicture(40, 30));
        Assert.Equal(0, overtaken.Storage.LockCount);
        Assert.Equal([2UL], f.Events.Superseded);
    }

    [Fact]
    public void Damage_of_a_superseded_frame_reaches_the_screen_with_its_successor()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        var a = new BufferRect(1, 2, 5, 6);
        var b = new BufferRect(20, 10, 3, 4);
        picture.Fill(a, static (_, _) => 0x11);
        f.Show(picture, DamageList.Of(a));
        picture.Fill(b, static (_, _) => 0x22);
        f.Show(picture, DamageList.Of(b));
        f.Refresh();
        Assert.Equal(new HashSet<BufferRect> { a, b }, [.. f.Window.Surface.LastDamage]);
        f.Window.Render().AssertShows(40, picture, picture.Whole);
    }

    [Fact]
    public void Exactly_the_damaged_rectangles_are_sent()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30).FillPattern();
        f.Show(picture);
        Assert.Equal([picture.Whole], f.Window.Surface.LastDamage);
        f.Refresh();
        var damage = DamageList.Of(new BufferRect(3, 4, 5, 6));
        damage.Add(new BufferRect(30, 20, 10, 10));
        f.Show(picture, damage);
        Assert.Equal([new BufferRect(3, 4, 5, 6), new BufferRect(30, 20, 10, 10)], f.Window.Surface.LastDamage);
    }

    [Fact]
    public void Frame_is_latched_at_its_presentation_time()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Window.Surface.PresentOnly(1_234_567_890);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal([(1UL, 1_234_567_890L)], f.Events.Latched);
        f.Refresh();
        Assert.Single(f.Events.Latched);
    }

    [Fact]
    public void Frame_callback_that_comes_first_latches_the_frame_now()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Clock.Advance(5_000_000);
        f.Window.Surface.CallbackOnly(0);
        f.Compositor.Client.Flush();
        f.Pump();
        Assert.Equal([(1UL, f.Clock.NowNs)], f.Events.Latched);
        f.Refresh();
        Assert.Single(f.Events.Latched);
    }

    [Fact]
    public void Without_presentation_time_the_frame_callback_latches()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Presentation = false });
        f.Show(new TestPicture(40, 30));
        f.Refresh();
        Assert.Equal([(1UL, f.Clock.NowNs)], f.Events.Latched);
    }

    [Fact]
    public void Presentation_times_of_another_clock_are_moved_to_the_monotonic_one()
    {
        const int monotonicRaw = 4;
        using var f = new PresenterFixture(new FakeCompositorOptions { PresentationClockId = monotonicRaw });
        f.Show(new TestPicture(40, 30));
        f.Window.Surface.PresentOnly(KernelClock.NowNs(monotonicRaw) - 3_000_000);
        f.Compositor.Client.Flush();
        f.Pump();

        // Three milliseconds before now, less what the test itself took on the real clock meanwhile.
        var (_, time) = Assert.Single(f.Events.Latched);
        Assert.InRange(time, f.Clock.NowNs - 1_000_000_000, f.Clock.NowNs - 3_000_000);
    }

    [Fact]
    public void Discarded_frame_is_settled_as_superseded_once()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30));
        f.Window.Surface.DiscardFeedback();
        f.Compositor.Client.Flush();
        f.Pump();
        f.Refresh();
        Assert.Equal([1UL], f.Events.Settled);
        Assert.Equal([1UL], f.Events.Superseded);
    }

    [Fact]
    public void Hidden_window_keeps_two_frames_at_most_and_shows_the_newest_when_it_is_seen_again()
    {
        using var f = new PresenterFixture();
        var pictures = Enumerable.Range(0, 20).Select(static i => new TestPicture(40, 30).FillPattern((uint)i)).ToArray();
        foreach (var picture in pictures)
            f.Show(picture);
        Assert.Equal(2, pictures.Sum(static p => p.Storage.LockCount));
        Assert.Equal(18, f.Events.Superseded.Count);
        f.Refresh();
        f.Window.Render().AssertShows(40, pictures[^1], pictures[^1].Whole);
    }

    [Fact]
    public void Frame_without_damage_in_the_shown_buffer_is_answered_and_nothing_is_attached()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30);
        f.Show(picture);
        f.Refresh();
        var locks = picture.Storage.LockCount;
        f.Show(picture, default(DamageList));
        f.Refresh();
        Assert.Equal(locks, picture.Storage.LockCount);
        Assert.Equal([1UL, 2UL], f.Events.Latched.Select(static l => l.Serial));
    }

    [Fact]
    public void Frame_without_damage_in_another_buffer_is_shown_from_that_buffer()
    {
        using var f = new PresenterFixture();
        f.Show(new TestPicture(40, 30).FillPattern());
        f.Refresh();
        var other = new TestPicture(40, 30).FillPattern(7);
        f.Show(other, default(DamageList));
        f.Window.Render().AssertShows(40, other, other.Whole);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Two_buffers_in_turn_are_each_unlocked_once_per_commit(ReleaseMode mode)
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Release = mode });
        TestPicture[] pictures = [new(40, 30), new(40, 30)];
        for (var i = 0; i < 10; i++)
        {
            f.Show(pictures[i % 2]);
            f.Refresh();
            f.Refresh();
            Assert.Equal(0, pictures[(i + 1) % 2].Storage.LockCount);
            Assert.Equal(mode == ReleaseMode.WhenReplaced ? 1 : 0, pictures[i % 2].Storage.LockCount);
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void One_buffer_committed_again_and_again_gives_every_lock_back(ReleaseMode mode)
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Release = mode });
        var picture = new TestPicture(40, 30);
        for (var i = 0; i < 10; i++)
        {
            f.Show(picture);
            f.Refresh();
        }

        f.Show(new TestPicture(40, 30));
        f.Refresh();
        f.Refresh();
        Assert.Equal(0, picture.Storage.LockCount);
    }

    [Fact]
    public void Release_that_was_sent_before_a_recommit_arrived_leaves_the_recommits_lock()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { Release = ReleaseMode.AtRefresh });
        var picture = new TestPicture(40, 30);
        f.Show(picture);

        // The frame callback comes first, so the client commits again, and only then reads the first commit's release.
        f.Window.Surface.CallbackOnly(0);
        f.Compositor.Client.Flush();
        var frame = f.Frame(picture);
        f.Presenter.Present(0, in frame);
        var buffer = f.Window.Surface.Buffer!;
        f.Presenter.Dispatch();
        Assert.Equal(2, picture.Storage.LockCount);
        buffer.Release();
        f.Compositor.Client.Flush();
        f.Presenter.Dispatch();
        Assert.Equal(1, picture.Storage.LockCount);
        f.Pump();
        Assert.Equal(1, picture.Storage.LockCount);
        f.Refresh();
        Assert.Equal(0, picture.Storage.LockCount);
    }

    [Fact]
    public void Compositor_that_stops_reading_leaves_the_guest_and_our_memory_alone()
    {
        using var f = new PresenterFixture();
        var pictures = Enumerable.Range(0, 2).Select(static _ => new TestPicture(40, 30)).ToArray();
        var cursors = Enumerable.Range(0, 2).Select(static _ => new TestPicture(8, 8, DrmFormat.Argb8888)).ToArray();
        f.Show(pictures[0]);
        SetCursor(1);
        f.Pump();
        f.Refresh();
        for (var i = 0; i < 20_000; i++)
        {
            var frame = f.Frame(pictures[i % 2]);
            f.Presenter.Present(0, in frame);
            SetCursor(i);
            if (i > 10_000)
                f.Presenter.MoveCursor(0, i % 20, i % 10);
            f.Presenter.Dispatch();
        }

        Assert.Null(f.Lost);
        Assert.False(f.Compositor.ClientConnection.WantsWrite); // a few requests are in the socket, nothing piles up behind it
        Assert.InRange(f.Events.Settled.Count(), 19_998, 20_001);
        Assert.InRange(pictures.Sum(static p => p.Storage.LockCount) + cursors.Sum(static c => c.Storage.LockCount), 0, 6);
        f.Pump();
        f.Refresh();
        Assert.Null(f.Lost);

        void SetCursor(int i)
        {
            var storage = cursors[i % 2].Storage;
            storage.Lock();
            f.Presenter.SetCursor(0, new CursorImage(storage, new BufferSize(8, 8), 0, 0), 4, 4);
        }
    }

    [Fact]
    public void Fences_of_committed_and_of_superseded_frames_are_closed()
    {
        using var f = new PresenterFixture();
        using var file = MemFdHandle.TryCreateSealed("fence", 1, out _)!;
        var fences = Enumerable.Range(0, 3).Select(_ => file.Duplicate<SyncFileHandle>()).ToArray();
        foreach (var fence in fences)
        {
            var frame = f.Frame(new TestPicture(40, 30));
            frame.Acquire = SyncPoint.FromFence(fence);
            f.Presenter.Present(0, in frame);
            f.Pump();
        }

        f.Presenter.Disable(0);
        Assert.All(fences, static fence => Assert.True(fence.IsClosed));
    }

    [Fact]
    public void Presenter_leaves_no_descriptor_behind()
    {
        using var leaks = new FdLeakCheck();
        var pictures = Enumerable.Range(0, 6).Select(static i => new TestPicture(40, 30, isDmabuf: i % 2 == 0)).ToArray();
        using (var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4 }))
        {
            foreach (var picture in pictures)
            {
                f.Show(picture);
                f.Refresh();
            }
        }

        foreach (var picture in pictures)
            picture.Dispose();
    }
}
