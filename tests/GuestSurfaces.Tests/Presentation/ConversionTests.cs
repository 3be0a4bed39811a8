// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Conversion;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>The convert rung over a GPU of the test's own: when it is taken, what it draws, and what becomes of its frames when it fails.</summary>
public class ConversionTests
{
    private static readonly FakeCompositorOptions s_onlyXrgb = new() { DmabufVersion = 4 };

    [Theory]
    [InlineData("XB24")]
    [InlineData("AB24")]
    [InlineData("RX24")]
    [InlineData("RA24")]
    [InlineData("BX24")]
    [InlineData("BA24")]
    public void Format_that_the_compositor_withholds_is_converted(string letters)
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var format = DrmFormat.FromLetters(letters);
        var picture = Dmabuf(format).FillPattern();
        f.Show(picture);
        AssertShows(f, picture, picture.Whole);
        Assert.Equal(Rung.Convert, f.Statistics.Rung.Rung);
        Assert.Contains($"{format.Opaque}", f.Statistics.Rung.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("convert", f.Statistics.Rung.Reason, StringComparison.Ordinal);
        Assert.Equal(0, f.Statistics.BytesCopied);
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Equal([1UL], f.Events.Committed);
        Assert.Empty(f.Events.Refusals);
    }

    [Fact]
    public void Dma_buf_that_the_compositor_fails_to_import_is_converted()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldImports = true }, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xrgb8888).FillPattern();
        f.Show(picture);
        f.Compositor.Dmabuf!.AnswerImports(refuse: true);
        f.Pump();
        f.Compositor.Dmabuf!.AnswerImports(); // the target
        f.Pump();
        AssertShows(f, picture, picture.Whole);
        Assert.Equal(Rung.Convert, f.Statistics.Rung.Rung);
        Assert.StartsWith("the compositor couldn't import", f.Statistics.Rung.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Dma_buf_that_is_shown_directly_needs_no_gpu()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        f.Show(Dmabuf(DrmFormat.Xrgb8888));
        Assert.Equal(Rung.Direct, f.Statistics.Rung.Rung);
        Assert.Equal(0, gpu.Jobs);
        Assert.Empty(gpu.Draws);
    }

    [Fact]
    public void Part_of_a_picture_is_drawn_as_a_picture_of_its_own()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb with { Viewporter = false }, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888, 100, 80).FillPattern();
        var part = new BufferRect(60, 50, 40, 30);
        f.Show(picture, source: part);
        AssertShows(f, picture, part);
        Assert.Equal(part, Assert.Single(gpu.Draws).Crop);
    }

    [Fact]
    public void Only_the_damage_and_what_a_target_has_missed_is_drawn()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        f.Show(picture);
        f.Refresh();
        var rects = new[] { new BufferRect(0, 0, 2, 2), new BufferRect(10, 10, 3, 3), new BufferRect(20, 5, 4, 4), new BufferRect(30, 25, 5, 5) };
        foreach (var rect in rects)
        {
            picture.Fill(rect, static (x, y) => TestPicture.Pattern(x, y, 77));
            f.Show(picture, DamageList.Of(rect));
            f.Refresh();
            AssertShows(f, picture, picture.Whole);
        }

        Assert.Equal(2, gpu.Targets); // one is on the screen, one is drawn into
        Assert.Equal([picture.Whole], gpu.Draws[0].Rects);
        Assert.Equal([picture.Whole], gpu.Draws[1].Rects);
        Assert.Equal([rects[0], rects[1]], gpu.Draws[2].Rects);
        Assert.Equal([rects[1], rects[2]], gpu.Draws[3].Rects);
        Assert.Equal([rects[2], rects[3]], gpu.Draws[4].Rects);
    }

    [Fact]
    public void Frame_that_was_shown_directly_in_between_is_missing_in_every_target()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var converted = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        Warm(f, converted);
        f.Show(Dmabuf(DrmFormat.Xrgb8888));
        Assert.Equal(Rung.Direct, f.Statistics.Rung.Rung);
        f.Refresh();
        f.Show(converted, DamageList.Of(new BufferRect(0, 0, 1, 1)));
        Assert.Equal(Rung.Convert, f.Statistics.Rung.Rung);
        Assert.Equal([converted.Whole], gpu.Draws[^1].Rects);
    }

    [Fact]
    public void Software_that_draws_is_counted_as_a_copy()
    {
        var gpu = new FakeGpu { IsSoftware = true };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        f.Show(Dmabuf(DrmFormat.Xbgr8888));
        Assert.Equal(40 * 30 * 4, f.Statistics.BytesCopied);
    }

    [Fact]
    public void Frame_being_drawn_is_shown_however_fast_the_guest_is()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var pictures = Enumerable.Range(0, 3).Select(i => Dmabuf(DrmFormat.Xbgr8888).FillPattern((uint)i)).ToArray();
        Warm(f, pictures[2]);
        gpu.Hangs = true; // for a while
        foreach (var picture in pictures)
            f.Show(picture);
        Assert.Equal([4UL], f.Events.Superseded); // the one that waited behind
        gpu.Hangs = false;
        f.Pump();
        AssertShows(f, pictures[0], pictures[0].Whole);
        f.Refresh();
        f.Refresh();
        AssertShows(f, pictures[2], pictures[2].Whole);
        Assert.Equal([1UL, 2UL, 3UL, 5UL], f.Events.Committed);
        AssertSettledOnce(f, 5);
        Assert.All(pictures, picture => Assert.Equal(0, picture.Storage.LockCount));
    }

    [Fact]
    public void Without_egl_a_frame_goes_to_the_copy_rung_with_both_reasons()
    {
        var gpu = new FakeGpu { Missing = new GpuFailure("libEGL.so.1 can't be loaded", "install it") };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        AssertRefused(f, picture, "libEGL.so.1 can't be loaded");
        Assert.Equal("install it", f.Statistics.Rung.Remedy);
        AssertCopyGoesOn(f);
    }

    [Fact]
    public void Gpu_that_hangs_costs_five_seconds_and_then_the_copy_rung_takes_over()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        Warm(f, picture);
        gpu.Hangs = true;
        f.Show(picture);
        f.Show(picture);
        f.Advance(GpuQueue.JobLimitNs - 1);
        Assert.Empty(f.Events.Refusals);
        f.Advance(1);
        Assert.True(gpu.IsClosed);
        Assert.Equal(2, f.Events.Refusals.Count);
        Assert.All(f.Events.Refusals, reason => Assert.Contains("within 5000 ms", reason, StringComparison.Ordinal));
        Assert.Equal(0, picture.Storage.LockCount);
        AssertSettledOnce(f, 4);
        f.Show(picture);
        Assert.Equal(3, f.Events.Refusals.Count); // not trusted again
        gpu.FinishLate();
        f.Pump();
        AssertCopyGoesOn(f);
    }

    [Fact]
    public void Driver_has_longer_to_start_and_to_draw_its_first_picture()
    {
        var gpu = new FakeGpu { Hangs = true };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        f.Show(picture);
        f.Advance(GpuQueue.StartLimitNs - 1);
        gpu.Hangs = false;
        gpu.DrawHangs = true;
        f.Pump();
        Assert.Equal(1, gpu.Jobs);
        f.Advance(GpuQueue.StartLimitNs - 1);
        gpu.DrawHangs = false;
        f.Pump();
        AssertShows(f, picture, picture.Whole);
        Assert.Empty(f.Events.Refusals);
    }

    [Fact]
    public void Driver_that_doesnt_start_is_given_up()
    {
        var gpu = new FakeGpu { Hangs = true };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        f.Advance(GpuQueue.StartLimitNs);
        AssertRefused(f, picture, "hasn't begun to draw within 20000 ms");
        gpu.FinishLate();
        AssertCopyGoesOn(f);
    }

    [Fact]
    public void Draw_that_fails_ends_the_conversion_with_its_reason()
    {
        var gpu = new FakeGpu { DrawFails = new GpuFailure("the GPU was reset") };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        AssertRefused(f, picture, "the GPU was reset");
        gpu.DrawFails = null;
        f.Show(picture);
        Assert.Equal(2, f.Events.Refusals.Count);
    }

    [Fact]
    public void Picture_that_the_gpu_cant_read_is_refused_and_the_next_one_converted()
    {
        var gpu = new FakeGpu { ImportFails = new GpuFailure("the GPU can't import it") };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        AssertRefused(f, picture, "the GPU can't import it");
        gpu.ImportFails = null;
        var other = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        f.Show(other);
        AssertShows(f, other, other.Whole);
    }

    [Fact]
    public void Compositor_that_refuses_the_target_too_gets_copies()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb with { RefuseImport = static _ => true }, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        AssertRefused(f, picture, "the compositor doesn't take what the GPU would draw");
        Assert.Empty(gpu.Draws);
        AssertCopyGoesOn(f);
    }

    [Fact]
    public void Memory_for_one_target_is_too_little()
    {
        var gpu = new FakeGpu { TargetsLeft = 1 };
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        f.Refresh();
        f.Show(picture);
        f.Refresh();
        Assert.Contains("video memory has run out", Assert.Single(f.Events.Refusals), StringComparison.Ordinal);
        AssertSettledOnce(f, 2);
    }

    [Fact]
    public void Guest_has_no_more_targets_than_its_budget()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, new PresenterOptions { Limits = new Limits { MaxConvertedBytes = 10_000 } }, gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888);
        f.Show(picture);
        f.Refresh();
        f.Show(picture);
        Assert.Contains("more memory than a guest may have", Assert.Single(f.Events.Refusals), StringComparison.Ordinal);
        Assert.Equal(1, gpu.Targets);
    }

    [Fact]
    public void Storage_that_is_dropped_while_it_is_drawn_closes_when_it_is_read()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        Warm(f, picture);
        gpu.Hangs = true;
        f.Show(picture);
        picture.Storage.Drop();
        Assert.False(picture.Storage.IsClosed);
        gpu.Hangs = false;
        f.Pump();
        Assert.True(picture.Storage.IsClosed);
        Assert.Equal([1UL, 2UL, 3UL], f.Events.Committed);
        f.Pump();
        Assert.Equal(0, gpu.Sources);
    }

    [Fact]
    public void Window_that_closes_while_its_frame_is_drawn_takes_everything_along()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        Warm(f, picture);
        gpu.Hangs = true;
        f.Show(picture);
        f.Show(picture);
        f.Presenter.Disable(0);
        Assert.Equal(0, picture.Storage.LockCount);
        AssertSettledOnce(f, 4);
        gpu.Hangs = false;
        f.Pump();
        f.Pump();
        Assert.Equal((0, 0), (gpu.Sources, gpu.Targets));
        f.Show(picture);
        AssertShows(f, picture, picture.Whole);
    }

    [Fact]
    public void Screen_that_goes_black_while_its_frame_is_drawn_stays_black()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        Warm(f, picture);
        gpu.Hangs = true;
        f.Show(picture);
        f.Presenter.Blank(0);
        gpu.Hangs = false;
        f.Pump();
        Assert.All(f.Window.Render(), static pixel => Assert.Equal(0u, pixel & 0xff_ffff));
        AssertSettledOnce(f, 3);
        picture.FillPattern(5); // it was the guest's again while it was drawn
        f.Show(picture, DamageList.Of(new BufferRect(0, 0, 1, 1)));
        f.Refresh();
        AssertShows(f, picture, picture.Whole);
    }

    [Fact]
    public void Connection_that_is_lost_while_a_frame_is_drawn_gives_everything_back()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, gpu: gpu);
        var picture = Dmabuf(DrmFormat.Xbgr8888).FillPattern();
        Warm(f, picture);
        gpu.Hangs = true;
        f.Show(picture);
        f.Show(picture);
        f.Compositor.Die();
        f.Presenter.Dispatch();
        f.Presenter.Dispatch();
        Assert.NotNull(f.Lost);
        Assert.True(gpu.IsClosed);
        Assert.Equal(0, picture.Storage.LockCount);
        AssertSettledOnce(f, 4);
        gpu.FinishLate();
        f.Clock.Advance(GpuQueue.StartLimitNs);
        f.Timers.RunDue();
        AssertSettledOnce(f, 4);
    }

    [Fact]
    public void Conversion_that_isnt_wanted_isnt_tried()
    {
        var gpu = new FakeGpu();
        using var f = new PresenterFixture(s_onlyXrgb, new PresenterOptions { Convert = false }, gpu);
        f.Show(Dmabuf(DrmFormat.Xbgr8888));
        Assert.Single(f.Events.Refusals);
        Assert.Equal(0, gpu.Jobs);
    }

    [Fact]
    public void Hostile_numbers_end_before_a_driver_sees_them()
    {
        using var picture = new TestPicture(64, 64, isDmabuf: true);
        Refused(new BufferView(new BufferSize(64, 65), DrmFormat.Xbgr8888, DrmModifier.Linear, 0, 256), "smaller than its picture");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.Xbgr8888, DrmModifier.Linear, 1, 256), "smaller than its picture");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.Xbgr8888, DrmModifier.Linear, uint.MaxValue, uint.MaxValue), "smaller than its picture");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.Xbgr8888, DrmModifier.Linear, 0, 0), "rows of plane 0 overlap");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.Xbgr8888, DrmModifier.Linear, 0, 255), "rows of plane 0 overlap");
        Refused(new BufferView(new BufferSize(16385, 1), DrmFormat.Xbgr8888, DrmModifier.Linear, 0, 65540), "16384 pixels");
        Refused(new BufferView(new BufferSize(0, 64), DrmFormat.Xbgr8888, DrmModifier.Linear, 0, 256), "16384 pixels");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.FromLetters("NV12"), DrmModifier.Linear, 0, 64), "has 2 planes");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.Xbgr8888, DrmModifier.Linear, [new PlaneLayout(1, 0, 256)]), "smaller than its picture");
        Refused(new BufferView(new BufferSize(64, 64), DrmFormat.FromLetters("YU12"), DrmModifier.Linear, 0, 64), "can't be converted");
        Refused(
            new BufferView(new BufferSize(64, 64), DrmFormat.FromLetters("NV12"), DrmModifier.Linear, [new PlaneLayout(0, 0, 64), new PlaneLayout(0, 16384 - 2047, 64)]),
            "smaller than its picture");
        Assert.Null(Sampling.Refusal(
            picture.Storage,
            new BufferView(new BufferSize(64, 64), DrmFormat.FromLetters("NV12"), DrmModifier.Linear, [new PlaneLayout(0, 0, 64), new PlaneLayout(0, 16384 - 2048, 64)]),
            16384));
        Assert.Null(Sampling.Refusal(picture.Storage, picture.View, 16384));

        void Refused(BufferView view, string reason) =>
            Assert.Contains(reason, Sampling.Refusal(picture.Storage, view, 16384)!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Egl_that_isnt_installed_is_a_reason_with_a_remedy()
    {
        Assert.Null(EglDevice.TryOpen(0, static () => (null, null), out var failure, "libEGL-that-nobody-has.so.1"));
        Assert.Equal("libEGL-that-nobody-has.so.1 can't be loaded", failure!.Reason);
        Assert.Contains("install", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Gpus_node_is_found_by_its_number()
    {
        var sysfs = Directory.CreateTempSubdirectory("gs-sysfs");
        try
        {
            var card = sysfs.CreateSubdirectory("dev/char/226:1");
            File.WriteAllText(Path.Combine(card.FullName, "uevent"), "MAJOR=226\nMINOR=1\nDEVNAME=dri/card1\nDEVTYPE=drm_minor\n");
            Assert.Equal("/dev/dri/card1", DrmNodes.PathOf((226 << 8) | 1, sysfs.FullName));
            card.CreateSubdirectory("device/drm/renderD129");
            Assert.Equal("/dev/dri/renderD129", DrmNodes.PathOf((226 << 8) | 1, sysfs.FullName));
            Assert.Null(DrmNodes.PathOf((226 << 8) | 2, sysfs.FullName));

            // Minors from 256 on are in two parts.
            File.WriteAllText(Path.Combine(sysfs.CreateSubdirectory("dev/char/226:300").FullName, "uevent"), "DEVNAME=dri/card300\n");
            Assert.Equal("/dev/dri/card300", DrmNodes.PathOf((226 << 8) | (300 & 0xff) | ((300UL & ~0xffUL) << 12), sysfs.FullName));
        }
        finally
        {
            sysfs.Delete(recursive: true);
        }
    }

    private static TestPicture Dmabuf(DrmFormat format, int width = 40, int height = 30) => new(width, height, format, isDmabuf: true, offsetBytes: 256, extraStride: 12);

    /// <summary>Frames 1 and 2: both targets are there, and one of them is free.</summary>
    private static void Warm(PresenterFixture f, TestPicture picture)
    {
        for (var i = 0; i < 2; i++)
        {
            f.Show(picture);
            f.Refresh();
        }
    }

    private static void AssertShows(PresenterFixture f, TestPicture picture, BufferRect part)
    {
        var screen = f.Window.Render();
        for (var i = 0; i < screen.Length; i++)
        {
            var drawn = FakeGpu.ToXrgb(picture.Get(part.X + (i % part.Width), part.Y + (i / part.Width)), picture.View.Format.Opaque) & 0xff_ffff;
            Assert.True(drawn == (screen[i] & 0xff_ffff), $"pixel {i}: {screen[i]:x6}, drawn was {drawn:x6}");
        }
    }

    private static void AssertRefused(PresenterFixture f, TestPicture picture, string reason)
    {
        var told = Assert.Single(f.Events.Refusals);
        Assert.Contains("XB24", told, StringComparison.Ordinal); // why not direct
        Assert.Contains(reason, told, StringComparison.Ordinal);
        Assert.Equal([1UL], f.Events.Superseded);
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Null(f.Lost);
    }

    private static void AssertCopyGoesOn(PresenterFixture f)
    {
        var copy = new TestPicture(40, 30).FillPattern(8);
        f.Refresh();
        f.Show(copy, default(DamageList));
        f.Refresh();
        f.Window.Render().AssertShows(40, copy, copy.Whole);
        Assert.Equal(Rung.Copy, f.Statistics.Rung.Rung);
    }

    private static void AssertSettledOnce(PresenterFixture f, ulong last) =>
        Assert.Equal(Enumerable.Range(1, (int)last).Select(static i => (ulong)i), f.Events.Settled.Order());
}
