// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

public class RungTests
{
    public static TheoryData<string> Formats => ["XR24", "AR24", "XB24", "AB24", "RX24", "RA24", "BX24", "BA24"];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_format_of_a_virtio_gpu_is_shown_by_a_compositor_that_knows_two(string letters)
    {
        using var f = new PresenterFixture();
        var format = DrmFormat.FromLetters(letters);
        var picture = new TestPicture(40, 30, format);
        picture.Fill(picture.Whole, (x, y) => Encode(TestPicture.Pattern(x, y), format));
        f.Show(picture);
        var screen = f.Window.Render();
        for (var i = 0; i < screen.Length; i++)
            Assert.Equal(TestPicture.Pattern(i % 40, i / 40) & 0xff_ffff, screen[i]);
        Assert.Equal((uint)WlShmFormat.Xrgb8888, f.Window.Surface.Buffer!.Format);
        var isNative = format.Opaque == DrmFormat.Xrgb8888;
        Assert.Equal(isNative ? 0 : 40 * 30 * 4, f.Statistics.BytesCopied);
        Assert.Equal(Rung.Copy, f.Statistics.Rung.Rung);
        Assert.Equal(isNative ? "the compositor offers no linux-dmabuf" : $"the compositor's wl_shm has no {format.Opaque}: converted by the CPU", f.Statistics.Rung.Reason);
    }

    private static readonly uint s_gray = 0x80_8080;

    [Fact]
    public void A_viewer_that_nobody_waits_for_gives_shared_memory_back_at_once()
    {
        using var f = new PresenterFixture(options: new PresenterOptions { Copy = true });
        using var picture = new TestPicture(20, 10).FillPattern();
        f.Show(picture);
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Equal("this viewer isn't in charge: it copies, and holds up nobody", f.Statistics.Rung.Reason);
        f.Refresh();
        f.Compositor.Toplevel.Render().AssertShows(20, picture, picture.Whole);
    }

    [Fact]
    public void Memory_that_its_owner_can_cut_never_reaches_the_compositor_and_when_it_is_cut_the_last_picture_stays()
    {
        using var f = new PresenterFixture();
        const int side = 16;
        var memory = MemFdHandle.TryCreate("open-picture", side * side * 4, FileSeals.None, out _)!;
        using var scissors = memory.Duplicate<MemFdHandle>();
        var storage = BufferStorage.TryAdopt(memory, null, out _)!;
        for (var at = 0u; at < side * side * 4; at += 4)
            storage.Pixels!.TryWrite(at, in s_gray);
        var frame = new GuestFrame
        {
            Storage = storage,
            View = new BufferView(new BufferSize(side, side), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, side * 4),
            Source = new BufferRect(0, 0, side, side),
            Damage = DamageList.Of(new BufferRect(0, 0, side, side)),
            Serial = 1,
        };
        storage.Lock();
        f.Presenter.Present(0, in frame);
        f.Pump();
        f.Refresh();
        Assert.Equal(0, storage.LockCount);
        Assert.All(f.Compositor.Toplevel.Render(), static pixel => Assert.Equal(s_gray, pixel));
        Assert.Contains("sealed", f.Statistics.Rung.Reason, StringComparison.Ordinal);

        scissors.Truncate(0);
        storage.Lock();
        f.Presenter.Present(0, frame with { Serial = 2 });
        f.Pump();
        Assert.Contains("has cut its memory", Assert.Single(f.Events.Refusals), StringComparison.Ordinal);
        Assert.All(f.Compositor.Toplevel.Render(), static pixel => Assert.Equal(s_gray, pixel));
        storage.Drop();
        Assert.Null(f.Lost);
    }

