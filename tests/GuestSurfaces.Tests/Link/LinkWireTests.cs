// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Link;
using GuestSurfaces.Link.Wire;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>The bytes of docs/link.md.</summary>
public sealed class LinkWireTests
{
    [Fact]
    public void A_hello_is_these_bytes()
    {
        var writer = new LinkWriter();
        writer.Begin(LinkOpcode.ViewerHello);
        writer.Put(new HelloBody { Magic = HelloBody.GoodMagic, OldestVersion = 1, NewestVersion = 2, Features = 3, Wishes = 0x201 });
        writer.PutText("Fedora", LinkLimits.NameBytes);
        writer.End();
        Check(writer, "01802000 00000000 47534c4b 0100 0200 03000000 01020000 0600 4665646f7261");
    }

    [Fact]
    public void A_frame_is_these_bytes()
    {
        var writer = new LinkWriter();
        writer.Begin(LinkOpcode.Frame, 5);
        writer.Put(new FrameBody
        {
            View = 7,
            Flags = FrameBody.BottomUp | FrameBody.Awaited,
            Crop = new WireRectangle { X = 1, Y = 2, Width = 3, Height = 4 },
            Serial = 0x1122_3344_5566_7788,
            PoppedNs = 9,
            TargetNs = 10,
            DamageRects = 1,
        });
        writer.Put(new WireRectangle { X = -1, Y = 6, Width = 7, Height = 8 });
        writer.End();
        Check(
            writer,
            "22005000 05000000 07000000 05000000 01000000 02000000 03000000 04000000 8877665544332211 0900000000000000 0a00000000000000 01000000 00000000 ffffffff 06000000 07000000 08000000");
    }

    [Fact]
    public void Storages_views_and_cursors_are_these_bytes()
    {
        var writer = new LinkWriter();
        writer.Write(LinkOpcode.StorageAdd, 1, new StorageAddBody { Kind = StorageAddBody.Memory, Planes = 1 });
        writer.Write(LinkOpcode.Cursor, 2, new CursorBody { View = 3, HotX = 4, HotY = 5, X = -6, Y = 7 });
        writer.Write(LinkOpcode.Released, 1, new ReleasedBody { Locks = 2 });
        writer.Write(LinkOpcode.Latched, 2, new LatchedBody { Serial = 1, CommittedNs = 2, LatchedNs = 3 });
        Check(
            writer,
            "10001000 01000000 02010000 00000000 24002000 02000000 03000000 00000000 04000000 05000000 faffffff 07000000"
            + "22801000 01000000 02000000 00000000 20802000 02000000 0100000000000000 0200000000000000 0300000000000000");
        Assert.Equal(
            (32, 16, 16, 56, 24, 24, 16, 8),
            (Unsafe.SizeOf<ViewAddBody>(), Unsafe.SizeOf<ViewPlane>(), Unsafe.SizeOf<SurfaceBody>(), Unsafe.SizeOf<FrameBody>(), Unsafe.SizeOf<ModeBody>(), Unsafe.SizeOf<CursorBody>(), Unsafe.SizeOf<HelloBody>(), Unsafe.SizeOf<ReportBody>()));
    }

    [Fact]
    public void Texts_are_cut_between_characters_and_read_without_control_characters()
    {
        var bytes = new byte[LinkText.MaxBytes(8)];
        Assert.Equal(16, LinkText.Write(bytes, "aaaaaaa\u00e9", 8)); // the last would be the ninth byte
        Assert.True(LinkText.TryRead(bytes, 8, out var text, out var used));
        Assert.Equal(("aaaaaaa", 16), (text, used));
        Assert.False(LinkText.TryRead(bytes, 6, out _, out _));
        Assert.False(LinkText.TryRead(bytes.AsSpan(0, 8), 8, out _, out _));
        LinkText.Write(bytes, "a\u001b[b\u0085", 8);
        Assert.True(LinkText.TryRead(bytes, 8, out text, out _));
        Assert.Equal("a\ufffd[b\ufffd", text);
    }

    [Theory]
    [InlineData("0100")]
    [InlineData("01000000 00000000")]
    [InlineData("01000c00 00000000 00000000")]
    [InlineData("01001000 00000000")]
    [InlineData("01000110 00000000")]
    public void What_is_no_message_is_told_apart(string hex)
    {
        var reader = new LinkReader(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        Assert.False(reader.TryNext(out _));
        Assert.True(reader.IsMalformed);
    }

    private static void Check(LinkWriter writer, string hex) =>
        Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant(), Convert.ToHexString(writer.Packet));
}
