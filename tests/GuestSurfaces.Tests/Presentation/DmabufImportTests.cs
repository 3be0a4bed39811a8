// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Testing.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>Planes on their way to a strict compositor: what arrives, and what never must.</summary>
public class DmabufImportTests
{
    private static readonly DrmFormat s_nv12 = DrmFormat.FromLetters("NV12");
    private static readonly DrmModifier s_compressed = new(0x0100_0000_0000_0004);
    private static readonly FakeCompositorOptions s_options = new()
    {
        DmabufVersion = 5,
        DmabufPairs =
        [
            (DrmFormat.Xrgb8888, DrmModifier.Linear), (DrmFormat.Xrgb8888, s_compressed), (DrmFormat.Xrgb8888, DrmModifier.Invalid), (s_nv12, DrmModifier.Linear),
            (DrmFormat.FromLetters("P010"), DrmModifier.Linear), (DrmFormat.FromLetters("YU12"), DrmModifier.Linear), (DrmFormat.FromLetters("AB4X"), DrmModifier.Linear),
        ],
    };

    [Theory]
    [InlineData("NV12", 64u, new[] { 64u })]
    [InlineData("P010", 128u, new[] { 128u })]
    [InlineData("YU12", 64u, new[] { 32u, 32u })]
    public void Planes_in_one_dma_buf_arrive_with_their_offsets_and_pitches(string format, uint luma, uint[] chroma)
    {
        // An odd height: the chroma planes have half a row more.
        const int height = 31;
        var layouts = new List<PlaneLayout> { new(0, 4096, luma) };
        var end = 4096 + (luma * height);
        foreach (var stride in chroma)
        {
            layouts.Add(new PlaneLayout(0, end, stride));
            end += stride * 16;
        }

        using var planes = new Planes(end);
        var view = new BufferView(new BufferSize(63, height), DrmFormat.FromLetters(format), DrmModifier.Linear, layouts.ToArray());
        using (var f = new PresenterFixture(s_options))
        {
            Show(f, planes.Storage, view);
            var import = Assert.Single(f.Compositor.Dmabuf!.Asked);
            Assert.Equal((view.Size, format), (import.Size, import.Format.ToString()));
            Assert.Equal(layouts.Select((l, i) => new FakePlane((uint)i, l.OffsetBytes, l.StrideBytes, DrmModifier.Linear, end)), import.Planes);
            Assert.Equal(Rung.Direct, f.Statistics.Rung.Rung);
        }

        using var cut = new Planes(end - 1);
        AssertRefused("smaller than its picture", cut.Storage, view);
    }

