// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Link.Wire;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>One rule of docs/link.md broken at a time: the peer is disconnected, everything comes back, and nothing else happens.</summary>
[Collection(Alone.Name)]
public sealed class HostilePeerTests
{
    private const uint HelloWishes = (2 << HelloBody.CreditShift) | HelloBody.WantsControl;

    public static TheoryData<string> ViewerSins { get; } = new(s_viewerSins.Keys);

    public static TheoryData<string> SourceSins { get; } = new(s_sourceSins.Keys);

    private static Dictionary<string, Action<LinkWriter>> s_viewerSins => new()
    {
        ["answers frame 9"] = w => w.Write(LinkOpcode.Latched, 0, new LatchedBody { Serial = 9 }),
        ["answers frame 8"] = w => w.Write(LinkOpcode.Superseded, 0, new SupersededBody { Serial = 8 }),
        ["a LATCHED is malformed"] = w => w.Write(LinkOpcode.Latched, LinkLimits.Surfaces, new LatchedBody { Serial = 1 }),
        ["a SUPERSEDED is malformed"] = w => w.Write(LinkOpcode.Superseded, 0),
        ["a PRESENTED is malformed"] = w => w.Write(LinkOpcode.Presented, LinkLimits.Surfaces, new PresentedBody { Serial = 1 }),
        ["gives back 0 locks"] = w => w.Write(LinkOpcode.Released, 1, default(ReleasedBody)),
        ["gives back 2 locks"] = w => w.Write(LinkOpcode.Released, 1, new ReleasedBody { Locks = 2 }),
        ["locks on storage 77"] = w => w.Write(LinkOpcode.Released, 77, new ReleasedBody { Locks = 1 }),
        ["a mode of 0x600"] = w => w.Write(LinkOpcode.Mode, 0, new ModeBody { Height = 600 }),
        ["a mode of 800x600"] = w => w.Write(LinkOpcode.Mode, 0, new ModeBody { Width = 800, Height = 600, RefreshMilliHz = uint.MaxValue }),
        ["a REFRESH is malformed"] = w => w.Write(LinkOpcode.Refresh, 0, default(RefreshBody)),
        ["a CLOSE is malformed"] = w => w.Write(LinkOpcode.Close, uint.MaxValue),
        ["a REPORT is malformed"] = w => w.Write(LinkOpcode.ViewerReport, 0, new ReportBody { Rung = 9 }),
        ["a PLACEMENT is malformed"] = w => w.Write(LinkOpcode.ViewerPlacement, 0, new ReportBody { Rung = 9 }),
        ["a TALLY is malformed"] = w => w.Write(LinkOpcode.Tally, 0, new TallyBody { CopiedBytes = LinkLimits.TallyOf + 1 }),
        ["an INPUT is malformed"] = w => w.Write(LinkOpcode.Input, 0, new InputBody { Kind = 2, Events = 1 }),
        ["of type 1, code 768"] = w => Input(w, new WireInputEvent { Type = 1, Code = 768, Value = 1 }),
        ["of type 1, code 30"] = w => Input(w, new WireInputEvent { Type = 1, Code = 30, Value = 2 }),
        ["of type 3, code 47"] = w => Input(w, new WireInputEvent { Type = 3, Code = InputCodes.TouchSlot, Value = InputCodes.TouchSlots }),
        ["of type 3, code 57"] = w => Input(w, new WireInputEvent { Type = 3, Code = InputCodes.TouchId, Value = -2 }),
        ["of type 4, code 1"] = w => Input(w, new WireInputEvent { Type = 4, Code = 1, Value = 1 }),
        ["of type 0, code 0"] = w => Input(w, default),
        ["a REFUSED is malformed"] = w => w.Write(LinkOpcode.Refused, 1, new RefusedBody { Surface = 16 }),
        ["opcode 0x0022"] = w => w.Write(LinkOpcode.Frame, 0),
        ["opcode 0x8001"] = w => w.Write(LinkOpcode.ViewerHello),
        ["1 descriptors"] = w =>
        {
            w.Write((LinkOpcode)0xc001);
            w.PutFd(EventFdHandle.Create());
        },
    };

