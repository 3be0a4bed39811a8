// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>Every command as a driver means it; pixels are compared one by one.</summary>
public sealed class GpuCommandTests : IDisposable
{
    private readonly GpuHarness _gpu = new();

    public void Dispose() => _gpu.Dispose();

    [Fact]
    public void A_2D_resource_shows_what_was_transferred_and_flushed()
    {
        var picture = Picture.Make(64, 48);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Show2D(7, 64, 48);
        Assert.Equal(OkNoData, _gpu.Transfer(7, new WireRect(0, 0, 64, 48), 0));
        Assert.Empty(_gpu.Display.Frames);
        Assert.Equal(OkNoData, _gpu.Flush(7, new WireRect(0, 0, 64, 48)));
        var frame = Assert.Single(_gpu.Display.Frames);
        Assert.Equal(picture, frame.Pixels);
        Assert.Equal(new BufferRect(0, 0, 64, 48), frame.Source);
        Assert.Equal(new BufferRect(0, 0, 64, 48), frame.Damage.Bounds);
        Assert.Equal(DrmFormat.Xrgb8888, frame.View.Format);
        Assert.Equal(256u, frame.View.Plane(0).StrideBytes);
        Assert.Equal(1ul, frame.Serial);
        Assert.Equal(64 * 48 * 4, _gpu.Statistics.BytesCopied);
        Assert.Equal(Rung.Copy, _gpu.Statistics.Rung.Rung);
        Assert.Contains("2D resource", _gpu.Statistics.Rung.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1u, "XR24")]
    [InlineData(2u, "XR24")]
    [InlineData(3u, "BX24")]
    [InlineData(4u, "BX24")]
    [InlineData(67u, "XB24")]
    [InlineData(68u, "RX24")]
    [InlineData(121u, "RX24")]
    [InlineData(134u, "XB24")]
    public void Every_format_is_presented_opaque_with_its_bytes_untouched(uint format, string fourcc)
    {
        var picture = Picture.Make(32, 16);
        _gpu.Draw(GpuHarness.Pixels, picture);
        Assert.Equal(OkNoData, _gpu.Create2D(1, 32, 16, format));
        Assert.Equal(OkNoData, _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 32 * 16 * 4)));
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 1, new WireRect(0, 0, 32, 16)));
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(0, 0, 32, 16), 0));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 32, 16)));
        Assert.Equal(fourcc, _gpu.Display.Last.View.Format.ToString());
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
    }

    [Fact]
    public void A_transfer_copies_its_rectangle_and_nothing_else()
    {
        _gpu.Show2D(1, 64, 64);
        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Transfer(1, new WireRect(8, 4, 20, 10), (8 * 4) + (4 * 256)); // Linux: offset = x*4 + y*pitch
        _gpu.Flush(1, new WireRect(8, 4, 20, 10));
        var expected = new uint[64 * 64];
        for (var y = 4; y < 14; y++)
            Array.Copy(picture, (y * 64) + 8, expected, (y * 64) + 8, 20);
        Assert.Equal(expected, _gpu.Display.Last.Pixels);
        Assert.Equal(20 * 10 * 4, _gpu.Statistics.BytesCopied);
    }

    [Fact]
    public void A_transfer_may_read_from_any_offset_of_the_pages()
    {
        _gpu.Show2D(1, 64, 64);
        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Transfer(1, new WireRect(0, 0, 16, 2), 12); // three pixels into the pages
        _gpu.Flush(1, new WireRect(0, 0, 16, 2));
        Assert.Equal(picture[3..19], _gpu.Display.Last.Pixels[..16]);
        Assert.Equal(picture[67..83], _gpu.Display.Last.Pixels[64..80]);
    }

    [Fact]
    public void Pages_may_be_scattered_unaligned_and_out_of_order()
    {
        var picture = Picture.Make(64, 32);
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(picture.AsSpan());
        uint[] lengths = [1, 4095, 3, 517, 1000, 2576];
        var pages = new GuestPages[lengths.Length];
        var done = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            pages[i] = new GuestPages(GpuHarness.Pixels + ((ulong)(lengths.Length - i) * 10_007), lengths[i]);
            _gpu.Write(pages[i].Address, bytes.Slice(done, (int)lengths[i]));
            done += (int)lengths[i];
        }

        Assert.Equal(bytes.Length, done);
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 32));
        Assert.Equal(OkNoData, _gpu.Attach(1, pages));
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 1, new WireRect(0, 0, 64, 32)));
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(0, 0, 64, 32), 0));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 32)));
        Assert.Equal(picture, _gpu.Display.Last.Pixels);

        // Backwards and by part, so that the search is used and not only the cursor.
        for (var y = 31; y >= 0; y--)
            Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(5, (uint)y, 40, 1), ((ulong)y * 256) + 20));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 32)));
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
    }

    [Fact]
    public void Pages_may_cross_from_one_region_into_the_next()
    {
        var picture = Picture.Make(64, 64);
        var address = GpuHarness.RegionBytes - 5000;
        _gpu.Draw(address, picture);
        _gpu.Show2D(1, 64, 64, address);
        _gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0);
        _gpu.Flush(1, new WireRect(0, 0, 64, 64));
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
    }

    [Fact]
    public void One_resource_can_be_on_two_scanouts_at_different_places()
    {
        var picture = Picture.Make(128, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Show2D(1, 128, 64);
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(OkNoData, _gpu.SetScanout(1, 1, new WireRect(64, 16, 64, 48)));
        _gpu.Transfer(1, new WireRect(0, 0, 128, 64), 0);
        _gpu.Flush(1, new WireRect(0, 0, 128, 64));
        Assert.Equal(2, _gpu.Display.Frames.Count);
        Assert.Equal(Picture.Crop(picture, 128, 0, 0, 64, 64), _gpu.Display.Frames[0].Pixels);
        Assert.Equal(Picture.Crop(picture, 128, 64, 16, 64, 48), _gpu.Display.Frames[1].Pixels);
        Assert.Equal(new BufferRect(64, 16, 64, 48), _gpu.Display.Frames[1].Source);
        Assert.NotEqual(_gpu.Display.Frames[0].Serial, _gpu.Display.Frames[1].Serial);

        // Damage that only one of them shows makes one frame.
        _gpu.Flush(1, new WireRect(70, 20, 10, 10));
        Assert.Equal(3, _gpu.Display.Frames.Count);
        Assert.Equal(1, _gpu.Display.Last.Scanout);
        Assert.Equal(new BufferRect(70, 20, 10, 10), _gpu.Display.Last.Damage.Bounds);
    }

    [Fact]
    public void Damage_is_cut_to_the_scanout()
    {
        _gpu.Show2D(1, 128, 64);
        _gpu.SetScanout(0, 1, new WireRect(32, 0, 64, 64));
        _gpu.Flush(1, new WireRect(0, 0, 128, 64));
        _gpu.Flush(1, new WireRect(0, 10, 40, 10));
        Assert.Equal(new BufferRect(32, 10, 8, 10), _gpu.Display.Last.Damage.Bounds);
        var frames = _gpu.Display.Frames.Count;
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 32, 64))); // not on screen: fine, and no frame
        Assert.Equal(frames, _gpu.Display.Frames.Count);
    }

    [Fact]
    public void A_flip_to_another_resource_damages_all()
    {
        var a = Picture.Make(64, 64, 1);
        var b = Picture.Make(64, 64, 2);
        _gpu.Draw(GpuHarness.Pixels, a);
        _gpu.Draw(GpuHarness.Pixels + 65536, b);
        _gpu.Show2D(1, 64, 64);
        _gpu.Show2D(2, 64, 64, GpuHarness.Pixels + 65536);
        var whole = new WireRect(0, 0, 64, 64);
        _gpu.Transfer(1, whole, 0);
        _gpu.Transfer(2, whole, 0);
        for (uint i = 0; i < 4; i++)
        {
            _gpu.SetScanout(0, 1 + (i % 2), whole);
            _gpu.Flush(1 + (i % 2), new WireRect(3, 3, 1, 1));
            Assert.Equal(i % 2 == 0 ? a : b, _gpu.Display.Last.Pixels);
            Assert.Equal(new BufferRect(0, 0, 64, 64), _gpu.Display.Last.Damage.Bounds);
        }
    }

    [Fact]
    public void Set_scanout_without_a_flush_shows_the_resource_after_a_refresh()
    {
        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Show2D(1, 64, 64);
        _gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0);
        _gpu.Run(19_000_000);
        Assert.Empty(_gpu.Display.Frames);
        _gpu.Run(2_000_000);
        Assert.Equal(picture, Assert.Single(_gpu.Display.Frames).Pixels);
        _gpu.Run(100_000_000);
        Assert.Single(_gpu.Display.Frames);

        // The same values again are no news.
        _gpu.SetScanout(0, 1, new WireRect(0, 0, 64, 64));
        _gpu.Run(100_000_000);
        Assert.Single(_gpu.Display.Frames);
    }

    [Fact]
    public void Turning_a_scanout_off_tells_the_display_once()
    {
        _gpu.Show2D(1, 64, 64);
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 0, new WireRect(0, 0, 64, 64)));
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 0, default));
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(1, 0, default, 0, 0, 0));
        Assert.Equal([0], _gpu.Display.Disabled);
        _gpu.Run(100_000_000);
        Assert.Empty(_gpu.Display.Frames);
    }

    [Fact]
    public void Unref_of_a_shown_resource_turns_its_scanouts_off_first()
    {
        _gpu.Show2D(1, 64, 64);
        _gpu.SetScanout(1, 1, new WireRect(0, 0, 32, 32));
        Assert.Equal(OkNoData, _gpu.Unref(1));
        Assert.Equal([0, 1], _gpu.Display.Disabled);
        Assert.Equal(0, _gpu.Device.ResourceCount);
        Assert.Equal(0ul, _gpu.Device.HostPixelBytes);
    }

    [Fact]
    public void Detach_of_a_shown_2D_resource_keeps_its_picture()
    {
        var picture = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.Show2D(1, 64, 64);
        _gpu.Transfer(1, new WireRect(0, 0, 64, 64), 0);
        Assert.Equal(OkNoData, _gpu.Detach(1));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
        Assert.Equal(OkNoData, _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 64 * 64 * 4)));
    }

    [Fact]
    public void A_blob_is_copied_at_its_flush()
    {
        var picture = Picture.Make(64, 48);
        _gpu.Draw(GpuHarness.Pixels, picture);
        _gpu.ShowBlob(1, 64, 48);
        Assert.Equal(OkNoData, _gpu.Transfer(1, new WireRect(0, 0, 64, 48), 0)); // Linux always sends it
        Assert.Equal(0, _gpu.Statistics.BytesCopied);
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 48)));
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
        Assert.Equal(64 * 48 * 4, _gpu.Statistics.BytesCopied);

        _gpu.Draw(GpuHarness.Pixels + (10 * 256) + 40, [0xabcdef, 0x123456]);
        _gpu.Flush(1, new WireRect(10, 10, 2, 1));
        picture[(10 * 64) + 10] = 0xabcdef;
        picture[(10 * 64) + 11] = 0x123456;
        Assert.Equal(picture, _gpu.Display.Last.Pixels);
        Assert.Equal(new BufferRect(10, 10, 2, 1), _gpu.Display.Last.Damage.Bounds);
        Assert.Equal((64 * 48 * 4) + 8, _gpu.Statistics.BytesCopied);
    }

    [Fact]
    public void A_blob_may_hold_its_picture_anywhere_with_any_stride()
    {
        // 100x40 pixels with a stride of 512 from byte 1000 on; 50x30 of them from (20, 5) are shown.
        var blob = new byte[1000 + (512 * 40)];
        new Random(5).NextBytes(blob);
        _gpu.Write(GpuHarness.Pixels, blob);
        Assert.Equal(OkNoData, _gpu.CreateBlob(3, (ulong)blob.Length, new GuestPages(GpuHarness.Pixels, (uint)blob.Length)));
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(2, 3, new WireRect(20, 5, 50, 30), 100, 40, 512, 1000, 67));
        Assert.Equal(OkNoData, _gpu.Flush(3, new WireRect(0, 0, 100, 40)));
        var frame = _gpu.Display.Last;
        Assert.Equal(2, frame.Scanout);
        Assert.Equal(DrmFormat.Xbgr8888, frame.View.Format);
        for (var y = 0; y < 30; y++)
        {
            for (var x = 0; x < 50; x++)
                Assert.Equal(BinaryPrimitives.ReadUInt32LittleEndian(blob.AsSpan(1000 + ((5 + y) * 512) + ((20 + x) * 4))), frame.Pixels[(y * 50) + x]);
        }

        _gpu.Flush(3, new WireRect(0, 0, 30, 10));
        Assert.Equal(new BufferRect(0, 0, 10, 5), _gpu.Display.Last.Damage.Bounds);
    }

    [Fact]
    public void A_flip_between_blobs_copies_the_whole_picture_whatever_the_damage_says()
    {
        var a = Picture.Make(64, 64, 1);
        var b = Picture.Make(64, 64, 2);
        _gpu.Draw(GpuHarness.Pixels, a);
        _gpu.Draw(GpuHarness.Pixels + 65536, b);
        _gpu.ShowBlob(1, 64, 64);
        _gpu.ShowBlob(2, 64, 64, GpuHarness.Pixels + 65536);
        for (uint i = 0; i < 6; i++)
        {
            _gpu.SetScanoutBlob(0, 1 + (i % 2), new WireRect(0, 0, 64, 64), 64, 64, 256);
            _gpu.Flush(1 + (i % 2), new WireRect(1, 1, 1, 1));
            Assert.Equal(i % 2 == 0 ? a : b, _gpu.Display.Last.Pixels);
            Assert.Equal(new BufferRect(0, 0, 64, 64), _gpu.Display.Last.Damage.Bounds);
        }
    }

    [Fact]
    public void A_blob_gets_its_pages_later()
    {
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, 64 * 64 * 4));
        Assert.Equal(Unspecified, _gpu.SetScanoutBlob(0, 1, new WireRect(0, 0, 64, 64), 64, 64, 256));
        Assert.Equal(InvalidParameter, _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 4096)));
        Assert.Equal(OkNoData, _gpu.Attach(1, new GuestPages(GpuHarness.Pixels, 64 * 64 * 4)));
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(0, 1, new WireRect(0, 0, 64, 64), 64, 64, 256));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(OkNoData, _gpu.Detach(1));
        Assert.Equal(Unspecified, _gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        Assert.Equal(OkNoData, _gpu.Unref(1));
    }

    [Fact]
    public void The_reason_for_copying_a_blob_is_the_exporters()
    {
        _gpu.ShowBlob(1, 64, 64);
        Assert.Equal(Rung.Copy, _gpu.Statistics.Rung.Rung);
        Assert.Contains("guest blobs are copied", _gpu.Statistics.Rung.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_uuid_is_random_and_stays()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(OkNoData, _gpu.Create2D(2, 64, 64));
        var first = _gpu.Send((uint)VirtioGpuCommandType.ResourceAssignUuid, GpuHarness.Words(1, 0));
        var again = _gpu.Send((uint)VirtioGpuCommandType.ResourceAssignUuid, GpuHarness.Words(1, 0));
        var other = _gpu.Send((uint)VirtioGpuCommandType.ResourceAssignUuid, GpuHarness.Words(2, 0));
        Assert.Equal(OkResourceUuid, first.Type);
        Assert.Equal(40, first.UsedLength);
        Assert.Equal(first.Payload, again.Payload);
        Assert.NotEqual(first.Payload, other.Payload);
        Assert.Equal(4, first.Payload[6] >> 4); // version 4
        Assert.Equal(2, first.Payload[8] >> 6); // RFC 4122
    }

    [Fact]
    public void Display_info_names_the_enabled_scanouts()
    {
        var answer = _gpu.Send((uint)VirtioGpuCommandType.GetDisplayInfo, []);
        Assert.Equal(OkDisplayInfo, answer.Type);
        Assert.Equal(408, answer.UsedLength);
        uint At(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(answer.Payload.AsSpan(offset));
        Assert.Equal((1280u, 800u, 1u), (At(8), At(12), At(16)));
        Assert.True(answer.Payload.AsSpan(24).IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void A_flush_of_a_resource_that_no_scanout_shows_is_fine()
    {
        Assert.Equal(OkNoData, _gpu.Create2D(1, 64, 64));
        Assert.Equal(OkNoData, _gpu.Flush(1, new WireRect(0, 0, 64, 64)));
        Assert.Empty(_gpu.Display.Frames);
    }

    [Fact]
    public void A_request_may_be_longer_than_its_struct()
    {
        var answer = _gpu.Send((uint)VirtioGpuCommandType.ResourceCreate2D, GpuHarness.Words(9, 2, 64, 64, 1, 2, 3, 4));
        Assert.Equal(OkNoData, answer.Type);
    }
}
