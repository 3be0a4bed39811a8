// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

public class DmabufChoiceTests
{
    private static readonly DrmModifier s_amd = new(0x0200_0000_1866_bb04);

    [Theory]
    [InlineData(0x0000_0000_0000_0000, "LINEAR")]
    [InlineData(0x00ff_ffff_ffff_ffff, "INVALID")]
    [InlineData(0x0100_0000_0000_0001, "X_TILED")]
    [InlineData(0x0100_0000_0000_0009, "4_TILED")]
    [InlineData(0x0200_0000_1866_bb04, "AMD:0x1866bb04")]
    [InlineData(0x7f00_0000_0000_0001, "0x7f:0x1")]
    public void Modifiers_have_names(ulong modifier, string name) => Assert.Equal(name, new DrmModifier(modifier).ToString());

    [Fact]
    public void Why_a_picture_is_composited_names_what_would_be_scanned_out()
    {
        var linear = new DmabufPair(DrmFormat.Xrgb8888, DrmModifier.Linear);
        var feedback = Feedback(
            Tranche(isScanout: true, (DrmFormat.Xrgb8888, DrmModifier.IntelXTiled), (DrmFormat.Argb8888, DrmModifier.Linear)),
            Tranche(isScanout: false, (DrmFormat.Xrgb8888, DrmModifier.Linear), (DrmFormat.Xbgr8888, DrmModifier.Linear)));
        Assert.Equal("the window isn't full screen", DmabufChoice.CompositedBecause(feedback, linear, isFullscreen: false));
        Assert.Equal("the compositor scans out XR24 only as X_TILED on this output, so it composites LINEAR", DmabufChoice.CompositedBecause(feedback, linear, isFullscreen: true));
        Assert.Equal(string.Empty, DmabufChoice.CompositedBecause(feedback, new DmabufPair(DrmFormat.Argb8888, DrmModifier.Linear), isFullscreen: true));
        Assert.Equal(
            "the compositor scans out no XB24 on this output, so it composites",
            DmabufChoice.CompositedBecause(feedback, new DmabufPair(DrmFormat.Xbgr8888, DrmModifier.Linear), isFullscreen: true));
        var old = new DmabufFeedback(null, feedback.Tranches);
        Assert.Equal("the compositor doesn't tell what it scans out (linux-dmabuf 3)", DmabufChoice.CompositedBecause(old, linear, isFullscreen: true));
    }

    [Fact]
    public void Targets_come_in_the_compositors_order_and_scan_out_first_for_a_full_screen()
    {
        var feedback = Feedback(
            Tranche(isScanout: false, (DrmFormat.Xrgb8888, DrmModifier.Linear), (DrmFormat.Xrgb8888, s_amd), (DrmFormat.Xbgr8888, DrmModifier.Invalid)),
            Tranche(isScanout: true, (DrmFormat.Xbgr8888, DrmModifier.IntelXTiled), (DrmFormat.Argb8888, DrmModifier.Linear)));
        DrmFormat[] candidates = [DrmFormat.Xbgr8888, DrmFormat.Xrgb8888];
        Assert.Equal(["XB24 INVALID False", "XR24 LINEAR AMD:0x1866bb04 False", "XB24 X_TILED True"], Names(feedback.PickTargets(candidates, preferScanout: false)));
        Assert.Equal(["XB24 X_TILED True", "XB24 INVALID False", "XR24 LINEAR AMD:0x1866bb04 False"], Names(feedback.PickTargets(candidates, preferScanout: true)));
        Assert.Empty(feedback.PickTargets([DrmFormat.Rgba8888], preferScanout: true));
        Assert.Empty(DmabufFeedback.None.PickTargets(candidates, preferScanout: true));
        Assert.Equal(5UL, feedback.PickTargets(candidates, preferScanout: true)[0].Device);
    }

    [Theory]
    [InlineData(1366, 5464u, "the compositor couldn't import 1366x768 XR24 LINEAR, pitch 5464: the pitch is not a multiple of 64", "choose a mode in the guest whose width is a multiple of 16")]
    [InlineData(1360, 5440u, "the compositor couldn't import 1360x768 XR24 LINEAR, pitch 5440: the pitch is not a multiple of 256", "choose a mode in the guest whose width is a multiple of 64")]
    [InlineData(1024, 4096u, "the compositor couldn't import 1024x768 XR24 LINEAR, pitch 4096", "")]
    public void Failed_import_is_explained_by_its_pitch_where_that_may_be_the_cause(int width, uint pitch, string reason, string remedy)
    {
        var view = new BufferView(new BufferSize(width, 768), DrmFormat.Argb8888, DrmModifier.Linear, 0, pitch);
        var report = DmabufChoice.Failure(view, view.Size.Whole);
        Assert.Equal((reason, remedy), (report.Reason, report.Remedy));
    }

    [Fact]
    public void Refusal_names_the_layouts_that_would_do()
    {
        using var storage = new Planes(1 << 20);
        var view = new BufferView(new BufferSize(64, 64), DrmFormat.Argb8888, DrmModifier.Linear, 0, 256);
        Assert.Equal("the compositor hasn't told yet which dma-bufs it imports", Refusal(DmabufFeedback.None));
        Assert.Null(Refusal(Feedback(Tranche(false, (DrmFormat.Xrgb8888, DrmModifier.Linear)))));
        Assert.Equal("the compositor imports no XR24 dma-bufs", Refusal(Feedback(Tranche(false, (DrmFormat.Argb8888, DrmModifier.Linear)))));
        Assert.Equal("the compositor offers no LINEAR for XR24 (only X_TILED, INVALID)", Refusal(Feedback(Tranche(true, (DrmFormat.Xrgb8888, DrmModifier.IntelXTiled)), Tranche(false, (DrmFormat.Xrgb8888, DrmModifier.Invalid)))));
        Assert.Equal(
            "the compositor offers no LINEAR for XR24 (only NVIDIA:0x1, NVIDIA:0x2, NVIDIA:0x3, NVIDIA:0x4 and 2 more)",
            Refusal(Feedback(Tranche(false, [.. Enumerable.Range(1, 6).Select(static i => (DrmFormat.Xrgb8888, new DrmModifier((3UL << 56) | (uint)i)))]))));

        string? Refusal(DmabufFeedback feedback) => DmabufChoice.Refusal(feedback, storage.Storage, view, view.Size.Whole)?.Reason;
    }

    private static DmabufFeedback Feedback(params DmabufTranche[] tranches) => new(5, tranches);

    private static DmabufTranche Tranche(bool isScanout, params (DrmFormat Format, DrmModifier Modifier)[] pairs) =>
        new(5, isScanout, pairs.Select(static pair => new DmabufPair(pair.Format, pair.Modifier)).ToHashSet());

    private static IEnumerable<string> Names(IReadOnlyList<DmabufTarget> targets) => targets.Select(static target => $"{target.Format} {string.Join(' ', target.Modifiers)} {target.IsScanout}");
}
