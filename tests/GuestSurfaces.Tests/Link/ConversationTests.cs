// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>What source and viewers tell each other when both keep the rules.</summary>
[Collection(Alone.Name)]
public sealed class ConversationTests
{
    private const long RefreshNs = 16_666_667;

    [Fact]
    public void A_frame_arrives_with_everything_it_says_of_itself()
    {
        using var leaks = new FdLeakCheck();
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        var picture = f.Picture().FillPattern();
        f.Present(picture, scanout: 3, flipY: true);
        f.Pump();
        var held = Assert.Single(viewer.Display.Held);
        var frame = held.Frame;
        Assert.Equal(3, held.Scanout);
        Assert.Equal((picture.View.ToString(), picture.Whole, true, true), (frame.View.ToString(), frame.Source, frame.FlipY, frame.Awaited));
        Assert.Equal(picture.Whole, frame.Damage.Bounds);
        Assert.Equal(f.Clock.NowNs, frame.PoppedNs);
        Assert.True(frame.Storage.Pixels!.IsMapped);
        Assert.Equal(picture.Get(31, 15), HoldingDisplay.Pixel(in frame, 31, 15));
        Assert.Equal("Fedora", viewer.Link.SourceName);
        Assert.True(viewer.Link.IsInCharge);
    }

    [Fact]
    public void Answers_come_back_with_their_times_and_locks_when_they_are_free()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        TestPicture[] pictures = [f.Picture(), f.Picture()];
        var first = f.Present(pictures[0]);
        f.Pump();
        viewer.Link.Committed(0, viewer.Display.Last.Serial);
        f.Clock.Advance(RefreshNs);
        viewer.Display.Latch(timeNs: f.Clock.NowNs - 5);
        f.Pump();
        Assert.Equal([first], f.Events.Committed);
        Assert.Equal([(first, f.Clock.NowNs - 5)], f.Events.Latched);