    [Fact]
    public void Format_that_wl_shm_knows_is_sent_as_it_is_without_alpha()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { ExtraShmFormats = [DrmFormat.Xbgr8888.Fourcc] });
        f.Show(new TestPicture(40, 30, DrmFormat.Abgr8888));
        Assert.Equal(DrmFormat.Xbgr8888.Fourcc, f.Window.Surface.Buffer!.Format);
        Assert.Equal(0, f.Statistics.BytesCopied);
    }

    [Fact]
    public void Conversion_copies_the_damage_and_what_the_target_has_missed_and_nothing_else()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30, DrmFormat.Xbgr8888).FillPattern();
        f.Show(picture);
        f.Refresh();
        f.Show(picture, DamageList.Of(new BufferRect(0, 0, 2, 2))); // a second target: all of it
        f.Refresh();
        var before = f.Statistics.BytesCopied;
        Assert.Equal(2 * 40 * 30 * 4, before);
        f.Show(picture, DamageList.Of(new BufferRect(10, 10, 3, 3))); // the first target again: it missed 2x2
        f.Refresh();
        Assert.Equal((4 + 9) * 4, f.Statistics.BytesCopied - before);
        Assert.Equal(0, picture.Storage.LockCount);
    }

    [Fact]
    public void Converted_frame_unlocks_the_guests_storage_at_its_commit()
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30, DrmFormat.Xbgr8888);
        f.Show(picture);
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Equal([1UL], f.Events.Committed);
    }

    [Theory]
    [InlineData(3u)]
    [InlineData(4u)]
    [InlineData(5u)]
    public void Dma_buf_is_shown_directly_without_a_copy(uint version)
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = version });
        var picture = new TestPicture(40, 30, isDmabuf: true, offsetBytes: 256, extraStride: 96).FillPattern();
        f.Show(picture);
        Assert.Equal(new RungReport(Rung.Direct, string.Empty), f.Statistics.Rung);
        f.Window.Render().AssertShows(40, picture, picture.Whole);
        f.Refresh();
        f.Show(picture, DamageList.Of(new BufferRect(0, 0, 4, 4)));
        f.Refresh();
        Assert.Equal(1, f.Compositor.Dmabuf!.Imports);
        Assert.Equal(0, f.Statistics.BytesCopied);
        f.Presenter.Disable(0);
        f.Pump();
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Empty(f.Compositor.Buffers);
    }

    [Fact]
    public void Part_of_a_dma_buf_is_cropped_by_the_viewport()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4 });
        var picture = new TestPicture(100, 80, isDmabuf: true).FillPattern();
        var source = new BufferRect(60, 50, 40, 30);
        f.Show(picture, source: source);
        f.Window.Render().AssertShows(40, picture, source);
    }

    [Fact]
    public void Frame_waits_for_its_import_while_the_one_before_stays_and_pacing_goes_on()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldImports = true });
        var first = new TestPicture(40, 30).FillPattern();
        f.Show(first);
        f.Refresh();
        var direct = new TestPicture(40, 30, isDmabuf: true).FillPattern(5);
        f.Show(direct);
        f.Refresh();
        f.Window.Render().AssertShows(40, first, first.Whole);
        Assert.Equal([1UL], f.Events.Committed);
        f.Compositor.Dmabuf!.AnswerImports();
        f.Pump();
        f.Window.Render().AssertShows(40, direct, direct.Whole);
        Assert.Equal([1UL, 2UL], f.Events.Committed);
    }

    [Fact]
    public void Import_that_fails_is_refused_with_a_reason_and_the_connection_lives()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, RefuseImport = static _ => true });
        var picture = new TestPicture(40, 30, isDmabuf: true);
        f.Show(picture);
        Assert.Null(f.Lost);
        Assert.Equal("the compositor couldn't import 40x30 XR24 LINEAR, pitch 160: the pitch is not a multiple of 64", Assert.Single(f.Events.Refusals));
        Assert.Equal("choose a mode in the guest whose width is a multiple of 16", f.Statistics.Rung.Remedy);
        Assert.Equal([1UL], f.Events.Superseded);
        Assert.Equal(0, picture.Storage.LockCount);
        var shm = new TestPicture(40, 30).FillPattern();
        f.Show(shm, default(DamageList));
        f.Window.Render().AssertShows(40, shm, shm.Whole);
    }

    [Fact]
    public void Storage_that_closes_while_it_is_imported_leaves_nothing_behind()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { DmabufVersion = 4, HoldImports = true });
        var picture = new TestPicture(40, 30, isDmabuf: true);
        f.Show(picture);
        f.Show(new TestPicture(40, 30)); // supersedes it
        picture.Storage.Drop();
        f.Compositor.Dmabuf!.AnswerImports();
        f.Presenter.MoveCursor(0, 0, 0);
        f.Pump();
        f.Pump();
        Assert.Single(f.Compositor.Buffers);
        Assert.Empty(f.Compositor.Client.Resources<GuestSurfaces.Wayland.Server.ZwpLinuxBufferParamsV1Resource>());
    }

    [Fact]
    public void Refusals_say_why()
    {
        Assert.Equal("the compositor offers no linux-dmabuf", Refusal(new FakeCompositorOptions(), new TestPicture(40, 30, isDmabuf: true)));
        Assert.Equal(
            "the compositor imports no XB24 dma-bufs",
            Refusal(new FakeCompositorOptions { DmabufVersion = 4 }, new TestPicture(40, 30, DrmFormat.Xbgr8888, isDmabuf: true)));
        Assert.Equal(
            "the compositor imports XR24 only with a layout of its own, not LINEAR",
            Refusal(new FakeCompositorOptions { DmabufVersion = 3, DmabufPairs = [(DrmFormat.Xrgb8888, DrmModifier.Invalid)] }, new TestPicture(40, 30, isDmabuf: true)));
        var picture = new TestPicture(40, 30, isDmabuf: true);
        var tooHigh = new BufferView(new BufferSize(40, 31), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 160);
        Assert.StartsWith("the dma-buf is smaller than its picture", Refusal(new FakeCompositorOptions { DmabufVersion = 4 }, picture, tooHigh), StringComparison.Ordinal);
        Assert.Contains("can't read", Refusal(new FakeCompositorOptions(), new TestPicture(40, 30, DrmFormat.FromLetters("NV12"))), StringComparison.Ordinal);
    }

    [Fact]
    public void Storage_smaller_than_its_view_is_refused_before_the_compositor_sees_it()
    {
        var picture = new TestPicture(40, 30);
        var tooHigh = new BufferView(new BufferSize(40, 31), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 160);
        Assert.Contains("storage is too small", Refusal(new FakeCompositorOptions(), picture, tooHigh), StringComparison.Ordinal);
        var wraps = new BufferView(new BufferSize(40, 30), DrmFormat.Xrgb8888, DrmModifier.Linear, uint.MaxValue, uint.MaxValue);
        Assert.Contains("storage is too small", Refusal(new FakeCompositorOptions(), picture, wraps), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, 41, 30)]
    [InlineData(-1, 0, 40, 30)]
    [InlineData(0, 0, 0, 0)]
    [InlineData(int.MaxValue, 1, int.MaxValue, 1)]
    public void Part_outside_its_view_is_refused_before_the_compositor_sees_it(int x, int y, int width, int height)
    {
        using var f = new PresenterFixture();
        var picture = new TestPicture(40, 30, extraBytes: 4096);
        f.Show(picture, source: new BufferRect(x, y, width, height));
        Assert.Null(f.Lost);
        Assert.Contains("isn't inside", Assert.Single(f.Events.Refusals), StringComparison.Ordinal);
        Assert.Equal(0, picture.Storage.LockCount);
    }

    private static string Refusal(FakeCompositorOptions options, TestPicture picture, BufferView? view = null)
    {
        using var f = new PresenterFixture(options);
        var frame = f.Frame(picture);
        if (view is not null)
        {
            frame.View = view;
            frame.Source = view.Size.Whole;
        }

        f.Presenter.Present(0, in frame);
        f.Pump();
        Assert.Null(f.Lost);
        Assert.Equal(0, picture.Storage.LockCount);
        Assert.Equal([1UL], f.Events.Superseded);
        Assert.Equal(Rung.None, f.Statistics.Rung.Rung);
        return Assert.Single(f.Events.Refusals);
    }

    private static uint Encode(uint rgb, DrmFormat format)
    {
        var (a, r, g, b) = (rgb >> 24, (rgb >> 16) & 255, (rgb >> 8) & 255, rgb & 255);
        var opaque = format.Opaque;
        return opaque == DrmFormat.Xbgr8888 ? (a << 24) | (b << 16) | (g << 8) | r
            : opaque == DrmFormat.Rgbx8888 ? (r << 24) | (g << 16) | (b << 8) | a
            : opaque == DrmFormat.Bgrx8888 ? (b << 24) | (g << 16) | (r << 8) | a
            : rgb;
    }
}