    private static Dictionary<string, Action<LinkWriter>> s_sourceSins => new()
    {
        ["a FRAME for surface 1"] = w => Frame(w, surface: 1),
        ["a FRAME for surface 99"] = w => Frame(w, surface: 99),
        ["frame 1 comes after 1: serials"] = w => Frame(w, serial: 1),
        ["has view 9, which"] = w => Frame(w, view: 9),
        ["shows 33x16"] = w => Frame(w, crop: new WireRectangle { Width = 33, Height = 16 }),
        ["shows 2147483647x"] = w => Frame(w, crop: new WireRectangle { X = 1, Width = int.MaxValue, Height = 1 }),
        ["lacks damage"] = w => Frame(w, rects: 3),
        ["is malformed"] = w => Frame(w, rects: 17),
        ["is no sync_file"] = w => Frame(w, flags: FrameBody.HasFence),
        ["than the credit of 2"] = w =>
        {
            Frame(w);
            Frame(w, serial: 3);
        },
        ["storage 1 comes after 1: ids"] = w => Storage(w, 1),
        ["storage 2 lacks descriptors"] = w => w.Write(LinkOpcode.StorageAdd, 2, new StorageAddBody { Kind = 2, Planes = 1 }),
        ["is of kind 3"] = w => Storage(w, 2, kind: 3),
        ["has 5 planes"] = w => Storage(w, 2, kind: 1, planes: 5),
        ["has 2 planes"] = w => Storage(w, 2, planes: 2),
        ["the file is no memfd"] = w => Storage(w, 2, file: EventFdHandle.Create()),
        ["is no dma-buf"] = w => Storage(w, 2, kind: 1, file: EventFdHandle.Create()),
        ["the memfd has 0 bytes"] = w => Storage(w, 2, file: MemFdHandle.TryCreateSealed("x", 0, out _)),
        ["can't be written"] = w => Storage(w, 2, file: MemFdHandle.TryCreate("x", 4096, FileSeals.Write | FileSeals.Shrink, out _)),
        ["drops storage 5"] = w => w.Write(LinkOpcode.StorageDrop, 5),
        ["drops view 5"] = w => w.Write(LinkOpcode.ViewDrop, 5),
        ["view 1 comes after 1"] = w => View(w, 1, 1, 32, 16, 128),
        ["is of storage 4"] = w => View(w, 2, 4, 32, 16, 128),
        ["reaches to byte 2176 of 2048"] = w => View(w, 2, 1, 32, 17, 128),
        ["has 16385x1 pixels"] = w => View(w, 2, 1, 16385, 1, 128),
        ["has a stride of 124"] = w => View(w, 2, 1, 32, 1, 124),
        ["has a stride of 4294967292"] = w => View(w, 2, 1, 32, 1, 0xffff_fffc),
        ["between two pixels"] = w => View(w, 2, 1, 8, 1, 129),
        ["reaches to byte 4294967324"] = w => View(w, 2, 1, 8, 1, 128, offset: 0xffff_fffc),
        ["four bytes each"] = w => View(w, 2, 1, 8, 1, 128, fourcc: 0x3631_4752),
        ["in a plane that its storage lacks"] = w => View(w, 2, 1, 8, 1, 128, plane: 1),
        ["no cursor looks like this"] = w => w.Write(LinkOpcode.Cursor, 0, new CursorBody { View = 1 }),
        ["a cursor has view 9"] = w => w.Write(LinkOpcode.Cursor, 0, new CursorBody { View = 9 }),
        ["a BLANK names surface 3"] = w => w.Write(LinkOpcode.Blank, 3),
        ["role 2"] = w =>
        {
            w.Begin(LinkOpcode.Surface, 1);
            w.Put(new SurfaceBody { Role = 2, Parent = SurfaceBody.NoParent });
            w.PutText("");
            w.End();
        },
        ["opcode 0x8020"] = w => w.Write(LinkOpcode.Latched, 0),
        ["a CONTROL is malformed"] = w => w.Write(LinkOpcode.Control, 0, new ControlBody { IsInCharge = 2 }),
    };

