// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>The three ways of telling a compositor when a picture is complete, and of hearing when it isn't read any more; before a compositor that forgives nothing.</summary>
public sealed class SyncTests
{
    private const long Ms = FlipFixture.Ms;

    public static TheoryData<string> Modes => ["implicit", "fences", "timelines"];

    public static MatrixTheoryData<string, int> LateAcquires => new(["implicit", "fences", "timelines"], [1, 50, 200]);

    public static MatrixTheoryData<string, int> LateReleases => new(["implicit", "fences", "timelines"], [1, 30, 50, 200]);

    public static TheoryData<string> ExplicitModes => ["fences", "timelines"];

    [Theory]
    [InlineData("implicit", "implicit", "the compositor offers neither linux-drm-syncobj nor linux-explicit-synchronization")]
    [InlineData("fences", "linux-explicit-synchronization", "the compositor doesn't offer linux-drm-syncobj")]
    [InlineData("timelines", "linux-drm-syncobj", "")]
    [InlineData("both", "linux-drm-syncobj", "")]
    public void The_best_that_the_compositor_offers_is_used_and_said(string offered, string mode, string reason)
    {
        using var f = new FlipFixture(Offer(offered));
        using var a = FlipFixture.Dmabuf();
        f.Flip(a);
        Assert.Equal((mode, reason), (f.Statistics.SyncMode, f.Statistics.SyncReason));
        Assert.Equal(offered is "timelines" or "both", f.Surface().HasPoints);
    }

    [Theory]
    [InlineData("both", "implicit", "implicit", "it was asked for (--sync)")]
    [InlineData("both", "linux-explicit-synchronization", "linux-explicit-synchronization", "it was asked for (--sync)")]
    [InlineData("both", "linux-drm-syncobj", "linux-drm-syncobj", "")]
    [InlineData("fences", "linux-drm-syncobj", "linux-explicit-synchronization", "the compositor doesn't offer linux-drm-syncobj")]
    [InlineData("timelines", "linux-explicit-synchronization", "linux-drm-syncobj", "linux-explicit-synchronization was asked for (--sync): the compositor doesn't offer it")]
    [InlineData("implicit", "linux-drm-syncobj", "implicit", "the compositor offers neither linux-drm-syncobj nor linux-explicit-synchronization")]
    public void A_mode_chosen_by_hand_is_used_where_it_can_be_had_and_else_it_is_said_why_not(string offered, string wanted, string mode, string reason)
    {
        using var f = new FlipFixture(Offer(offered), options: new PresenterOptions { Sync = SyncModes.TryParse(wanted) });
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Refresh();
        f.Flip(b);
        f.Refresh();
        f.Refresh();
        Assert.Equal((mode, reason), (f.Statistics.SyncMode, f.Statistics.SyncReason));
        Assert.Equal(mode == "linux-drm-syncobj", f.Surface().HasPoints);
        Assert.Equal(0, a.Storage.LockCount);
    }

