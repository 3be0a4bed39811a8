// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>What a guest must not do, each with the answer it gets. The list comes from the bugs of other devices.</summary>
public sealed class GpuRefusalTests : IDisposable
{
    private const uint Max = uint.MaxValue;
    private static readonly GuestPages s_page = new(GpuHarness.Pixels, 64 * 64 * 4);
    private readonly GpuHarness _gpu = new();

    public void Dispose() => _gpu.Dispose();

    [Theory]
    [InlineData(0u)]
    [InlineData(5u)]
    [InlineData(200u)]
    [InlineData(Max)]
    public void An_unknown_format_is_refused(uint format)
    {
        Assert.Equal(InvalidParameter, _gpu.Create2D(1, 64, 64, format));
        Assert.Equal(OkNoData, _gpu.CreateBlob(2, 16384, s_page));
        Assert.Equal(InvalidParameter, _gpu.SetScanoutBlob(0, 2, new WireRect(0, 0, 64, 64), 64, 64, 256, 0, format));
    }

    [Theory]
    [InlineData(0u, 64u, InvalidParameter)]
    [InlineData(64u, 0u, InvalidParameter)]
    [InlineData(16385u, 1u, InvalidParameter)]
    [InlineData(0x4000_0001u, 4u, InvalidParameter)] // width * 4 wraps to 4
    [InlineData(0x1_0000u, 0x1_0000u, InvalidParameter)] // width * height wraps to 0
    [InlineData(Max, Max, InvalidParameter)]
    [InlineData(16384u, 16384u, OutOfMemory)]
    public void A_2D_resource_of_an_impossible_size_is_refused(uint width, uint height, VirtioGpuResponse expected) =>
        Assert.Equal(expected, _gpu.Create2D(1, width, height));

    [Fact]
    public void Resource_0_and_a_number_in_use_are_refused()
    {
        Assert.Equal(InvalidResourceId, _gpu.Create2D(0, 64, 64));
        Assert.Equal(InvalidResourceId, _gpu.CreateBlob(0, 4096, s_page));
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(InvalidResourceId, _gpu.Create2D(1, 64, 64));
        Assert.Equal(InvalidResourceId, _gpu.CreateBlob(1, 4096, s_page));
        Assert.Equal(1, _gpu.Device.ResourceCount);
    }

    [Fact]
    public void Every_command_on_a_resource_that_is_not_there_is_refused()
    {
        Assert.Equal(InvalidResourceId, _gpu.Unref(9));
        Assert.Equal(InvalidResourceId, _gpu.Attach(9, s_page));
        Assert.Equal(InvalidResourceId, _gpu.Detach(9));
        Assert.Equal(InvalidResourceId, _gpu.Flush(9, default));
        Assert.Equal(InvalidResourceId, _gpu.Transfer(9, default, 0));
        Assert.Equal(InvalidResourceId, _gpu.SetScanout(0, 9, new WireRect(0, 0, 64, 64)));
        Assert.Equal(InvalidResourceId, _gpu.SetScanoutBlob(0, 9, new WireRect(0, 0, 64, 64), 64, 64, 256));
        Assert.Equal(InvalidResourceId, _gpu.Send((uint)VirtioGpuCommandType.ResourceAssignUuid, GpuHarness.Words(9, 0)).Type);
    }