    [Fact]
    public void Four_planes_in_four_dma_bufs_carry_the_same_modifier()
    {
        using var planes = new Planes(1 << 20, 4096, 8192, 4096);
        PlaneLayout[] layouts = [new(0, 0, 256), new(2, 64, 128), new(1, 0, 64), new(3, 4032, 64)];
        using var f = new PresenterFixture(s_options);
        Show(f, planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.Argb8888, s_compressed, layouts));
        var import = Assert.Single(f.Compositor.Dmabuf!.Asked);
        Assert.Equal("XR24", import.Format.ToString());
        Assert.Equal(
            [(0u, 0u, 256u, 1UL << 20), (1u, 64u, 128u, 8192UL), (2u, 0u, 64u, 4096UL), (3u, 4032u, 64u, 4096UL)],
            import.Planes.Select(static plane => (plane.Index, plane.Offset, plane.Stride, plane.FileBytes)));
        Assert.All(import.Planes, static plane => Assert.Equal(s_compressed, plane.Modifier));
    }

    [Fact]
    public void Missing_or_surplus_plane_is_refused()
    {
        using var planes = new Planes(1 << 20);
        AssertRefused("NV12 LINEAR has 2 planes, the guest's picture 1", planes.Storage, new BufferView(new BufferSize(64, 64), s_nv12, DrmModifier.Linear, 0, 64));
        AssertRefused("XR24 LINEAR has 1 planes, the guest's picture 2", planes.Storage, View(DrmFormat.Xrgb8888, new(0, 0, 256), new(0, 65536, 256)));
    }

    [Fact]
    public void Plane_of_a_dma_buf_that_isnt_there_is_refused()
    {
        using var planes = new Planes(1 << 20);
        AssertRefused("of which there are 1", planes.Storage, View(s_nv12, new(0, 0, 64), new(1, 0, 64)));
        AssertRefused("of which there are 1", planes.Storage, View(s_nv12, new(0, 0, 64), new(-1, 0, 64)));
    }

    [Theory]
    [InlineData(0u, 256u, 64 * 256 - 1)]
    [InlineData(1u, 256u, 64 * 256)]
    [InlineData(uint.MaxValue, 256u, 64 * 256)]
    [InlineData(uint.MaxValue, uint.MaxValue, 64 * 256)]
    [InlineData(0u, uint.MaxValue, 1 << 30)]
    [InlineData(0u, 1u << 26, int.MaxValue)]
    public void Plane_that_reaches_beyond_its_dma_buf_is_refused(uint offset, uint stride, int bytes)
    {
        using var planes = new Planes((ulong)bytes);
        AssertRefused("smaller than its picture", planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, DrmModifier.Linear, offset, stride));
    }

    [Fact]
    public void Plane_that_ends_beyond_four_gibibytes_is_refused_though_its_dma_buf_is_larger()
    {
        using var planes = new Planes(5UL << 30);
        AssertRefused("smaller than its picture", planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, DrmModifier.Linear, uint.MaxValue - 4095, 256));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(255u)]
    public void Pitch_shorter_than_a_row_is_refused(uint stride)
    {
        using var planes = new Planes(1 << 20);
        AssertRefused("is shorter than a row", planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, stride));
    }

    [Fact]
    public void Pitch_of_nothing_is_refused_where_the_format_or_the_layout_isnt_known()
    {
        using var planes = new Planes(1 << 20);
        AssertRefused("is shorter than a row", planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.FromLetters("AB4X"), DrmModifier.Linear, 0, 0));
        AssertRefused("is shorter than a row", planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, s_compressed, [new(0, 0, 256), new(0, 16384, 0)]));
    }

    [Fact]
    public void Size_of_nothing_is_refused()
    {
        using var planes = new Planes(1 << 20);
        AssertRefused("isn't inside", planes.Storage, new BufferView(new BufferSize(0, 64), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 256));
        AssertRefused("isn't inside", planes.Storage, new BufferView(new BufferSize(64, -1), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 256));
    }

    [Fact]
    public void Implicit_modifier_is_refused_even_where_the_compositor_offers_it()
    {
        using var planes = new Planes(1 << 20);
        AssertRefused("the compositor offers no INVALID for XR24", planes.Storage, new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, DrmModifier.Invalid, 0, 256));
    }

    [Fact]
    public void Part_of_a_tiled_picture_is_refused_where_nothing_crops()
    {
        using var planes = new Planes(1 << 20);
        var view = new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, s_compressed, 0, 256);
        var part = new BufferRect(8, 8, 32, 32);
        AssertRefused("can't crop", planes.Storage, view, s_options with { Viewporter = false }, part);
        using var f = new PresenterFixture(s_options with { Viewporter = false });
        Show(f, planes.Storage, view);
        Show(f, planes.Storage, new BufferView(view.Size, view.Format, DrmModifier.Linear, 0, 256), part);
        Assert.Equal([(new BufferSize(64, 64), 0u), (part.Size, 8u * 256 + 32)], f.Compositor.Dmabuf!.Asked.Select(static import => (import.Size, import.Planes[0].Offset)));
        Assert.Empty(f.Events.Refusals);
    }

    [Fact]
    public void Shape_that_failed_isnt_tried_for_each_buffer()
    {
        using var f = new PresenterFixture(s_options with { RefuseImport = static import => import.Planes[0].Stride == 200 });
        for (var i = 0; i < 5; i++)
            f.Show(new TestPicture(50, 30, isDmabuf: true));
        Assert.Equal(1, f.Compositor.Dmabuf!.Imports);
        Assert.Equal(5, f.Events.Refusals.Count);
        f.Show(new TestPicture(50, 30, isDmabuf: true, offsetBytes: 4096));
        Assert.Equal(2, f.Compositor.Dmabuf.Imports);
        f.Show(new TestPicture(50, 30, isDmabuf: true, extraStride: 56));
        Assert.Equal(6, f.Events.Refusals.Count);
        Assert.Equal(Rung.Direct, f.Statistics.Rung.Rung);
    }

    [Fact]
    public void Guest_that_tries_ever_new_shapes_is_answered_each_time()
    {
        using var f = new PresenterFixture(s_options with { RefuseImport = static _ => true });
        var picture = new TestPicture(50, 30, isDmabuf: true, extraBytes: 4096);
        for (var i = 0u; i < 200; i++)
        {
            picture.Storage.Lock();
            Present(f, picture.Storage, new BufferView(picture.View.Size, DrmFormat.Xrgb8888, DrmModifier.Linear, i * 4, 200), null);
        }

        Assert.Equal(200, f.Compositor.Dmabuf!.Imports);
        Assert.Equal(200, f.Events.Refusals.Count);
        Assert.Equal(0, picture.Storage.LockCount);
    }

    private static BufferView View(DrmFormat format, params PlaneLayout[] planes) => new(new BufferSize(64, 64), format, DrmModifier.Linear, planes);

    private static void AssertRefused(string reason, BufferStorage storage, BufferView view, FakeCompositorOptions? options = null, BufferRect? source = null)
    {
        using var f = new PresenterFixture(options ?? s_options);
        Show(f, storage, view, source);
        Assert.Null(f.Lost);
        Assert.Contains(reason, Assert.Single(f.Events.Refusals), StringComparison.Ordinal);
        Assert.Empty(f.Compositor.Dmabuf!.Asked);
        Assert.Equal(0, storage.LockCount);
    }

    private static void Show(PresenterFixture f, BufferStorage storage, BufferView view, BufferRect? source = null)
    {
        storage.Lock();
        Present(f, storage, view, source);
        f.Refresh();
        f.Refresh();
    }

    private static void Present(PresenterFixture f, BufferStorage storage, BufferView view, BufferRect? source)
    {
        var rect = source ?? view.Size.Whole;
        var frame = new GuestFrame { Storage = storage, View = view, Source = rect, Damage = DamageList.Of(rect), Serial = 1, Awaited = true };
        f.Presenter.Present(0, in frame);
        f.Pump();
    }
}
