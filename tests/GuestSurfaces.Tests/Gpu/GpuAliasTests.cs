// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>2D resources whose pages are shown as they are, on request: what copies nothing, and what falls back without losing a pixel.</summary>
public sealed class GpuAliasTests : IDisposable
{
    private const uint Stride = 256;
    private static readonly WireRect s_whole = new(0, 0, 64, 64);
    private static readonly BufferRect s_all = new(0, 0, 64, 64);
    private readonly FakeUdmabuf _kernel = new(1024, 64, 4096);
    private readonly UdmabufExporter _exporter;
    private readonly GpuHarness _gpu;
    private readonly uint[] _picture = Picture.Make(64, 64);

    public GpuAliasTests()
    {
        _exporter = new UdmabufExporter(_kernel, UdmabufLimits.Default, new Limits(), 4096);
        _gpu = new GpuHarness(new VirtioGpuOptions { ScanoutCount = 2, Alias2D = true, Exporter = _exporter });
        _gpu.Draw(GpuHarness.Pixels, _picture);
    }

    public void Dispose()
    {
        _gpu.Dispose();
        Assert.Equal((0ul, 0), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
        _exporter.Dispose();
    }

    [Fact]
    public void By_default_2D_resources_are_copied_and_the_reason_names_both_ways_out()
    {
        using var gpu = new GpuHarness(new VirtioGpuOptions { Exporter = _exporter });
        gpu.Show2D(1, 64, 64);
        gpu.Transfer(1, s_whole, 0);
        gpu.Flush(1, s_whole);
        Assert.Empty(_kernel.Requests);
        var rung = gpu.Statistics.SourceRung;
        Assert.Equal(Rung.Copy, rung.Rung);
        Assert.Contains("--alias-2d", rung.Remedy, StringComparison.Ordinal);
        Assert.Contains("RESOURCE_BLOB", rung.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Transfers_from_where_the_picture_is_copy_nothing_and_flushes_show_the_pages()
    {
        _gpu.Show2D(1, 64, 64);
        Assert.Equal([(GpuHarness.Pixels, 16384)], Assert.Single(_kernel.Requests));
        Assert.Equal(OkNoData, _gpu.Transfer(1, s_whole, 0));
        Assert.Equal(OkNoData, _gpu.Flush(1, s_whole));
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(8, 4, 10, 20), (4 * Stride) + 32));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(8, 4, 10, 20)));
        var frame = _gpu.Display.Last;
        Assert.True(frame.Storage.IsDmabuf);
        Assert.Equal((new BufferRect(8, 4, 10, 20), s_all), (frame.Damage.Bounds, frame.Source));
        Assert.Equal((new PlaneLayout(0, 0, Stride), DrmFormat.Xrgb8888), (frame.View.Plane(0), frame.View.Format));
        Assert.Equal((0, Rung.Direct), (_gpu.Statistics.BytesCopied, _gpu.Statistics.SourceRung.Rung));
        Assert.Equal(InvalidParameter, _gpu.Transfer(1, s_whole, 4)); // checked as ever
        Assert.True(_gpu.Display.Last.Storage.IsDmabuf);
    }

    [Fact]
    public void A_transfer_from_elsewhere_copies_the_whole_picture_once_and_goes_on_copying()
    {
        ShowAlias();
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(0, 0, 8, 8), 32 * Stride));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 8, 8)));
        var expected = (uint[])_picture.Clone();
        for (var y = 0; y < 8; y++)
            _picture.AsSpan((32 + y) * 64, 8).CopyTo(expected.AsSpan(y * 64));
        Assert.Equal(expected, _gpu.Display.Last.Pixels);
        Assert.Equal(s_all, _gpu.Display.Last.Damage.Bounds); // the storage is another
        Assert.Equal((Rung.Copy, 16384 + 256), (_gpu.Statistics.SourceRung.Rung, _gpu.Statistics.BytesCopied));
        Assert.Contains("isn't in its pages", _gpu.Statistics.SourceRung.Reason, StringComparison.Ordinal);

        _gpu.Transfer(1, new WireRect(16, 16, 8, 8), (16 * Stride) + 64);
        _gpu.Flush(1, new WireRect(16, 16, 8, 8));
        Assert.Equal(expected, _gpu.Display.Last.Pixels);
        Assert.Equal(16384 + 512, _gpu.Statistics.BytesCopied);
    }

    [Fact]
    public void A_picture_from_elsewhere_is_no_alias_until_a_transfer_brings_all_of_it_from_its_place()
    {
        _gpu.Create2D(1, 64, 64);
        _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 32768));
        _gpu.Transfer(1, s_whole, 16384);
        _gpu.SetScanout(0, 1, s_whole);
        _gpu.Flush(1, s_whole);
        Assert.Empty(_kernel.Requests);
        Assert.Contains("isn't in its pages", _gpu.Statistics.SourceRung.Reason, StringComparison.Ordinal);
        _gpu.Transfer(1, s_whole, 0);
        _gpu.SetScanout(0, 1, new WireRect(0, 0, 32, 32));
        _gpu.Flush(1, s_whole);
        Assert.True(_gpu.Display.Last.Storage.IsDmabuf);
    }

    [Fact]
    public void Detached_pages_leave_their_picture_behind()
    {
        ShowAlias();
        Assert.Equal(OkNoData, _gpu.Detach(1));
        Assert.Equal(0ul, _exporter.PinnedBytes);
        _gpu.Draw(GpuHarness.Pixels, new uint[64 * 64]); // the guest does something else with them
        _gpu.Run(0); // shown without a flush: what is on screen are those pages
        Assert.Equal(_picture, _gpu.Display.Last.Pixels);

        Assert.Equal(OkNoData, _gpu.Attach(1, new GuestPages(GpuHarness.Pixels + 65536, 16384)));
        _gpu.Run(0);
        _gpu.Flush(1, s_whole);
        Assert.Equal(_picture, _gpu.Display.Last.Pixels); // nothing was transferred from the new ones
        Assert.Equal((Rung.Copy, 16384), (_gpu.Statistics.SourceRung.Rung, _gpu.Statistics.BytesCopied));
    }

    [Fact]
    public void Pages_that_the_display_refuses_are_copied_and_shown_again()
    {
        _gpu.Show2D(3, 64, 64, GpuHarness.Pixels + 65536, scanout: 1); // shared, but not presented yet
        ShowAlias();
        ((IGuestTransport)_gpu.Device).BufferRefused(0, _gpu.Display.Last.Storage, "no");
        _gpu.Run(0);
        Assert.Equal(_picture, _gpu.Display.Frames.Last(static f => f.Scanout == 0).Pixels);
        Assert.Equal((Rung.Copy, "no", 0ul), (_gpu.Statistics.SourceRung.Rung, _gpu.Statistics.SourceRung.Reason, _exporter.PinnedBytes));
        _gpu.Show2D(2, 64, 64);
        Assert.Equal(2, _kernel.Requests.Count); // the same shape
        _gpu.Transfer(3, new WireRect(0, 0, 1, 1), 0);
        var copied = _gpu.Statistics.BytesCopied;
        _gpu.Transfer(3, new WireRect(0, 0, 1, 1), 0);
        _gpu.Flush(3, s_whole);
        Assert.Equal(copied + 4, _gpu.Statistics.BytesCopied);
        ((IGuestTransport)_gpu.Device).DisplayChanged();
        _gpu.Run(0);
        _gpu.Flush(2, s_whole);
        Assert.True(_gpu.Display.Last.Storage.IsDmabuf);
    }

    [Fact]
    public void One_resource_on_two_scanouts_is_one_buffer_with_two_parts()
    {
        _gpu.Create2D(1, 64, 64);
        _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 16384));
        _gpu.SetScanout(0, 1, new WireRect(0, 0, 32, 64));
        _gpu.SetScanout(1, 1, new WireRect(32, 0, 32, 64));
        _gpu.Transfer(1, s_whole, 0);
        _gpu.Flush(1, s_whole);
        Assert.Single(_kernel.Requests);
        var frames = _gpu.Display.Frames;
        Assert.Equal([new BufferRect(0, 0, 32, 64), new BufferRect(32, 0, 32, 64)], frames.Select(static f => f.Source));
        Assert.Same(frames[0].Storage, frames[1].Storage);

        _gpu.Transfer(1, new WireRect(0, 0, 1, 1), 4); // both fall back
        _gpu.Flush(1, new WireRect(40, 0, 1, 1));
        Assert.Equal((1, s_all.Offset(32, 0).Intersect(s_all)), (_gpu.Display.Last.Scanout, _gpu.Display.Last.Damage.Bounds));
        Assert.NotNull(_gpu.Display.Last.Storage.Pixels);
    }

    [Fact]
    public void Cursors_are_never_aliased_and_an_alias_can_be_read_as_one()
    {
        _gpu.Create2D(9, 64, 64, format: 1);
        _gpu.Attach(9, new GuestPages(GpuHarness.Pixels, 16384));
        _gpu.Transfer(9, s_whole, 0);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 1, 9);
        Assert.Empty(_kernel.Requests);
        Assert.NotNull(_gpu.Display.Cursors[^1].Image.Storage!.Pixels);

        ShowAlias();
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 1, 1);
        Assert.Equal(_picture, _gpu.Display.Cursors[^1].Pixels);
        _gpu.Flush(1, s_whole);
        Assert.True(_gpu.Display.Last.Storage.IsDmabuf);
    }

    [Fact]
    public void Pages_that_are_missing_or_too_few_are_told_and_pages_that_come_later_are_taken()
    {
        _gpu.Create2D(1, 64, 64);
        _gpu.SetScanout(0, 1, s_whole);
        Assert.Contains("without pages", _gpu.Statistics.SourceRung.Reason, StringComparison.Ordinal);
        _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 16380));
        _gpu.Run(0);
        Assert.Contains("fewer pages", _gpu.Statistics.SourceRung.Reason, StringComparison.Ordinal);
        Assert.Equal(OkNoData, _gpu.Flush(1, s_whole));
        _gpu.Detach(1);
        _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 16384));
        _gpu.Run(0);
        _gpu.Flush(1, s_whole);
        Assert.True(_gpu.Display.Last.Storage.IsDmabuf);
    }

    [Fact]
    public void When_memory_changes_the_pages_are_shared_anew_or_copied_whole()
    {
        ShowAlias();
        _gpu.Device.MemoryChanged();
        _gpu.Flush(1, new WireRect(0, 0, 1, 1));
        Assert.Equal((2, true, 16384ul), (_kernel.Requests.Count, _gpu.Display.Last.Storage.IsDmabuf, _exporter.PinnedBytes));
        _kernel.Fails = Errno.EBADFD;
        _gpu.Device.MemoryChanged();
        _gpu.Flush(1, new WireRect(0, 0, 1, 1));
        Assert.Equal(_picture, _gpu.Display.Last.Pixels);
        Assert.Equal((s_all, 0ul), (_gpu.Display.Last.Damage.Bounds, _exporter.PinnedBytes));
    }

    [Fact]
    public void Reset_unpins_once_the_display_lets_go()
    {
        _gpu.Display.Holds = true;
        ShowAlias();
        _gpu.Device.Reset();
        Assert.Equal(16384ul, _exporter.PinnedBytes);
        RecordingDisplay.Release(Assert.Single(_gpu.Display.Frames));
        Assert.Equal(0ul, _exporter.PinnedBytes);
    }

    private void ShowAlias()
    {
        _gpu.Show2D(1, 64, 64);
        _gpu.Transfer(1, s_whole, 0);
        _gpu.Flush(1, s_whole);
        Assert.True(_gpu.Display.Last.Storage.IsDmabuf);
    }
}