    [Theory]
    [InlineData(4u)]
    [InlineData(16u)]
    [InlineData(Max)]
    public void A_scanout_that_is_not_there_is_refused(uint scanout)
    {
        _gpu.Show2D(1, 64, 64);
        Assert.Equal(InvalidScanoutId, _gpu.SetScanout(scanout, 1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(InvalidScanoutId, _gpu.SetScanout(scanout, 0, default));
        Assert.Equal(InvalidScanoutId, _gpu.SetScanoutBlob(scanout, 1, default, 64, 64, 256));
        Assert.Equal(InvalidParameter, _gpu.Send((uint)VirtioGpuCommandType.GetEdid, GpuHarness.Words(scanout, 0)).Type);
        var slot = _gpu.PostCursor(VirtioGpuCommandType.MoveCursor, scanout, 0, 0, 0, replyBytes: 24);
        _gpu.KickCursor();
        Assert.Equal(InvalidScanoutId, GpuHarness.Answer(_gpu.Cursor, slot).Type);
    }

    [Theory]
    [InlineData(1u, 0u, 64u, 64u)]
    [InlineData(0u, 1u, 64u, 64u)]
    [InlineData(0u, 0u, 65u, 64u)]
    [InlineData(Max, 0u, 64u, 64u)] // x + width wraps
    [InlineData(0u, Max, 64u, 1u)]
    [InlineData(1u, 0u, Max, 64u)]
    [InlineData(0x8000_0000u, 0u, 0x8000_0000u, 64u)] // wraps to 0
    public void A_rectangle_outside_the_resource_is_refused(uint x, uint y, uint width, uint height)
    {
        _gpu.Show2D(1, 64, 64);
        var rect = new WireRect(x, y, width, height);
        Assert.Equal(InvalidParameter, _gpu.Transfer(1, rect, 0));
        Assert.Equal(InvalidParameter, _gpu.Flush(1, rect));
        Assert.Equal(InvalidParameter, _gpu.SetScanout(0, 1, rect));
        Assert.Equal(OkNoData, _gpu.CreateBlob(2, 64 * 64 * 4, s_page));
        Assert.Equal(InvalidParameter, _gpu.SetScanoutBlob(0, 2, rect, 64, 64, 256));
        _gpu.ShowBlob(3, 64, 64, scanout: 1);
        Assert.Equal(OkNoData, _gpu.Flush(3, rect)); // a blob has no edges: what is on screen counts
    }

    [Theory]
    [InlineData(15u, 16u)]
    [InlineData(16u, 15u)]
    [InlineData(0u, 0u)]
    public void A_scanout_smaller_than_a_screen_is_refused(uint width, uint height)
    {
        _gpu.Show2D(1, 64, 64);
        Assert.Equal(InvalidParameter, _gpu.SetScanout(0, 1, new WireRect(0, 0, width, height)));
        Assert.Equal(OkNoData, _gpu.CreateBlob(2, 64 * 64 * 4, s_page));
        Assert.Equal(InvalidParameter, _gpu.SetScanoutBlob(0, 2, new WireRect(0, 0, width, height), 64, 64, 256));
    }

    [Fact]
    public void Set_scanout_of_a_blob_and_set_scanout_blob_of_a_2D_resource_are_refused()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(OkNoData, _gpu.CreateBlob(2, 64 * 64 * 4, s_page));
        Assert.Equal(InvalidParameter, _gpu.SetScanout(0, 2, new WireRect(0, 0, 64, 64)));
        Assert.Equal(InvalidParameter, _gpu.SetScanoutBlob(0, 1, new WireRect(0, 0, 64, 64), 64, 64, 256));
    }

    [Theory]
    [InlineData(64u, 64u, 255u, 0u)] // rows overlap
    [InlineData(64u, 64u, 0u, 0u)]
    [InlineData(64u, 64u, 0x8000_0000u, 0u)] // the high bit
    [InlineData(64u, 64u, 0x8000_0100u, 0u)]
    [InlineData(64u, 64u, 256u, 4u)] // one pixel too far
    [InlineData(64u, 64u, 256u, Max)]
    [InlineData(64u, 64u, 257u, 0u)]
    [InlineData(0u, 64u, 256u, 0u)]
    [InlineData(64u, 0u, 256u, 0u)]
    [InlineData(16385u, 64u, 65540u, 0u)]
    [InlineData(Max, Max, 256u, 0u)]
    public void A_framebuffer_outside_its_blob_is_refused(uint width, uint height, uint stride, uint offset)
    {
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, 64 * 64 * 4, s_page));
        Assert.Equal(InvalidParameter, _gpu.SetScanoutBlob(0, 1, new WireRect(0, 0, 64, 64), width, height, stride, offset));
    }

    [Fact]
    public void Page_lists_that_are_empty_too_long_or_cut_short_are_refused()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        var bytes = _gpu.WritePages([s_page]);
        VirtioGpuResponse Attach(uint count, uint listBytes) =>
            _gpu.Send((uint)VirtioGpuCommandType.ResourceAttachBacking, GpuHarness.Words(1, count), 0, GpuHarness.PageLists, listBytes).Type;
        Assert.Equal(InvalidParameter, Attach(0, bytes));
        Assert.Equal(InvalidParameter, Attach(2, bytes));
        Assert.Equal(InvalidParameter, Attach(1, bytes - 1));
        Assert.Equal(InvalidParameter, Attach(16385, 16385 * 16));
        Assert.Equal(InvalidParameter, Attach(Max, bytes));
        Assert.Equal(InvalidParameter, Attach(0x1000_0001, bytes)); // times 16 wraps to 16
        Assert.Equal(OkNoData, Attach(1, bytes));
    }

    [Fact]
    public void A_page_list_of_16384_entries_is_fine()
    {
        var pages = new GuestPages[16384];
        for (var i = 0; i < pages.Length; i++)
            pages[i] = new GuestPages(GpuHarness.Pixels + ((ulong)(16383 - i) * 16), 16);
        Assert.Equal(OkNoData, _gpu.Create2D(1, 1024, 64));
        Assert.Equal(OkNoData, _gpu.Attach(1, pages));
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(0, 0, 1024, 64), 0));
    }

    [Theory]
    [InlineData(GpuHarness.Pixels, 0u)] // no bytes
    [InlineData(GpuHarness.RamBytes, 4096u)] // outside
    [InlineData(GpuHarness.RamBytes - 100, 101u)] // over the edge
    [InlineData(0xffff_ffff_ffff_f000ul, 4096u)] // wraps
    [InlineData(0xffff_ffff_ffff_ffffu, 1u)]
    [InlineData(0xfe00_0000ul, 0x1000u)] // another device's BAR
    public void A_page_that_is_not_in_guest_RAM_is_refused(ulong address, uint length)
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(InvalidParameter, _gpu.Attach(1, s_page, new GuestPages(address, length)));
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(2, 4096, s_page, new GuestPages(address, length)));
        Assert.Equal(1, _gpu.Device.ResourceCount);
    }

    [Fact]
    public void Pages_may_overlap()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(OkNoData, _gpu.Attach(1, s_page, s_page, s_page));
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0));
    }

    [Fact]
    public void Attaching_twice_and_detaching_nothing_are_refused()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(Unspecified, _gpu.Detach(1));
        Assert.Equal(OkNoData, _gpu.Attach(1, s_page));
        Assert.Equal(Unspecified, _gpu.Attach(1, s_page));
        Assert.Equal(OkNoData, _gpu.Detach(1));
        Assert.Equal(Unspecified, _gpu.Detach(1));
    }

    [Theory]
    [InlineData(4ul)] // the last row ends a pixel after the pages
    [InlineData(0xffff_fffful)]
    [InlineData(0xffff_ffff_ffff_fffful)]
    [InlineData(0xffff_ffff_ffff_c000ul)] // plus 16384 wraps to 0
    public void A_transfer_from_beyond_the_pages_is_refused(ulong offset)
    {
        _gpu.Show2D(1, 64, 64);
        Assert.Equal(InvalidParameter, _gpu.Transfer(1, new WireRect(0, 0, 64, 64), offset));
        Assert.Equal(0, _gpu.Statistics.BytesCopied);
    }

    [Fact]
    public void A_transfer_without_pages_is_refused()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(Unspecified, _gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0));
    }

    [Fact]
    public void A_transfer_from_memory_that_the_VMM_took_away_is_refused()
    {
        _gpu.Show2D(1, 64, 64, GpuHarness.RegionBytes + 4096);
        _gpu.ShowBlob(2, 64, 64, GpuHarness.RegionBytes + 65536, scanout: 1);
        Assert.True(_gpu.Memory.TryRemove(GpuHarness.RegionBytes, GpuHarness.VmmAddress + GpuHarness.RegionBytes, GpuHarness.RegionBytes));
        _gpu.Device.MemoryChanged();
        Assert.Equal(InvalidParameter, _gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(InvalidParameter, _gpu.Flush(2, new WireRect(0, 0, 64, 64)));
    }

    [Theory]
    [InlineData(0u, 2u)]
    [InlineData(2u, 2u)] // HOST3D
    [InlineData(3u, 2u)] // HOST3D_GUEST
    [InlineData(Max, 2u)]
    [InlineData(1u, 8u)]
    [InlineData(1u, Max)]
    public void A_blob_that_is_not_the_guests_memory_is_refused(uint memory, uint flags) =>
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(1, 4096, memory, flags, [s_page]));

    [Fact]
    public void A_blob_larger_than_its_pages_or_the_limit_or_empty_is_refused()
    {
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(1, 0, s_page));
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(1, (64 * 64 * 4) + 1, s_page));
        Assert.Equal(OutOfMemory, _gpu.CreateBlob(1, ulong.MaxValue, s_page));
        Assert.Equal(OutOfMemory, _gpu.CreateBlob(1, (1ul << 30) + 1, s_page));
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, 100, s_page)); // more pages than it needs
    }

    [Fact]
    public void More_than_a_gibibyte_of_pages_is_refused()
    {
        var pages = new GuestPages[33];
        Array.Fill(pages, new GuestPages(0, 1 << 25));
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(OutOfMemory, _gpu.Attach(1, pages));
        Assert.Equal(OkNoData, _gpu.Attach(1, pages.AsSpan(0, 32)));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0x200u)]
    [InlineData(0x201u)]
    [InlineData(0x202u)]
    [InlineData(0x203u)]
    [InlineData(0x204u)]
    [InlineData(0x205u)]
    [InlineData(0x206u)]
    [InlineData(0x207u)]
    [InlineData(0x208u)]
    [InlineData(0x209u)]
    [InlineData(0x10eu)]
    [InlineData(0x300u)] // of the other queue
    [InlineData(0x301u)]
    [InlineData(0x1100u)]
    [InlineData(Max)]
    public void A_command_of_another_device_or_queue_is_refused(uint type)
    {
        var answer = _gpu.Send(type, new byte[72], fence: 77);
        Assert.Equal(Unspecified, answer.Type);
        Assert.Equal((1u, 77ul, 24L), (answer.Flags, answer.FenceId, answer.UsedLength));
    }

    [Fact]
    public void Capability_sets_are_refused_since_there_are_none()
    {
        Assert.Equal(InvalidParameter, _gpu.Send((uint)VirtioGpuCommandType.GetCapsetInfo, GpuHarness.Words(0, 0)).Type);
        Assert.Equal(InvalidParameter, _gpu.Send((uint)VirtioGpuCommandType.GetCapset, GpuHarness.Words(1, 0)).Type);
    }

    [Fact]
    public void Commands_of_features_that_were_not_accepted_are_refused()
    {
        _gpu.Device.SetFeatures(0);
        Assert.Equal(Unspecified, _gpu.Send((uint)VirtioGpuCommandType.GetEdid, GpuHarness.Words(0, 0)).Type);
        Assert.Equal(Unspecified, _gpu.CreateBlob(1, 4096, s_page));
        Assert.Equal(Unspecified, _gpu.SetScanoutBlob(0, 1, new WireRect(0, 0, 64, 64), 64, 64, 256));
        Assert.Equal(Unspecified, _gpu.Send((uint)VirtioGpuCommandType.ResourceAssignUuid, GpuHarness.Words(1, 0)).Type);
        _gpu.Device.SetFeatures(1 << 3);
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(1, 4096, 1, flags: 4, [s_page])); // CROSS_DEVICE needs names
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, 4096, 1, flags: 3, [s_page]));
    }

    [Fact]
    public void What_was_not_offered_cannot_be_accepted()
    {
        using var gpu = new GpuHarness(new VirtioGpuOptions { OfferBlob = false, OfferUuid = false, OfferEdid = false });
        Assert.Equal(0ul, gpu.Device.DeviceFeatures);
        Assert.Equal(Unspecified, gpu.CreateBlob(1, 4096, s_page));
        Assert.Equal(Unspecified, gpu.Send((uint)VirtioGpuCommandType.GetEdid, GpuHarness.Words(0, 0)).Type);
    }

    [Fact]
    public void Resources_stop_at_the_limit_and_go_on_below_it()
    {
        using var gpu = new GpuHarness(limits: new Limits { MaxResources = 100 });
        for (uint id = 1; id <= 100; id++)
            Assert.Equal(OkNoData, gpu.Create2D(id, 1, 1));
        Assert.Equal(OutOfMemory, gpu.Create2D(101, 1, 1));
        Assert.Equal(OutOfMemory, gpu.CreateBlob(101, 4096, s_page));
        Assert.Equal(OkNoData, gpu.Unref(50));
        Assert.Equal(OkNoData, gpu.Create2D(101, 1, 1));
    }

    [Fact]
    public void Page_list_entries_are_bounded_over_all_resources()
    {
        using var gpu = new GpuHarness(limits: new Limits { MaxTotalBackingEntries = 5 });
        GuestPages[] scattered = [new(GpuHarness.Pixels, 4096), new(GpuHarness.Pixels + 8192, 4096), new(GpuHarness.Pixels + 16384, 4096)];
        for (uint id = 1; id <= 3; id++)
            Assert.Equal(OkNoData, gpu.Create2D(id, 16, 16));
        Assert.Equal(OkNoData, gpu.Attach(1, scattered));
        Assert.Equal(OutOfMemory, gpu.Attach(2, scattered));
        Assert.Equal(OkNoData, gpu.Unref(1));
        Assert.Equal(OkNoData, gpu.Attach(2, scattered));
        Assert.Equal(OutOfMemory, gpu.CreateBlob(4, 4096, scattered));
        Assert.Equal(OkNoData, gpu.Detach(2));
        Assert.Equal(OkNoData, gpu.CreateBlob(4, 4096, scattered));
    }

    [Fact]
    public void Adjacent_entries_count_once()
    {
        using var gpu = new GpuHarness(limits: new Limits { MaxTotalBackingEntries = 1 });
        Assert.Equal(OkNoData, gpu.Create2D(1, 64, 64));
        Assert.Equal(OkNoData, gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 4096), new GuestPages(GpuHarness.Pixels + 4096, 12288)));
    }

    [Fact]
    public void Host_memory_for_pixels_is_bounded()
    {
        using var gpu = new GpuHarness(limits: new Limits { MaxHostPixelBytes = 2 * 64 * 64 * 4 });
        Assert.Equal(OkNoData, gpu.Create2D(1, 64, 64));
        Assert.Equal(OkNoData, gpu.Create2D(2, 64, 64));
        Assert.Equal(OutOfMemory, gpu.Create2D(3, 1, 1));
        Assert.Equal(OkNoData, gpu.Unref(1));
        Assert.Equal(OkNoData, gpu.Create2D(3, 1, 1));
    }

    [Fact]
    public void A_blob_that_finds_no_host_memory_is_refused_at_its_flush()
    {
        using var gpu = new GpuHarness(limits: new Limits { MaxHostPixelBytes = 1000 });
        gpu.ShowBlob(1, 64, 64);
        Assert.Equal(OutOfMemory, gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        gpu.Run(100_000_000);
        Assert.Empty(gpu.Display.Frames);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(23)]
    public void A_request_shorter_than_a_header_is_refused(int length)
    {
        var slot = _gpu.Control.Post(new byte[length], 0, 0, 24);
        _gpu.Kick();
        Assert.Equal(Unspecified, _gpu.Answer(slot).Type);
    }

    [Fact]
    public void A_request_shorter_than_its_struct_is_refused()
    {
        for (uint type = 0x100; type <= 0x10d; type++)
        {
            if (type == 0x100)
                continue; // has no body
            var answer = _gpu.Send(type, new byte[7], fence: 5);
            Assert.True(answer.Type >= Unspecified, $"0x{type:x} was taken");
            Assert.Equal(5ul, answer.FenceId);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(23, 23)]
    [InlineData(24, 24)]
    [InlineData(100, 100)]
    [InlineData(2048, 408)]
    public void An_answer_is_cut_to_the_room_there_is(int room, int expected)
    {
        var slot = _gpu.Post((uint)VirtioGpuCommandType.GetDisplayInfo, [], replyBytes: room);
        _gpu.Kick();
        Assert.Equal(expected, _gpu.Control.UsedLength(slot));
        var reply = new byte[2048];
        _gpu.Control.ReadReply(slot, reply);
        Assert.Equal(-1, reply.AsSpan(expected).IndexOfAnyExcept((byte)0xee));
    }

    [Fact]
    public void An_error_has_no_payload()
    {
        _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, []);
        Assert.Equal(24, _gpu.Send((uint)VirtioGpuCommandType.GetEdid, GpuHarness.Words(99, 0)).UsedLength);
    }

    [Fact]
    public void Small_pictures_take_no_more_descriptors_than_the_limit()
    {
        using var gpu = new GpuHarness(limits: new Limits { MaxHostStorages = 5 });
        var pixel = new WireRect(0, 0, 1, 1);
        for (uint id = 1; id <= 8; id++)
        {
            GpuHarness.Require(gpu.Create2D(id, 1, 1));
            GpuHarness.Require(gpu.Attach(id, new GuestPages(GpuHarness.Pixels, 4)));
            Assert.Equal(id <= 5 ? OkNoData : OutOfMemory, gpu.Transfer(id, pixel, 0));
        }

        Assert.Equal(OkNoData, gpu.Unref(3));
        Assert.Equal(OkNoData, gpu.Transfer(7, pixel, 0)); // what is given up makes room
        Assert.Equal(OutOfMemory, gpu.Transfer(8, pixel, 0));
    }

    [Fact]
    public void A_million_resources_are_refused_from_the_limit_on_and_cost_nothing_more()
    {
        using var gpu = new GpuHarness();
        var made = 0;
        for (uint id = 1; id <= 1_000_000; id++)
        {
            var answer = gpu.Create2D(id, 16, 16);
            made += answer == OkNoData ? 1 : 0;
            if (answer is not (OkNoData or OutOfMemory))
                Assert.Fail($"resource {id} was answered with {answer}");
        }

        Assert.Equal(gpu.Limits.MaxResources, made);
        Assert.Equal(gpu.Limits.MaxResources, gpu.Device.ResourceCount);
        Assert.Equal((ulong)made * 16 * 16 * 4, gpu.Device.HostPixelBytes);
        Assert.Equal(OkNoData, gpu.Unref(1));
        Assert.Equal(OkNoData, gpu.Create2D(1, 16, 16));
    }
}