    [Fact]
    public void Fences_are_not_to_be_had_by_hand_either_from_a_compositor_that_names_no_GPU()
    {
        using var f = new FlipFixture(Offer("fences", dmabufVersion: 3), options: new PresenterOptions { Sync = SyncMode.Fences });
        using var a = FlipFixture.Dmabuf();
        f.Flip(a);
        Assert.Equal("implicit", f.Statistics.SyncMode);
        Assert.Contains("software", f.Statistics.SyncReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compositor_that_names_no_GPU_is_not_trusted_to_make_fences()
    {
        using var f = new FlipFixture(Offer("fences", dmabufVersion: 3));
        using var a = FlipFixture.Dmabuf();
        f.Flip(a);
        Assert.Equal("implicit", f.Statistics.SyncMode);
        Assert.Contains("software", f.Statistics.SyncReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("timelines", "implicit")]
    [InlineData("both", "linux-explicit-synchronization")]
    public void Without_a_device_for_timelines_the_next_best_is_used(string offered, string mode)
    {
        using var f = new FlipFixture(Offer(offered), timelinesLeft: 0);
        using var a = FlipFixture.Dmabuf();
        f.Flip(a);
        Assert.Equal((mode, "linux-drm-syncobj can't be used: the kernel makes no timeline"), (f.Statistics.SyncMode, f.Statistics.SyncReason));
    }

    [Theory]
    [MemberData(nameof(ExplicitModes))]
    public void A_late_release_holds_the_answer_until_it_comes(string mode)
    {
        var released = default(FakeFence);
        FlipFixture? fixture = null;
        using var f = fixture = new FlipFixture(Offer(mode, () => released = fixture!.Fences.Create()));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        var ofA = released!;
        f.Latch();
        var second = f.Flip(b);
        f.Latch();
        f.Release(); // and its fence is pending
        Assert.DoesNotContain((0, second), f.Answers);
        f.Pass(20 * Ms);
        Assert.DoesNotContain((0, second), f.Answers);
        ofA.Signal();
        f.Pump();
        Assert.Contains((0, second), f.Answers);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    /// <summary>Late acquire: the compositor never has a picture on the screen whose fence is pending, however long that is.</summary>
    [Theory]
    [MemberData(nameof(LateAcquires))]
    public void No_picture_is_shown_before_its_fence_in_any_mode(string mode, int lateMs)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Refresh();
        f.Refresh();
        var shown = f.Surface().Buffer;
        var fence = f.Fences.Create();
        var second = f.Flip(b, acquire: fence);
        for (var ms = 0; ms < lateMs; ms++)
        {
            f.Refresh();
            Assert.True(f.Surface().Buffer == shown || f.Gpu.IsBusy(b.Storage), "it is shown, and nothing makes who reads it wait");
            f.Pass(Ms);
        }

        fence.Signal();
        f.Pump();
        f.Refresh();
        f.Refresh();
        Assert.NotSame(shown, f.Surface().Buffer);
        Assert.Contains((0, second), f.Answers);
    }

    /// <summary>Late release: the answer comes after it, or at the cap, and then it is counted.</summary>
    [Theory]
    [MemberData(nameof(LateReleases))]
    public void An_answer_comes_after_the_release_or_is_counted_in_any_mode(string mode, int lateMs)
    {
        FlipFixture? fixture = null;
        var releases = new List<FakeFence>();
        using var f = fixture = new FlipFixture(Offer(mode, () =>
        {
            releases.Add(fixture!.Fences.Create());
            return releases[^1];
        }));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Latch();
        var second = f.Flip(b);
        if (mode == "implicit")
            f.Gpu.Begin(a.Storage); // a reader's fence in the dma-buf
        f.Latch();
        f.Release();
        for (var ms = 0; ms < lateMs; ms++)
        {
            Assert.Equal(ms >= 35, f.Answers.Contains((0, second)));
            f.Pass(Ms);
        }

        f.Gpu.End(a.Storage);
        releases.ForEach(static fence => fence.Signal());
        f.Pump();
        Assert.Contains((0, second), f.Answers);
        Assert.Equal(lateMs >= 35 ? 1 : 0, f.Statistics.UnprotectedFlips);
        Assert.Equal(0, a.Storage.LockCount);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_release_that_never_comes_is_waited_for_two_refreshes_and_counted(string mode)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Latch();
        var second = f.Flip(b);
        f.Latch();
        f.Pass(33 * Ms);
        Assert.DoesNotContain((0, second), f.Answers);
        f.Pass(2 * Ms);
        Assert.Contains((0, second), f.Answers);
        Assert.Equal(1, f.Statistics.UnprotectedFlips);
        Assert.Equal(1, a.Storage.LockCount);
    }

    [Theory]
    [MemberData(nameof(ExplicitModes))]
    public void A_picture_is_committed_at_once_and_not_shown_before_its_fence(string mode)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Refresh();
        var shown = f.Surface().Buffer;
        var fence = f.Fences.Create();
        var commits = f.Surface().Commits;
        var second = f.Flip(b, acquire: fence);
        Assert.True(f.Surface().Commits > commits);
        Assert.True(f.Surface().IsBlocked);
        f.Refresh();
        Assert.Same(shown, f.Surface().Buffer);
        Assert.DoesNotContain((0, second), f.Answers);
        fence.Signal();
        f.Refresh();
        Assert.NotSame(shown, f.Surface().Buffer);
        f.Refresh();
        Assert.Contains((0, second), f.Answers);
        Assert.Equal(0, f.Statistics.UnprotectedFlips);
    }

    [Theory]
    [MemberData(nameof(ExplicitModes))]
    public void A_picture_that_another_surface_takes_over_is_not_shown_there_before_its_fence_either(string mode)
    {
        using var f = new FlipFixture(Offer(mode) with { LayerShellVersion = 4 });
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Refresh();
        var fence = f.Fences.Create();
        f.Flip(b, acquire: fence);
        f.Presenter.Place(new WindowPlacement(PlacementKind.Background, []));
        f.Pump();
        var background = f.Compositor.Desktop.Last;
        background.Configure(1024, 768);
        f.Pump();
        Assert.True(background.Surface.IsBlocked);
        f.Refresh();
        Assert.False(background.IsShown);
        fence.Signal();
        f.Refresh();
        Assert.True(background.IsShown);
    }

    [Theory]
    [MemberData(nameof(ExplicitModes))]
    public void A_picture_that_is_attached_once_more_is_not_shown_before_its_fence_either(string mode)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Refresh();
        var shown = f.Surface().Buffer;
        var fence = f.Fences.Create();
        f.Flip(b, acquire: fence);
        var commits = f.Surface().Commits;
        f.Compositor.Toplevels[0].Configure(800, 600); // answered by a commit of its own
        f.Pump();
        Assert.True(f.Surface().Commits > commits);
        f.Refresh();
        Assert.Same(shown, f.Surface().Buffer);
        fence.Signal();
        f.Refresh();
        Assert.NotSame(shown, f.Surface().Buffer);
    }

    [Fact]
    public void Without_a_protocol_the_fence_goes_into_the_dma_buf_before_the_commit()
    {
        using var f = new FlipFixture(Offer("implicit"));
        using var a = FlipFixture.Dmabuf();
        f.Flip(a, acquire: f.Fences.Create());
        Assert.Equal([Interop.DmabufAccess.Write], f.Gpu.Added);
        Assert.True(f.Surface().IsMapped);
    }

    [Fact]
    public void Where_the_kernel_puts_no_fences_into_dma_bufs_this_side_waits()
    {
        using var f = new FlipFixture(Offer("implicit"));
        using var a = FlipFixture.Dmabuf();
        var fence = f.Fences.Create();
        f.Gpu.CanAddFences = false;
        f.Flip(a, acquire: fence);
        Assert.False(f.Surface().IsMapped);
        fence.Signal();
        f.Pump();
        Assert.True(f.Surface().IsMapped);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Shared_memory_is_committed_when_its_fence_has_signalled(string mode)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Shm();
        using var b = FlipFixture.Shm();
        f.Flip(a);
        f.Refresh();
        var fence = f.Fences.Create();
        var commits = f.Surface().Commits;
        f.Flip(b, acquire: fence);
        Assert.Equal(commits, f.Surface().Commits);
        fence.Signal();
        f.Pump();
        Assert.Equal(commits + 1, f.Surface().Commits);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_window_that_goes_while_it_waits_for_a_fence_leaves_nothing(string mode)
    {
        var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Shm();
        var fence = f.Fences.Create();
        f.Flip(a, acquire: fence);
        f.Session.CloseWindows();
        f.Pump();
        Assert.Equal(0, a.Storage.LockCount);
        fence.Signal();
        f.Pump();
        f.Dispose();
    }

    [Fact]
    public void Points_are_for_dma_bufs_alone_however_the_rungs_change()
    {
        using var f = new FlipFixture(Offer("timelines"));
        using var dmabuf = FlipFixture.Dmabuf();
        using var shm = FlipFixture.Shm();
        for (var i = 0; i < 3; i++)
        {
            f.Flip(dmabuf);
            Assert.True(f.Surface().HasPoints);
            f.Refresh();
            f.Flip(shm);
            Assert.False(f.Surface().HasPoints);
            f.Refresh();
            f.Refresh();
            Assert.Equal(0, dmabuf.Storage.LockCount);
        }

        f.Flip(dmabuf);
        f.Refresh();
        f.Session.Blank(0);
        f.Pump();
        Assert.False(f.Surface().HasPoints);
        f.Refresh();
        f.Refresh();
        Assert.Equal(0, dmabuf.Storage.LockCount);
        Assert.Equal(0, shm.Storage.LockCount);
    }

    [Fact]
    public void Release_events_mean_nothing_for_commits_with_points()
    {
        using var f = new FlipFixture(Offer("timelines") with { EarlyReleaseEvents = true });
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Latch();
        var second = f.Flip(b);
        f.Latch();
        Assert.Equal(1, a.Storage.LockCount);
        Assert.DoesNotContain((0, second), f.Answers);
        f.Release();
        Assert.Equal(0, a.Storage.LockCount);
        Assert.Contains((0, second), f.Answers);
    }

    [Theory]
    [MemberData(nameof(ExplicitModes))]
    public void Each_commit_of_one_buffer_has_its_own_release(string mode)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        for (var i = 0; i < 4; i++)
        {
            f.Flip(a);
            f.Latch();
        }

        Assert.Equal(4, a.Storage.LockCount);
        f.Release();
        Assert.Equal(1, a.Storage.LockCount);
        f.Flip(b);
        f.Refresh();
        Assert.Equal(0, a.Storage.LockCount);
    }

    [Fact]
    public void A_buffers_timeline_goes_with_it_and_all_go_with_the_connection()
    {
        using var f = new FlipFixture(Offer("timelines"));
        var kernel = f.Compositor.Options.Timelines!;
        var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Refresh();
        f.Flip(b);
        f.Refresh();
        f.Refresh();
        Assert.Equal((3, 3), (kernel.Open, f.Compositor.ImportedTimelines)); // one that is always ready
        a.Dispose();
        f.Flip(b);
        f.Refresh();
        Assert.Equal((2, 2), (kernel.Open, f.Compositor.ImportedTimelines));
        f.Session.CloseWindows();
        f.Pump();
        Assert.Equal((1, 1), (kernel.Open, f.Compositor.ImportedTimelines));
        f.Presenter.Dispose();
        Assert.Equal(0, kernel.Open);
        Assert.True(f.Timelines.IsDisposed);
    }

    [Theory]
    [MemberData(nameof(ExplicitModes))]
    public void A_compositor_that_dies_gives_everything_back(string mode)
    {
        using var f = new FlipFixture(Offer(mode));
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Latch();
        f.Flip(b);
        f.Die();
        Assert.Equal((0, 0), (a.Storage.LockCount, b.Storage.LockCount));
        Assert.Equal(0, f.Compositor.Options.Timelines?.Open ?? 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_kernel_that_fails_on_the_way_leaves_the_implicit_mode(bool tells)
    {
        using var f = new FlipFixture(Offer("timelines"), timelinesLeft: tells ? 2 : int.MaxValue);
        using var a = FlipFixture.Dmabuf();
        using var b = FlipFixture.Dmabuf();
        f.Flip(a);
        f.Latch();
        Assert.True(f.Surface().HasPoints);
        f.Timelines.CanTell = tells;
        f.Flip(b);
        f.Latch();
        Assert.False(f.Surface().HasPoints);
        Assert.Equal("implicit", f.Statistics.SyncMode);
        Assert.NotEmpty(f.Statistics.SyncReason);
        f.Release(); // by its point: that was committed before
        Assert.Equal(0, a.Storage.LockCount);
        f.Flip(a);
        f.Refresh();
        f.Refresh();
        Assert.Equal(0, b.Storage.LockCount);
    }

    internal static FakeCompositorOptions Offer(string mode, Func<FakeFence?>? releaseFence = null, uint dmabufVersion = 4) => new()
    {
        DmabufVersion = dmabufVersion,
        Timelines = mode is "timelines" or "both" ? new FakeTimelines() : null,
        Fences = mode is "fences" or "both" ? new FakeFences() : null,
        ReleaseFence = releaseFence ?? (static () => null),
    };
}