    [Theory]
    [MemberData(nameof(ViewerSins))]
    public void A_viewer_that_breaks_a_rule_is_sent_away(string sin)
    {
        using var leaks = new FdLeakCheck();
        using var f = new LinkFixture();
        using var peer = new RawPeer(f);
        peer.Hello(LinkOpcode.ViewerHello, HelloWishes);
        var picture = f.Picture();
        f.Present(picture);
        f.Pump();
        Assert.Equal(2, picture.Storage.LockCount);
        s_viewerSins[sin](peer.Writer);
        SendAndClose(peer);
        f.Pump();
        Assert.Equal((0, 1), (f.Hub.ViewerCount, picture.Storage.LockCount));
        Assert.Contains(sin, LastReason(peer), StringComparison.Ordinal);
        Assert.Empty(f.Events.Latched);
    }

    [Theory]
    [MemberData(nameof(SourceSins))]
    public void A_source_that_breaks_a_rule_is_left(string sin)
    {
        using var leaks = new FdLeakCheck();
        using var f = new LinkFixture();
        var viewer = new LinkFixture.TestViewer(f.Timers, true, 2);
        f.Viewers.Add(viewer);
        using var peer = new RawPeer(viewer);
        peer.Hello(LinkOpcode.SourceHello);
        Storage(peer.Writer, 1);
        View(peer.Writer, 1, 1, 32, 16, 128);
        peer.Writer.Begin(LinkOpcode.Surface, 0);
        peer.Writer.Put(new SurfaceBody { Role = SurfaceBody.Output, Parent = SurfaceBody.NoParent });
        peer.Writer.PutText("raw");
        peer.Writer.End();
        Frame(peer.Writer, serial: 1);
        SendAndClose(peer);
        f.Pump();
        Assert.Empty(viewer.Losses);
        s_sourceSins[sin](peer.Writer);
        SendAndClose(peer);
        f.Pump();
        Assert.Contains(sin, Assert.Single(viewer.Losses), StringComparison.Ordinal);
        Assert.Contains(sin, LastReason(peer), StringComparison.Ordinal);
        Assert.False(viewer.Display.Held[0].Frame.Storage.IsClosed); // it is still on the screen
        viewer.Display.ReleaseAll();
    }

    [Fact]
    public void Messages_of_a_later_version_that_may_be_skipped_are()
    {
        using var f = new LinkFixture();
        using var peer = new RawPeer(f);
        peer.Hello(LinkOpcode.ViewerHello, HelloWishes, newest: 7);
        peer.Writer.Write((LinkOpcode)0xc123, 5, new LatchedBody());
        peer.Send();
        f.Pump();
        Assert.Equal(1, f.Hub.ViewerCount);
    }

    [Theory]
    [InlineData(2, 3, HelloWishes, "it speaks versions 2 to 3")]
    [InlineData(0, 0, HelloWishes, "it speaks versions 0 to 0")]
    [InlineData(1, 1, 0u, "credit for 0")]
    [InlineData(1, 1, 4u << HelloBody.CreditShift, "credit for 4")]
    public void A_hello_that_does_not_fit_ends_it(int oldest, int newest, uint wishes, string reason)
    {
        using var f = new LinkFixture();
        using var peer = new RawPeer(f);
        peer.Hello(LinkOpcode.ViewerHello, wishes, (ushort)oldest, (ushort)newest);
        f.Pump();
        Assert.Equal(0, f.Hub.ViewerCount);
        Assert.Contains(reason, LastReason(peer), StringComparison.Ordinal);
    }

    [Fact]
    public void A_packet_that_is_too_long_ends_it()
    {
        using var f = new LinkFixture();
        using var peer = new RawPeer(f);
        peer.Send(new byte[LinkLimits.PacketBytes + 8]);
        f.Pump();
        Assert.Equal(0, f.Hub.ViewerCount);
    }