        f.Present(pictures[1]);
        f.Pump();
        Assert.Equal(1, pictures[0].Storage.LockCount);
        viewer.Display.ReleaseOld();
        f.Pump();
        Assert.Equal((0, 1), (pictures[0].Storage.LockCount, pictures[0].Unlocks));
    }

    [Fact]
    public void Times_on_screen_come_along_with_later_answers_and_never_for_their_own_sake()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        TestPicture[] pictures = [f.Picture(), f.Picture()];
        var first = f.Present(pictures[0]);
        f.Pump();
        var shown = viewer.Display.Last.Serial;
        viewer.Display.Latch();
        f.Pass(RefreshNs);
        var presentation = new FramePresentation(f.Clock.NowNs - 7, 16_666_667, IsZeroCopy: true);
        viewer.Link.Presented(0, shown, in presentation);
        f.Pump();
        Assert.Empty(f.Events.Presented); // nobody is woken for it

        f.Present(pictures[1]);
        f.Pump();
        viewer.Display.Latch();
        viewer.Link.Presented(0, viewer.Display.Last.Serial, new FramePresentation(f.Clock.NowNs + RefreshNs, 0, IsZeroCopy: false)); // a clock that is ahead of ours
        f.Pump();
        Assert.Equal([(0, first, presentation), (0, first + 1, new FramePresentation(f.Clock.NowNs, 0, false))], f.Events.Presented);
        viewer.Link.Presented(0, shown, in presentation);
        f.Present(pictures[0]);
        f.Pump();
        viewer.Display.Latch();
        f.Pump();
        Assert.Equal(3, f.Events.Presented.Count);
    }

    [Fact]
    public void A_viewer_that_comes_late_is_told_everything_alive()
    {
        using var f = new LinkFixture();
        var picture = f.Picture().FillPattern();
        var cursor = new TestPicture(8, 8, DrmFormat.Argb8888);
        cursor.Storage.Lock();
        f.Present(f.Picture());
        f.Hub.SetCursor(0, new CursorImage(cursor.Storage, cursor.View.Size, 1, 2), 10, 20);
        f.Hub.MoveCursor(0, 11, 21);
        f.Present(picture, damage: new BufferRect(1, 1, 2, 2));
        f.Hub.Blank(1);
        f.Pass(RefreshNs);
        var viewer = f.AddViewer();
        var frame = Assert.Single(viewer.Display.Held).Frame;
        Assert.Equal(picture.Whole, frame.Damage.Bounds);
        Assert.Equal(picture.Get(3, 3), HoldingDisplay.Pixel(in frame, 3, 3));
        var shown = viewer.Display.Cursors[0];
        Assert.Equal((8, 1, 2, 11, 21), (shown.Image.Size.Width, shown.Image.HotX, shown.Image.HotY, shown.X, shown.Y));
        Assert.Equal("black", viewer.Display.Shows[1]);
        viewer.Display.Latch();
        f.Pump();
        Assert.Equal(2, f.Events.Superseded.Count); // both were answered while nobody looked: not once more
        Assert.Empty(f.Events.Latched);
        f.Hub.SetCursor(0, default, 0, 0);
        f.Pump();
        Assert.Null(viewer.Display.Cursors[0].Image.Storage);
        Assert.Equal(0, cursor.Storage.LockCount);
        cursor.Dispose();
    }

    [Fact]
    public void A_viewer_hears_when_it_has_been_told_everything_alive()
    {
        using var f = new LinkFixture();
        f.Present(f.Picture());
        f.Present(f.Picture(), scanout: 3);
        var viewer = new LinkFixture.TestViewer(f.Timers, wantsControl: false, credit: 1);
        f.Viewers.Add(viewer);
        var told = new List<int>();
        viewer.Link.Replayed = () => told.Add(viewer.Display.Held.Count);
        f.Connect(viewer);
        f.Pump();
        f.Present(f.Picture(), scanout: 4);
        f.Pump();
        Assert.Equal([2], told);
    }

    [Fact]
    public void Frames_beyond_the_credit_wait_and_only_the_newest_of_them_goes_with_the_damage_of_all()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer(credit: 2);
        var pictures = Enumerable.Range(0, 5).Select(_ => f.Picture()).ToArray();
        for (var i = 0; i < 5; i++)
        {
            f.Present(pictures[i], damage: new BufferRect(i, 0, 1, 1));
            f.Pump();
        }

        Assert.Equal(2, viewer.Display.Held.Count);
        Assert.Equal([3ul, 4ul], f.Events.Superseded);
        Assert.Equal(0, pictures[3].Storage.LockCount);
        viewer.Display.Latch();
        f.Pump();
        Assert.Equal([2ul], f.Events.Latched.Select(static l => l.Serial));
        Assert.Equal(new BufferRect(2, 0, 3, 1), viewer.Display.Last.Damage.Bounds);
        viewer.Display.Latch();
        f.Pump();
        Assert.Equal([2ul, 5ul], f.Events.Latched.Select(static l => l.Serial));
    }

    [Fact]
    public void Many_frames_of_one_turn_of_the_loop_are_one_packet()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        for (var i = 0; i < 10; i++)
            f.Present(f.Picture());
        f.Pump();
        Assert.Equal(1, viewer.Display.Presented);
        Assert.Equal(9, f.Events.Superseded.Count);
    }

    [Fact]
    public void Without_a_viewer_the_guest_is_answered_at_the_refresh_rate_last_known()
    {
        using var f = new LinkFixture();
        var picture = f.Picture();
        f.Present(picture);
        f.Pass(RefreshNs - 10);
        Assert.Empty(f.Events.Settled);
        f.Pass(20);
        Assert.Equal([1ul], f.Events.Superseded);
        Assert.Equal(1, picture.Storage.LockCount); // kept for whoever comes

        var viewer = f.AddViewer();
        viewer.Link.RefreshKnown(0, 120_000);
        f.Pump();
        Assert.Equal([120_000], f.Events.Refreshes);
        viewer.Dispose();
        f.Pump();
        f.Present(picture);
        f.Pass((RefreshNs / 2) + 10);
        Assert.Equal([1ul, 2ul], f.Events.Superseded);
    }

    [Fact]
    public void When_the_viewer_in_charge_goes_the_next_one_is_and_every_frame_is_answered_once()
    {
        using var f = new LinkFixture();
        var first = f.AddViewer(credit: 3);
        var watcher = f.AddViewer(wantsControl: false);
        var second = f.AddViewer(credit: 3);
        second.Link.ModeWanted(0, new OutputMode(new BufferSize(800, 600), 75_000, 0, 0, true));
        f.Pump();
        Assert.Empty(f.Events.Modes);
        var pictures = Enumerable.Range(0, 3).Select(_ => f.Picture()).ToArray();
        foreach (var picture in pictures)
        {
            f.Present(picture);
            f.Pump();
        }

        second.Display.Latch(); // not in charge: nobody hears it
        f.Pump();
        Assert.Empty(f.Events.Settled);
        first.Dispose();
        f.Pump();
        Assert.True(second.Link.IsInCharge);
        Assert.False(watcher.Link.IsInCharge);
        Assert.Equal(new BufferSize(800, 600), Assert.Single(f.Events.Modes).Size);
        Assert.Equal([1ul, 2ul], f.Events.Superseded);
        f.Pass(2 * RefreshNs); // it has answered the newest already: time answers for it
        Assert.Equal([1ul, 2ul, 3ul], f.Events.Superseded);
        f.Present(pictures[0]);
        f.Pump();
        second.Display.Latch();
        f.Pump();
        Assert.Equal([4ul], f.Events.Latched.Select(static l => l.Serial));
    }

    [Fact]
    public void A_second_viewer_that_keeps_an_old_picture_is_sent_away_and_the_one_in_charge_is_not()
    {
        using var f = new LinkFixture();
        var first = f.AddViewer();
        var second = f.AddViewer(wantsControl: false);
        TestPicture[] pictures = [f.Picture(), f.Picture()];
        f.Present(pictures[0]);
        f.Pump();
        f.Present(pictures[1]);
        f.Pump();
        first.Display.Latch();
        f.Pass(200_000_000);
        Assert.Empty(second.Losses);
        f.Pass(60_000_000);
        Assert.Contains("kept a picture", Assert.Single(second.Losses), StringComparison.Ordinal);
        Assert.Empty(first.Losses);
        Assert.Equal(1, pictures[0].Storage.LockCount);
        first.Display.ReleaseOld();
        f.Pump();
        Assert.Equal(0, pictures[0].Storage.LockCount);
    }

    [Fact]
    public void A_second_viewer_in_time_stays()
    {
        using var f = new LinkFixture();
        var first = f.AddViewer();
        var second = f.AddViewer(wantsControl: false);
        TestPicture[] pictures = [f.Picture(), f.Picture(), f.Picture()];
        for (var i = 0; i < 60; i++)
        {
            f.Present(pictures[i % 3]);
            f.Pass(RefreshNs);
            foreach (var viewer in f.Viewers)
            {
                viewer.Display.Latch();
                viewer.Display.ReleaseOld();
            }

            f.Pump();
        }

        Assert.Empty(second.Losses);
        Assert.Equal((60, 60), (first.Display.Presented, second.Display.Presented));
        Assert.Equal(60, f.Events.Latched.Count);
    }

    [Fact]
    public void A_lost_viewer_gives_everything_back_and_shows_it_again_when_it_returns()
    {
        using var leaks = new FdLeakCheck();
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        TestPicture[] pictures = [f.Picture(), f.Picture()];
        f.Present(pictures[0], scanout: 0);
        f.Present(pictures[1], scanout: 1);
        f.Pump();
        var kept = viewer.Display.Held[0].Frame;
        viewer.Link.Dispose();
        f.Pump();
        Assert.Equal((1, 1), (pictures[0].Storage.LockCount, pictures[1].Storage.LockCount));
        Assert.False(kept.Storage.IsClosed); // it is still on the screen
        f.Hub.Disable(1);
        Assert.Equal(0, pictures[1].Storage.LockCount);
        f.Connect(viewer);
        f.Pump();
        Assert.Equal(("frame", "nothing"), (viewer.Display.Shows[0], viewer.Display.Shows[1]));
        Assert.Equal(3, viewer.Display.Presented);
        viewer.Link.Latched(0, kept.Serial, 1); // the earlier connection's
        f.Pump();
        Assert.DoesNotContain(f.Events.Latched, l => l.Serial == 1);
        viewer.Display.Latch();
        viewer.Display.ReleaseOld();
        f.Pump();
        Assert.True(kept.Storage.IsClosed);
        Assert.Equal([1ul, 2ul], f.Events.Settled.Order());
    }

    [Fact]
    public void Turning_off_and_blanking_settle_what_was_on_its_way()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        var picture = f.Picture();
        f.Present(picture);
        f.Pump();
        f.Hub.Blank(0);
        f.Pump();
        Assert.Equal(("black", 0), (viewer.Display.Shows[0], picture.Storage.LockCount));
        f.Present(picture, damage: new BufferRect(0, 0, 1, 1));
        f.Pump();
        Assert.Equal(picture.Whole, viewer.Display.Last.Damage.Bounds);
        f.Hub.Disable(0);
        f.Pump();
        Assert.Equal(("nothing", 0), (viewer.Display.Shows[0], picture.Storage.LockCount));
        Assert.Equal([1ul, 2ul], f.Events.Superseded);
    }

    [Fact]
    public void Wishes_refusals_and_reports_reach_the_guests_side()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        f.Statistics.SourceRung = new RungReport(Rung.Copy, "guest RAM can be cut", "seal it");
        f.Present(f.Picture());
        f.Pump();
        Assert.Equal(f.Statistics.SourceRung, viewer.Statistics.SourceRung);
        viewer.Statistics.DisplayRung = new RungReport(Rung.Copy, "no dma-bufs\nhere");
        viewer.Statistics.CompositedBecause = "the window isn't full screen";
        (viewer.Statistics.SyncMode, viewer.Statistics.SyncReason) = ("implicit", "no better one");
        (viewer.Statistics.Placement, viewer.Statistics.PlacementReason) = ("window", "no backgrounds here");
        (viewer.Statistics.Policy, viewer.Statistics.PolicyReason) = ("fifo", "no tearing here");
        viewer.Statistics.ZeroCopyPresented += 3;
        viewer.Statistics.BytesCopied += 4096;
        viewer.Link.BufferRefused(0, viewer.Display.Last.Storage, "pitch 5464");
        viewer.Link.CloseWanted(0);
        viewer.Link.ModeWanted(2, new OutputMode(new BufferSize(640, 480), 60_000, 300, 200, true));
        viewer.Display.ReleaseAll();
        f.Pump();
        Assert.Equal("no dma-bufs\ufffdhere", f.Statistics.DisplayRung.Reason);
        Assert.Equal("the window isn't full screen", f.Statistics.CompositedBecause);
        Assert.Equal(("implicit", "no better one"), (f.Statistics.SyncMode, f.Statistics.SyncReason));
        Assert.Equal(("window", "no backgrounds here"), (f.Statistics.Placement, f.Statistics.PlacementReason));
        Assert.Equal(("fifo", "no tearing here"), (f.Statistics.Policy, f.Statistics.PolicyReason));
        Assert.Equal((3, 4096), (f.Statistics.ZeroCopyPresented, f.Statistics.BytesCopied));
        Assert.Equal(["pitch 5464"], f.Events.Refusals);
        Assert.Equal([0], f.Events.Closes);
        Assert.Equal(new OutputMode(new BufferSize(640, 480), 60_000, 300, 200, true), Assert.Single(f.Events.Modes));

        // What it said of itself goes with it; what it counted has happened.
        viewer.Link.Dispose();
        f.Pump();
        Assert.Equal("nobody looks", f.Statistics.DisplayRung.Reason);
        Assert.Equal(("", "", ""), (f.Statistics.CompositedBecause, f.Statistics.SyncMode, f.Statistics.SyncReason));
        Assert.Equal(("", "", "", ""), (f.Statistics.Placement, f.Statistics.PlacementReason, f.Statistics.Policy, f.Statistics.PolicyReason));
        Assert.Equal((3, 4096), (f.Statistics.ZeroCopyPresented, f.Statistics.BytesCopied));
    }

    [Fact]
    public void A_storage_closes_at_the_viewer_when_the_guest_dropped_it_and_nobody_shows_it()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        var picture = f.Picture();
        f.Present(picture);
        f.Pump();
        var remote = viewer.Display.Last.Storage;
        picture.Storage.Drop();
        f.Present(f.Picture());
        f.Pump();
        Assert.Equal((false, 2), (remote.IsClosed, viewer.Link.StorageCount));
        viewer.Display.ReleaseOld();
        f.Pump();
        Assert.Equal((true, true, 1), (remote.IsClosed, picture.Storage.IsClosed, viewer.Link.StorageCount));
    }

    [Fact]
    public void More_storages_than_a_connection_keeps_take_turns()
    {
        using var leaks = new FdLeakCheck();
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        var pictures = Enumerable.Range(0, LinkLimits.Storages + 20).Select(_ => f.Picture(4, 4)).ToArray();
        for (var round = 0; round < 2; round++)
        {
            foreach (var picture in pictures)
            {
                f.Present(picture);
                f.Pump();
                viewer.Display.Latch();
                viewer.Display.ReleaseOld();
                f.Pump();
            }
        }

        Assert.Empty(viewer.Losses);
        Assert.Equal(2 * pictures.Length, f.Events.Latched.Count);
        Assert.Equal(LinkLimits.Storages, viewer.Link.StorageCount);
    }

    [Fact]
    public void A_viewer_that_never_reads_costs_the_guest_nothing_but_its_credit()
    {
        using var f = new LinkFixture();
        var deaf = new LinkFixture.TestViewer(f.Timers, wantsControl: true, credit: 2);
        f.Connect(deaf);
        f.Hub.OnReady(); // its hello, and then it reads no more
        TestPicture[] pictures = [.. Enumerable.Range(0, 6).Select(_ => f.Picture())];
        for (var i = 0; i < 5000; i++)
        {
            f.Present(pictures[i % 6]);
            f.Hub.MoveCursor(0, i, i);
            f.Timers.RunDue();
            f.Hub.OnReady();
        }

        Assert.Equal(5000 - 3, f.Events.Superseded.Count); // two are with it, one waits for its credit
        Assert.InRange(pictures.Sum(static p => p.Storage.LockCount), 1, 3);
        deaf.Dispose();
        f.Pump();
        Assert.Equal(5000 - 1, f.Events.Superseded.Count);
        f.Pass(2 * RefreshNs);
        Assert.Equal(5000, f.Events.Superseded.Distinct().Count());
    }

    [Fact]
    public void The_ninth_viewer_and_one_that_says_nothing_are_sent_away()
    {
        using var f = new LinkFixture();
        for (var i = 0; i < LinkLimits.Viewers; i++)
            f.AddViewer();
        Assert.Equal("it says: 8 viewers are there already", Assert.Single(f.AddViewer().Losses));
        f.Viewers[0].Dispose();
        f.Pump();
        using var silent = new RawPeer(f);
        f.Pass(LinkLimits.HelloNs);
        Assert.Equal(LinkLimits.Viewers - 1, f.Hub.ViewerCount);
    }
}
