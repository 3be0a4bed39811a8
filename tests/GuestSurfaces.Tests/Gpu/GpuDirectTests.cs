// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>The seam of the direct rung, with an exporter that makes a memfd instead of a udmabuf.</summary>
public sealed class GpuDirectTests : IGuestBufferExporter, IDisposable
{
    private static readonly WireRect s_whole = new(0, 0, 64, 64);
    private readonly GpuHarness _gpu;
    private readonly List<BufferStorage> _exported = [];
    private bool _declines;
    private int _tries;
    private int _room;

    public GpuDirectTests() => _gpu = new GpuHarness(new VirtioGpuOptions { ScanoutCount = 2, Exporter = this });

    public void Dispose()
    {
        _gpu.Dispose();
        Assert.All(_exported, s => Assert.True(s.IsClosed));
    }

    [Fact]
    public void An_exported_blob_is_presented_as_it_is_and_nothing_is_copied()
    {
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, 65536, new GuestPages(GpuHarness.Pixels, 65536)));
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(0, 1, new WireRect(8, 4, 32, 32), 64, 64, 512, 128, 1));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(10, 10, 5, 5)));
        var frame = _gpu.Display.Last;
        Assert.Same(Assert.Single(_exported), frame.Storage);
        Assert.Equal(new PlaneLayout(0, 128, 512), frame.View.Plane(0));
        Assert.Equal((new BufferSize(64, 64), DrmFormat.Xrgb8888), (frame.View.Size, frame.View.Format));
        Assert.Equal(new BufferRect(8, 4, 32, 32), frame.Source);
        Assert.Equal(new BufferRect(10, 10, 5, 5), frame.Damage.Bounds);
        Assert.Same(_gpu.Display.Frames[0].View, frame.View);
        Assert.Equal(0, _gpu.Statistics.BytesCopied);
        Assert.Equal(Rung.Direct, _gpu.Statistics.SourceRung.Rung);
    }

    [Fact]
    public void A_blob_is_exported_once_and_its_storage_goes_with_it()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.ShowBlob(2, 64, 64, GpuHarness.Pixels + 65536);
        for (uint i = 0; i < 6; i++)
        {
            _gpu.SetScanoutBlob(0, 1 + (i % 2), s_whole, 64, 64, 256);
            _gpu.Flush(1 + (i % 2), s_whole);
            Assert.Same(_exported[(int)(i % 2)], _gpu.Display.Last.Storage);
        }

        Assert.Equal(2, _exported.Count);
        Assert.Equal(OkNoData, _gpu.Unref(2));
        Assert.Equal((false, true), (_exported[0].IsClosed, _exported[1].IsClosed));
        Assert.Equal(OkNoData, _gpu.Detach(1));
        Assert.True(_exported[0].IsClosed);
    }

    [Fact]
    public void When_the_memory_changes_the_blob_is_exported_anew_or_copied_whole()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.Flush(1, s_whole);
        _gpu.Device.MemoryChanged();
        Assert.Equal((2, true), (_exported.Count, _exported[0].IsClosed));
        _gpu.Flush(1, s_whole);
        Assert.Same(_exported[1], _gpu.Display.Last.Storage);

        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _declines = true;
        _gpu.Device.MemoryChanged();
        Assert.Equal((Rung.Copy, "not today"), (_gpu.Statistics.Rung.Rung, _gpu.Statistics.Rung.Reason));
        _gpu.Flush(1, new WireRect(1, 1, 1, 1));
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
        Assert.Equal(new BufferRect(0, 0, 64, 64), _gpu.Display.Last.Damage.Bounds);

        _declines = false;
        _gpu.Device.MemoryChanged();
        _gpu.Flush(1, s_whole);
        Assert.Same(_exported[2], _gpu.Display.Last.Storage);
        Assert.Equal(0ul, _gpu.Device.HostPixelBytes); // the copies went
    }

    [Fact]
    public void A_buffer_that_the_compositor_refuses_is_copied_from_then_on()
    {
        _gpu.ShowBlob(1, 64, 64);
        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Display.Presented = (scanout, _) => ((IGuestTransport)_gpu.Device).BufferRefused(scanout, _exported[0], "the GPU wants 256-byte rows");
        Assert.Equal(OkNoData, _gpu.Flush(1, s_whole)); // refused from inside Present
        _gpu.Display.Presented = null;
        _gpu.Run(0);
        Assert.Equal(2, _gpu.Display.FrameCount);
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
        Assert.True(_exported[0].IsClosed);
        Assert.Equal((Rung.Copy, "the GPU wants 256-byte rows"), (_gpu.Statistics.Rung.Rung, _gpu.Statistics.Rung.Reason));

        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(1, 1, s_whole, 64, 64, 256));
        Assert.Equal(OkNoData, _gpu.Flush(1, s_whole));
        Assert.Single(_exported); // not tried again
        using var other = new GpuHarness();
        ((IGuestTransport)other.Device).BufferRefused(0, _exported[0], "a late word about another");
        ((IGuestTransport)_gpu.Device).BufferRefused(99, _exported[0], "a late word about one that is gone");
    }

    [Fact]
    public void A_refusal_is_remembered_for_its_shape_so_that_the_next_buffer_costs_no_import()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.Flush(1, s_whole);
        _gpu.ShowBlob(2, 64, 64, GpuHarness.Pixels + 65536);
        _gpu.Flush(2, s_whole);
        Refuse(_exported[0], "no");
        Assert.All(_exported, static s => Assert.True(s.IsClosed)); // both of the pair
        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels + (2 * 65536), picture);
        for (uint id = 3; id < 20; id++)
        {
            _gpu.ShowBlob(id, 64, 64, GpuHarness.Pixels + (2 * 65536));
            _gpu.Flush(id, s_whole);
            Assert.Equal(picture, _gpu.Display.Last.Pixels);
        }

        Assert.Equal((2, Rung.Copy, "no"), (_exported.Count, _gpu.Statistics.SourceRung.Rung, _gpu.Statistics.SourceRung.Reason));
        Assert.NotEmpty(_gpu.Statistics.SourceRung.Remedy);
        _gpu.ShowBlob(20, 64, 32);
        _gpu.Flush(20, new WireRect(0, 0, 64, 32));
        Assert.Same(_exported[2], _gpu.Display.Last.Storage); // another shape
    }

    [Fact]
    public void The_same_pages_may_be_refused_in_one_shape_and_shown_in_another()
    {
        _gpu.ShowBlob(1, 64, 64);
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(1, 1, new WireRect(0, 0, 32, 32), 32, 32, 128));
        _gpu.Flush(1, s_whole); // on scanout 0, then on 1
        Refuse(_exported[0], "not so narrow");
        _gpu.Flush(1, s_whole);
        var frames = _gpu.Display.Frames[^2..];
        Assert.Same(_exported[1], frames[0].Storage);
        Assert.NotNull(frames[1].Storage.Pixels);
        Assert.NotSame(_exported[1], frames[1].Storage);
    }

    [Fact]
    public void When_the_display_changes_what_it_refused_is_tried_again()
    {
        _gpu.ShowBlob(1, 64, 64);
        _gpu.Flush(1, s_whole);
        var device = (IGuestTransport)_gpu.Device;
        device.DisplayChanged();
        _gpu.Run(0);
        Assert.Single(_exported); // nothing was refused

        Refuse(_exported[0], "no");
        device.DisplayChanged();
        Assert.Single(_exported); // not from inside the display
        _gpu.Run(0);
        Assert.Equal(2, _exported.Count);
        _gpu.Flush(1, new WireRect(3, 3, 1, 1));
        Assert.Same(_exported[1], _gpu.Display.Last.Storage);
        Assert.Equal(new BufferRect(0, 0, 64, 64), _gpu.Display.Last.Damage.Bounds);
        Assert.Equal(Rung.Direct, _gpu.Statistics.SourceRung.Rung);
    }

    [Fact]
    public void A_decline_is_final_for_its_pages_until_there_is_room_again()
    {
        _declines = true;
        _gpu.ShowBlob(1, 64, 64);
        _gpu.ShowBlob(2, 64, 64, GpuHarness.Pixels + 65536);
        for (uint i = 0; i < 10; i++)
        {
            _gpu.SetScanoutBlob(0, 1 + (i % 2), s_whole, 64, 64, 256);
            _gpu.Flush(1 + (i % 2), s_whole);
        }

        Assert.Equal(2, _tries);
        _declines = false;
        _room++;
        _gpu.Flush(2, s_whole); // stays on screen: no SET_SCANOUT comes
        Assert.Equal(2, _tries); // not in a flush
        _gpu.Run(0);
        _gpu.Flush(2, s_whole);
        Assert.Equal((3, Rung.Direct), (_tries, _gpu.Statistics.SourceRung.Rung));
        Assert.Same(Assert.Single(_exported), _gpu.Display.Last.Storage);
    }

    [Fact]
    public void New_pages_of_a_blob_on_screen_are_exported_without_another_set_scanout()
    {
        _gpu.ShowBlob(1, 64, 64);
        Assert.Equal(OkNoData, _gpu.Detach(1));
        Assert.Equal(OkNoData, _gpu.Attach(1, new GuestPages(GpuHarness.Pixels + 65536, 16384)));
        _gpu.Run(0);
        _gpu.Flush(1, s_whole);
        Assert.Same(_exported[1], _gpu.Display.Last.Storage);
    }

    [Fact]
    public void Refused_shapes_are_bounded_and_go_with_the_driver()
    {
        for (uint i = 0; i < 17; i++)
        {
            _gpu.CreateBlob(1 + i, 65536, new GuestPages(GpuHarness.Pixels, 65536));
            _gpu.SetScanoutBlob(0, 1 + i, s_whole, 64, 64, 256 + (i * 4));
            _gpu.Flush(1 + i, s_whole);
            Refuse(_exported[^1], "no");
        }

        _gpu.SetScanoutBlob(0, 1, s_whole, 64, 64, 256);
        Assert.Equal(18, _exported.Count); // the oldest was forgotten
        _gpu.SetScanoutBlob(0, 2, s_whole, 64, 64, 260);
        Assert.Equal(18, _exported.Count);
        _gpu.Device.Reset();
        _gpu.Device.SetFeatures(ulong.MaxValue);
        _gpu.Device.StartQueue(0, _gpu.Control.Queue);
        _gpu.CreateBlob(2, 65536, new GuestPages(GpuHarness.Pixels, 65536));
        _gpu.SetScanoutBlob(0, 2, s_whole, 64, 64, 260);
        Assert.Equal(19, _exported.Count);
    }

    int IGuestBufferExporter.RoomMade => _room;

    BufferStorage? IGuestBufferExporter.TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline)
    {
        _tries++;
        decline = new RungReport(Rung.Copy, "not today", "tomorrow");
        if (_declines)
            return null;
        Assert.Equal(1, backing.Runs.Length);
        Assert.Equal(sizeBytes, backing.Runs[0].LengthBytes);
        var storage = BufferStorage.TryAllocate("exported", sizeBytes, null, out _)!;
        _exported.Add(storage);
        return storage;
    }

    private void Refuse(BufferStorage storage, string reason)
    {
        ((IGuestTransport)_gpu.Device).BufferRefused(0, storage, reason);
        _gpu.Run(0);
    }
}