    [Fact]
    public void A_memfd_that_is_cut_under_the_viewer_fails_to_be_read_and_kills_nobody()
    {
        using var f = new LinkFixture();
        var viewer = new LinkFixture.TestViewer(f.Timers, true, 2);
        f.Viewers.Add(viewer);
        using var peer = new RawPeer(viewer);
        using var memory = MemFdHandle.TryCreate("unsealed", 2048, FileSeals.None, out _)!;
        peer.Hello(LinkOpcode.SourceHello);
        peer.Writer.Write(LinkOpcode.StorageAdd, 1, new StorageAddBody { Kind = 2, Planes = 1 });
        peer.Writer.PutFd(memory);
        View(peer.Writer, 1, 1, 32, 16, 128);
        peer.Writer.Begin(LinkOpcode.Surface, 0);
        peer.Writer.Put(new SurfaceBody { Role = SurfaceBody.Output, Parent = SurfaceBody.NoParent });
        peer.Writer.PutText("raw");
        peer.Writer.End();
        Frame(peer.Writer, serial: 1);
        peer.Send();
        f.Pump();
        var frame = viewer.Display.Last;
        Assert.False(frame.Storage.Pixels!.IsMapped);
        Assert.Equal(0u, HoldingDisplay.Pixel(in frame, 31, 15));
        memory.Truncate(64);
        Assert.Equal(0xdead_deadu, HoldingDisplay.Pixel(in frame, 31, 15));
        Assert.Empty(viewer.Losses);
    }

    private static void SendAndClose(RawPeer peer)
    {
        var fds = peer.Writer.Fds.ToArray();
        peer.Send();
        foreach (var fd in fds)
            fd.Dispose();
    }

    private static void Storage(LinkWriter writer, uint id, byte kind = StorageAddBody.Memory, byte planes = 1, FdHandle? file = null)
    {
        writer.Write(LinkOpcode.StorageAdd, id, new StorageAddBody { Kind = kind, Planes = planes });
        writer.PutFd(file ?? MemFdHandle.TryCreateSealed("raw", 2048, out _)!);
    }

    private static void View(LinkWriter writer, uint id, uint storage, uint width, uint height, uint stride, uint offset = 0, uint fourcc = 0, uint plane = 0)
    {
        writer.Begin(LinkOpcode.ViewAdd, id);
        writer.Put(new ViewAddBody { Storage = storage, Width = width, Height = height, Fourcc = fourcc == 0 ? DrmFormat.Xrgb8888.Fourcc : fourcc, Planes = 1 });
        writer.Put(new ViewPlane { StoragePlane = plane, OffsetBytes = offset, StrideBytes = stride });
        for (var i = 1; i < PlaneLayouts.MaxPlanes; i++)
            writer.Put(default(ViewPlane));
        writer.End();
    }

    private static void Input(LinkWriter w, WireInputEvent e)
    {
        w.Begin(LinkOpcode.Input);
        w.Put(new InputBody { Events = 1 });
        w.Put(in e);
        w.End();
    }

    private static void Frame(LinkWriter writer, uint surface = 0, ulong serial = 2, uint view = 1, uint rects = 0, uint flags = 0, WireRectangle? crop = null) =>
        writer.Write(
            LinkOpcode.Frame,
            surface,
            new FrameBody { View = view, Serial = serial, DamageRects = rects, Flags = flags, Crop = crop ?? new WireRectangle { Width = 32, Height = 16 } });

    /// <summary>What the last BYE says.</summary>
    private static string LastReason(RawPeer peer)
    {
        var reason = string.Empty;
        while (peer.Receive() is { Length: > 0 } packet)
        {
            var reader = new LinkReader(packet);
            while (reader.TryNext(out var head))
            {
                if (head.Opcode is LinkOpcode.SourceBye or LinkOpcode.ViewerBye && reader.TryTake(out ByeBody _))
                    reader.TryTakeText(out reason);
            }
        }

        return reason;
    }
}
