// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>Whatever comes and goes, the process holds afterwards what it held before; and in steady state it allocates nothing.</summary>
[Collection(Alone.Name)]
public sealed class LeakTests
{
    [Theory]
    [InlineData(9)]
    [InlineData(28)]
    public void More_descriptors_than_a_message_can_have_close_the_connection_and_are_closed(int count)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        var fds = new FdHandle[count];
        Array.Fill(fds, bed.RamFile);
        using var leaks = new FdLeakCheck();
        bed.Frontend.Send(3, [], FakeFrontend.Version, fds);
        Assert.True(bed.Frontend.IsClosed);
        Assert.Equal(-1, leaks.Difference("socket:")); // the connection's own is gone too
    }

    [Fact]
    public void Descriptors_that_nobody_asked_for_are_closed()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        using var leaks = new FdLeakCheck();
        for (var i = 0; i < 20; i++)
        {
            bed.Frontend.Send(3, [], FakeFrontend.Version, bed.RamFile, bed.RamFile);
            Assert.Equal(1UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 0, 4096, 0, 0), bed.RamFile));
        }
    }

    [Theory]
    [InlineData("an epoll set")]
    [InlineData("/dev/null")]
    [InlineData("/dev/zero")]
    [InlineData("a dead socket")]
    [InlineData("its own end of the connection")]
    [InlineData("an eventfd that is always full")]
    public void Any_file_in_any_place_does_no_harm_and_is_closed(string what)
    {
        using var leaks = new FdLeakCheck();
        var mappings = RamMappings.Count;
        for (uint request = 0; request < 50; request++)
        {
            if (request is 11 or 34)
                continue; // these stop the ring that is watched
            using var bed = new TestBed();
            bed.Start();
            using var file = Open(what, bed);
            var payload = request switch
            {
                5 => FakeFrontend.Table(new FakeRegion(0, 4096, 0, 0)),
                37 => FakeFrontend.U64(0, 1UL << 40, 4096, 1UL << 40, 0),
                12 or 13 or 14 => FakeFrontend.U64(1),
                _ => [],
            };
            bed.Frontend.Send(request, payload, FakeFrontend.Version | FakeFrontend.NeedReply, file);
            for (var i = 0; i < 4 && bed.Server.IsConnected; i++)
                bed.KickAndPump();
        }

        Assert.Equal(mappings, RamMappings.Count);
    }

    private static FdHandle Open(string what, TestBed bed)
    {
        switch (what)
        {
            case "an epoll set":
                return EpollHandle.Create();
            case "a dead socket":
                var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: false);
                a.Dispose();
                return b;
            case "its own end of the connection":
                return bed.Frontend.Socket.Duplicate<UnixSocketHandle>();
            case "an eventfd that is always full":
                var full = EventFdHandle.Create();
                Assert.Equal(Errno.None, full.Signal());
                return full;
            default:
                return FileHandle.TryOpen(what, out _)!;
        }
    }

    [Fact]
    public void A_thousand_front_ends_come_and_go_and_leave_neither_descriptor_nor_mapping()
    {
        var path = Path.Combine(Path.GetTempPath(), $"gs-vhost-{Environment.ProcessId}-leak.sock");
        using var loop = new EventLoop();
        var device = new StubDevice();
        var gone = 0;
        using var server = VhostUserServer.Listen(loop, path, device);
        server.FrontendGone += () => gone++;
        using var ramFile = FakeRam.Create(TestBed.RamBytes);
        using var ram = new GuestMemory();
        Assert.True(ram.TryAdd(FakeRam.Region(ramFile, 0, TestBed.RamBytes)));
        FdLeakCheck? leaks = null;
        var mappings = 0;
        for (var i = 0; i < 1000; i++)
        {
            if (i == 1)
                (leaks, mappings) = (new FdLeakCheck(), RamMappings.Count);
            using var frontend = new FakeFrontend(UnixSocketHandle.Connect(path), () =>
            {
                for (var n = 0; n < 4; n++)
                    loop.RunOnce(0);
            });
            using var kick = EventFdHandle.Create();
            using var call = EventFdHandle.Create();
            var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
            var driver = new FakeDriver(ram, 0x1000, 16, eventIndex: true);
            frontend.Send(16, FakeFrontend.U64(TestBed.AllProtocolFeatures));
            frontend.Send(21, [], FakeFrontend.Version, theirs);
            theirs.Dispose();
            frontend.Send(2, FakeFrontend.U64(TestBed.AllFeatures));
            frontend.Send(5, FakeFrontend.Table(new FakeRegion(0, TestBed.RamBytes, 0, 0)), FakeFrontend.Version, ramFile);
            frontend.Send(8, FakeFrontend.U32(0, 16));
            frontend.Send(9, FakeFrontend.Addresses(0, driver.Descriptors, driver.Available, driver.Used));
            frontend.Send(12, FakeFrontend.U64(0), FakeFrontend.Version, kick);
            frontend.Send(13, FakeFrontend.U64(0), FakeFrontend.Version, call);
            frontend.Send(14, FakeFrontend.U64(0), FakeFrontend.Version, call);
            frontend.Send(18, FakeFrontend.U32(0, 1));
            driver.Post(new DriverBuffer(0x8000, 4, false), new DriverBuffer(0x8004, 4, true));
            Assert.Equal(Errno.None, kick.Signal());
            frontend.Pump();
            Assert.Equal(i + 1, device.Answered);

            // Some leave in the middle of a message, with descriptors on their way.
            if (i % 2 == 1)
                frontend.SendRaw(FakeFrontend.Message(37, new byte[40]).AsSpan(0, 12 + (i % 40)), kick, ramFile);
            frontend.Socket.ShutDown();
            frontend.Pump();
            Assert.Equal(i + 1, gone);
            ours.Dispose();
        }

        leaks!.Dispose();
        Assert.Equal(mappings, RamMappings.Count);
    }

    [Fact]
    public void Ten_thousand_rounds_of_kick_pop_push_and_interrupt_allocate_nothing()
    {
        using var bed = new TestBed();
        bed.Start(256);
        for (var i = 0; i < 100; i++)
            Round(bed, (uint)i);

        // The count is the whole process's, and the runtime compiles hot code on a thread of its own: one quiet window of three proves it.
        var least = long.MaxValue;
        for (var window = 0; window < 3 && least > 0; window++)
        {
            var collections = GC.CollectionCount(0);
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < 10_000; i++)
                Round(bed, (uint)i);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
            Assert.Equal(collections, GC.CollectionCount(0));
        }

        Assert.Equal(0, least);
    }

    private static void Round(TestBed bed, uint value)
    {
        var driver = bed.Driver!;
        driver.SetUsedEvent(driver.UsedIndex);
        driver.Post(new DriverBuffer(0x8000, 4, false), new DriverBuffer(0x8004, 4, true));
        if (driver.ShouldKick())
            _ = bed.Kick!.Signal();
        bed.Loop.RunOnce(0);
        _ = bed.Call!.Drain(out var calls);
        if (!driver.TryTakeUsed(out _, out var length) || length != 4 || calls != 1)
            throw new InvalidOperationException($"round {value}: {length} bytes and {calls} interrupts came back");
    }
}
