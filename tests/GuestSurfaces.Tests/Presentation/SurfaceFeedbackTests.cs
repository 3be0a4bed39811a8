// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A window's own feedback: full screen, another output, late, withdrawn.</summary>
public class SurfaceFeedbackTests
{
    private static readonly (DrmFormat Format, DrmModifier Modifier) s_linear = (DrmFormat.Xrgb8888, DrmModifier.Linear);
    private static readonly (DrmFormat Format, DrmModifier Modifier) s_tiled = (DrmFormat.Xrgb8888, DrmModifier.IntelXTiled);
    private static readonly FakeTranche s_drawn = new(false, s_linear, s_tiled);

    [Fact]
    public void Ready_connection_lets_the_guests_side_try_and_a_repeated_feedback_doesnt()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4 });
        Assert.Equal(1, f.Events.DisplayChanges);
        f.Show(new TestPicture(40, 30, isDmabuf: true));
        Assert.NotNull(f.Compositor.Dmabuf!.SurfaceFeedback);
        f.Compositor.Dmabuf.SurfaceFeedback.Send(f.Compositor.Options.DefaultTranches);
        f.Pump();
        Assert.Equal(1, f.Events.DisplayChanges);
    }

    [Fact]
    public void Import_that_failed_is_tried_again_when_the_window_goes_full_screen()
    {
        var isFullscreen = false;
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, DefaultTranches = [s_drawn], RefuseImport = _ => !isFullscreen });
        var picture = new TestPicture(64, 30, isDmabuf: true).FillPattern();
        f.Show(picture);
        f.Show(picture);
        Assert.Equal(1, f.Compositor.Dmabuf!.Imports);
        Assert.Equal(2, f.Events.Refusals.Count);

        isFullscreen = true;
        f.Compositor.Dmabuf.SurfaceFeedback.Send([new FakeTranche(true, s_linear), s_drawn]);
        f.Window.Configure(64, 30, XdgToplevelState.Fullscreen);
        f.Pump();
        Assert.Equal(2, f.Events.DisplayChanges);
        f.Show(picture);
        Assert.Equal(2, f.Compositor.Dmabuf.Imports);
        Assert.Equal(Rung.Direct, f.Statistics.Rung.Rung);
        f.Window.Render().AssertShows(64, picture, picture.Whole);
    }

    [Fact]
    public void Why_the_compositor_draws_is_told_with_each_change()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 5, DefaultTranches = [s_drawn] });
        TestPicture[] pictures = [new(40, 30, isDmabuf: true), new(40, 30, isDmabuf: true)];
        Assert.Equal("the window isn't full screen", Show(0));
        f.Window.Configure(40, 30, XdgToplevelState.Fullscreen);
        f.Pump();
        Assert.Equal("the compositor scans out no XR24 on this output, so it composites", Show(1));
        f.Compositor.Dmabuf!.SurfaceFeedback.Send([new FakeTranche(true, s_tiled), s_drawn]);
        Assert.Equal("the compositor scans out XR24 only as X_TILED on this output, so it composites LINEAR", Show(0));
        f.Compositor.Dmabuf.SurfaceFeedback.Send([new FakeTranche(true, s_linear), s_drawn]);
        Assert.Equal(string.Empty, Show(1));
        f.Show(new TestPicture(40, 30));
        f.Refresh();
        Assert.Equal("shared memory is never scanned out", f.Statistics.CompositedBecause);

        string Show(int index)
        {
            f.Pump();
            f.Show(pictures[index]);
            f.Refresh();
            return f.Statistics.CompositedBecause;
        }
    }

    [Fact]
    public void Frames_that_the_screen_reads_itself_are_counted()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4 });
        TestPicture[] pictures = [new(40, 30, isDmabuf: true), new(40, 30, isDmabuf: true)];
        for (var i = 0; i < 10; i++)
        {
            f.Show(pictures[i % 2]);
            f.Window.Surface.IsScannedOut = i >= 4;
            f.Refresh();
        }

        Assert.Equal(6, f.Statistics.ZeroCopyPresented);
    }

    [Fact]
    public void Feedback_that_comes_after_the_first_frame_brings_the_next_one_to_the_screen()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldDefaultFeedback = true, HoldSurfaceFeedback = true });
        var picture = new TestPicture(40, 30, isDmabuf: true).FillPattern();
        f.Show(picture);
        Assert.Equal("the compositor hasn't told yet which dma-bufs it imports", Assert.Single(f.Events.Refusals));
        f.Compositor.Dmabuf!.DefaultFeedback.Send(f.Compositor.Options.DefaultTranches);
        f.Pump();
        Assert.Equal(2, f.Events.DisplayChanges);
        f.Show(picture);
        Assert.Equal(Rung.Direct, f.Statistics.Rung.Rung);
    }

    [Fact]
    public void Import_under_way_while_the_feedback_changes_is_asked_again_if_it_fails()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldImports = true });
        var picture = new TestPicture(40, 30, isDmabuf: true).FillPattern();
        f.Show(picture);
        f.Compositor.Dmabuf!.SurfaceFeedback.Send([new FakeTranche(true, s_linear)]);
        f.Compositor.Dmabuf.AnswerImports(refuse: true);
        f.Pump();
        Assert.Empty(f.Events.Refusals);
        Assert.Equal(2, f.Compositor.Dmabuf.Imports);
        f.Compositor.Dmabuf.AnswerImports();
        f.Pump();
        f.Window.Render().AssertShows(40, picture, picture.Whole);
        Assert.Empty(f.Compositor.Client.Resources<ZwpLinuxBufferParamsV1Resource>());
    }

    [Fact]
    public void Import_under_way_whose_pair_is_withdrawn_is_refused_if_it_fails()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldImports = true });
        var picture = new TestPicture(40, 30, isDmabuf: true);
        f.Show(picture);
        f.Compositor.Dmabuf!.SurfaceFeedback.Send([new FakeTranche(true, s_tiled)]);
        f.Compositor.Dmabuf.AnswerImports(refuse: true);
        f.Pump();
        Assert.Equal("the compositor offers no LINEAR for XR24 (only X_TILED)", Assert.Single(f.Events.Refusals));
        Assert.Equal(1, f.Compositor.Dmabuf.Imports);
        Assert.Equal(0, picture.Storage.LockCount);
    }

    [Fact]
    public void Pair_that_is_withdrawn_is_not_asked_for_again_and_what_is_shown_stays()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4 });
        var shown = new TestPicture(40, 30, isDmabuf: true).FillPattern();
        f.Show(shown);
        f.Refresh();
        f.Compositor.Dmabuf!.SurfaceFeedback.Send([new FakeTranche(false, s_tiled)]);
        f.Pump();
        f.Show(new TestPicture(40, 30, isDmabuf: true));
        Assert.Equal("the compositor offers no LINEAR for XR24 (only X_TILED)", Assert.Single(f.Events.Refusals));
        f.Show(shown);
        Assert.Equal(1, f.Compositor.Dmabuf.Imports);
        f.Window.Render().AssertShows(40, shown, shown.Whole);
    }

    [Fact]
    public void Window_that_closes_before_its_feedback_is_complete_leaves_nothing_behind()
    {
        using var leaks = new FdLeakCheck();
        using var picture = new TestPicture(40, 30, isDmabuf: true);
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldSurfaceFeedback = true });
        f.Show(picture);
        f.Refresh();
        f.Compositor.Dmabuf!.SurfaceFeedback.Send([new FakeTranche(true, s_linear)], withDone: false);
        f.Pump();
        f.Compositor.Dmabuf.SurfaceFeedback.Resource.SendDone();
        f.Compositor.Dmabuf.SurfaceFeedback.Send([new FakeTranche(true, s_tiled)]); // on its way, table and all
        f.Compositor.Client.Flush();
        f.Presenter.Disable(0);
        f.Pump();
        Assert.False(f.Compositor.Dmabuf.SurfaceFeedback.Resource.IsAlive);
        Assert.Equal(1, f.Events.DisplayChanges);
        Assert.Null(f.Lost);
        f.Show(picture);
        Assert.Equal(2, f.Compositor.Dmabuf.Feedbacks.Count(static feedback => feedback.Surface is not null));
        f.Compositor.Dmabuf.SurfaceFeedback.Send([new FakeTranche(true, s_tiled)]);
        f.Pump();
        Assert.Equal(2, f.Events.DisplayChanges);
    }

    [Fact]
    public void Each_scanout_follows_its_own_feedback()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldSurfaceFeedback = true });
        f.Show(new TestPicture(40, 30, isDmabuf: true), scanout: 0);
        f.Show(new TestPicture(40, 30, isDmabuf: true), scanout: 1);
        f.Compositor.Dmabuf!.SurfaceFeedback.Send([new FakeTranche(false, s_tiled)]);
        f.Refresh();
        f.Show(new TestPicture(40, 30, isDmabuf: true), scanout: 0);
        Assert.Empty(f.Events.Refusals);
        f.Show(new TestPicture(40, 30, isDmabuf: true), scanout: 1);
        Assert.Single(f.Events.Refusals);
    }
}
