// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>The cursor queue, with and without room for answers.</summary>
public sealed class GpuCursorTests : IDisposable
{
    private readonly GpuHarness _gpu = new();

    public void Dispose() => _gpu.Dispose();

    [Fact]
    public void A_cursor_shows_its_resource_with_alpha_at_its_hotspot()
    {
        var image = MakeCursor(5, 64, 64);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 1, -3, 200, 5, hotX: 7, hotY: 9);
        var cursor = Assert.Single(_gpu.Display.Cursors);
        Assert.Equal(image, cursor.Pixels);
        Assert.Equal((1, -3, 200, 7, 9), (cursor.Scanout, cursor.X, cursor.Y, cursor.Image.HotX, cursor.Image.HotY));
        Assert.Equal(new BufferSize(64, 64), cursor.Image.Size);
        Assert.Equal(0, _gpu.Cursor.Queue.InFlight);
    }

    [Theory]
    [InlineData(1u, 0xAABBCCDDu)]
    [InlineData(2u, 0xAABBCCDDu)]
    [InlineData(3u, 0xDDCCBBAAu)]
    [InlineData(4u, 0xDDCCBBAAu)]
    [InlineData(67u, 0xAADDCCBBu)]
    [InlineData(134u, 0xAADDCCBBu)]
    [InlineData(121u, 0xBBCCDDAAu)]
    [InlineData(68u, 0xBBCCDDAAu)]
    public void A_cursor_of_any_format_arrives_as_ARGB(uint format, uint stored)
    {
        // A = AA, R = BB, G = CC, B = DD, stored in the order of the format.
        MakeCursor(5, 64, 64, format, stored);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 0, 0, 5);
        Assert.All(_gpu.Display.Last().Pixels, p => Assert.Equal(0xAABBCCDDu, p));
    }

    [Fact]
    public void A_cursor_can_be_a_blob()
    {
        var image = Picture.Make(64, 64);
        _gpu.Draw(GpuHarness.Pixels, image);
        Assert.Equal(OkNoData, _gpu.CreateBlob(5, 16384, new GuestPages(GpuHarness.Pixels, 16384)));
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 2, 5);
        Assert.Equal(image, _gpu.Display.Last().Pixels);
    }

    [Fact]
    public void Resource_0_hides_the_cursor()
    {
        MakeCursor(5, 64, 64);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 2, 5);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 2, 0);
        Assert.Null(_gpu.Display.Last().Image.Storage);
    }

    [Fact]
    public void A_resource_may_go_before_the_cursor_is_moved()
    {
        MakeCursor(5, 64, 64);
        _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 1, 2, 5);
        Assert.Equal(OkNoData, _gpu.Unref(5));
        _gpu.SendCursor(VirtioGpuCommandType.MoveCursor, 0, 30, 40, 5);
        Assert.Equal((0, 30, 40), Assert.Single(_gpu.Display.Moves));
    }

    [Theory]
    [InlineData(1u, 1u, true)]
    [InlineData(128u, 32u, true)]
    [InlineData(512u, 512u, true)]
    [InlineData(513u, 64u, false)]
    [InlineData(64u, 513u, false)]
    public void Cursors_have_any_size_up_to_512(uint width, uint height, bool fits)
    {
        MakeCursor(5, (int)width, (int)height);
        var slot = _gpu.PostCursor(VirtioGpuCommandType.UpdateCursor, 0, 0, 0, 5, 600, uint.MaxValue, replyBytes: 24);
        _gpu.KickCursor();
        Assert.Equal(fits ? OkNoData : InvalidParameter, GpuHarness.Answer(_gpu.Cursor, slot).Type);
        if (!fits)
        {
            Assert.Empty(_gpu.Display.Cursors);
            return;
        }

        Assert.Equal(((int)width - 1, (int)height - 1), (_gpu.Display.Last().Image.HotX, _gpu.Display.Last().Image.HotY));
    }

    [Fact]
    public void A_blob_too_small_or_without_pages_and_a_missing_resource_are_refused()
    {
        Assert.Equal(OkNoData, _gpu.CreateBlob(5, 16383, new GuestPages(GpuHarness.Pixels, 16384)));
        Assert.Equal(OkNoData, _gpu.CreateBlob(6, 16384));
        foreach (var (id, expected) in new[] { (5u, InvalidParameter), (6u, InvalidParameter), (7u, InvalidResourceId) })
        {
            var slot = _gpu.PostCursor(VirtioGpuCommandType.UpdateCursor, 0, 0, 0, id, replyBytes: 24);
            _gpu.KickCursor();
            Assert.Equal(expected, GpuHarness.Answer(_gpu.Cursor, slot).Type);
        }

        Assert.Empty(_gpu.Display.Cursors);
    }

    [Theory]
    [InlineData(int.MinValue, -16384)]
    [InlineData(-16384, -16384)]
    [InlineData(-70, -70)]
    [InlineData(16384, 16384)]
    [InlineData(int.MaxValue, 16384)]
    public void A_cursor_goes_no_farther_than_just_off_any_screen(int sent, int shown)
    {
        _gpu.SendCursor(VirtioGpuCommandType.MoveCursor, 0, sent, sent, 0);
        Assert.Equal((0, shown, shown), _gpu.Display.Moves[^1]);
    }

    [Fact]
    public void A_batch_of_moves_and_images_is_shown_once()
    {
        MakeCursor(5, 64, 64);
        for (var i = 0; i < 30; i++)
            _gpu.PostCursor(i % 3 == 0 ? VirtioGpuCommandType.UpdateCursor : VirtioGpuCommandType.MoveCursor, 0, i, i, 5);
        _gpu.KickCursor();
        Assert.Equal(29, Assert.Single(_gpu.Display.Cursors).X);
        Assert.Empty(_gpu.Display.Moves);
        Assert.Equal(30, _gpu.Cursor.Answers);

        for (var i = 0; i < 30; i++)
            _gpu.PostCursor(VirtioGpuCommandType.MoveCursor, 0, i, i, 5);
        _gpu.KickCursor();
        Assert.Equal((0, 29, 29), Assert.Single(_gpu.Display.Moves));
    }

    [Fact]
    public void A_cursor_that_is_still_read_is_not_overwritten()
    {
        _gpu.Display.Holds = true;
        var seen = new HashSet<BufferStorage>();
        for (uint i = 0; i < 4; i++)
        {
            MakeCursor(5 + i, 64, 64, value: i + 1);
            _gpu.SendCursor(VirtioGpuCommandType.UpdateCursor, 0, 0, 0, 5 + i);
            Assert.True(seen.Add(_gpu.Display.Last().Image.Storage!));
        }

        Assert.Equal(0, _gpu.Statistics.TornWrites);
        foreach (var cursor in _gpu.Display.Cursors)
            cursor.Image.Storage!.Unlock();
        _gpu.Display.Holds = false;
    }

    [Fact]
    public void A_control_command_on_the_cursor_queue_is_refused()
    {
        var slot = _gpu.Cursor.Post(_gpu.Compose(0x100, [], 3, 0, 0, 0), 0, 0, 24);
        _gpu.KickCursor();
        Assert.Equal((Unspecified, 3ul), (GpuHarness.Answer(_gpu.Cursor, slot).Type, GpuHarness.Answer(_gpu.Cursor, slot).FenceId));
    }

    private uint[] MakeCursor(uint id, int width, int height, uint format = 2, uint? value = null)
    {
        var image = Picture.Make(width, height, id);
        if (value is { } all)
            Array.Fill(image, all);
        _gpu.Draw(GpuHarness.Pixels, image);
        Assert.Equal(OkNoData, _gpu.Create2D(id, (uint)width, (uint)height, format));
        Assert.Equal(OkNoData, _gpu.Attach(id, new GuestPages(GpuHarness.Pixels, (uint)(width * height * 4))));
        Assert.Equal(OkNoData, _gpu.Transfer(id, new WireRect(0, 0, (uint)width, (uint)height), 0));
        return image;
    }
}

internal static class CursorDisplay
{
    public static ShownCursor Last(this RecordingDisplay display) => display.Cursors[^1];
}
