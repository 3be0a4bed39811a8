// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>Guest memory as the VMM describes it: every number is checked against the others and the file.</summary>
public sealed class MemoryMessageTests
{
    [Fact]
    public void A_table_is_mapped_and_translated()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.SendMemory();
        var memory = bed.Device.Host!.Memory;
        Assert.True(memory.TryTranslateFrontend(TestBed.FrontendBase + 0x1234, 4, out var guest));
        Assert.Equal(0x1234UL, guest);
        Assert.Equal(1, bed.Device.MemoryChanges);
        Assert.DoesNotContain(bed.Log.Lines, l => l.Contains("zero-copy", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(FileSeals.Seal)]
    [InlineData(FileSeals.None)]
    [InlineData(FileSeals.Grow)]
    public void Memory_that_may_shrink_is_read_without_a_mapping_and_the_log_says_why_zero_copy_is_off(FileSeals seals)
    {
        using var bed = new TestBed();
        using var file = FakeRam.Create(TestBed.RamBytes, seals);
        bed.Negotiate();
        bed.Frontend.Send(5, FakeFrontend.Table(new FakeRegion(0, TestBed.RamBytes, 0, 0)), FakeFrontend.Version, file);
        var memory = bed.Device.Host!.Memory;
        Assert.False(memory.Regions[0].Bytes.IsMapped);
        Assert.Single(bed.Log.Lines, l => l.Contains("zero-copy is off", StringComparison.Ordinal));

        // The VMM cuts it: reads fail, and nobody dies of SIGBUS.
        Assert.True(memory.TryRead(4096, new byte[16]));
        Assert.Equal(Errno.None, file.Truncate(4096));
        Assert.False(memory.TryRead(4096, new byte[16]));
        Assert.False(memory.TryWrite(4096, new byte[16]));
        Assert.Equal(4096UL, file.GetSizeBytes());
    }

    public static TheoryData<string, ulong, ulong, ulong, ulong> BadRegions => new()
    {
        { "empty", 0, 0, 0, 0 },
        { "guest addresses wrap", ulong.MaxValue - 4095, 8192, 0, 0 },
        { "guest addresses end at 2^64", ulong.MaxValue - 4095, 4096, 0, 0 },
        { "front-end addresses wrap", 0, 8192, ulong.MaxValue - 4095, 0 },
        { "file offsets wrap", 0, 8192, 0, ulong.MaxValue - 4095 },
        { "beyond the file", 0, TestBed.RamBytes, 0, 4096 },
        { "longer than the file", 0, TestBed.RamBytes + 1, 0, 0 },
        { "enormous", 0, 1UL << 63, 0, 0 },
    };

    [Theory]
    [MemberData(nameof(BadRegions))]
    public void A_region_whose_numbers_cannot_be_is_refused(string what, ulong guest, ulong size, ulong frontend, ulong offset)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.True(bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, guest, size, frontend, offset), bed.RamFile) == 1, what);
        Assert.True(bed.Frontend.Acknowledged(5, FakeFrontend.Table(new FakeRegion(guest, size, frontend, offset)), bed.RamFile) == 1, what);
        Assert.Empty(bed.Device.Host!.Memory.Regions);
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void Regions_that_overlap_are_refused_and_the_old_map_stays()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.SendMemory();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(5, FakeFrontend.Table(new FakeRegion(0, 8192, 0, 0), new FakeRegion(4096, 8192, 65536, 0)), bed.RamFile, bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(5, FakeFrontend.Table(new FakeRegion(8192, 4096, 0, 0), new FakeRegion(0, 65536, 65536, 0)), bed.RamFile, bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 4096, 4096, 0, 0), bed.RamFile));
        Assert.Equal(TestBed.RamBytes, Assert.Single(bed.Device.Host!.Memory.Regions).SizeBytes);
        Assert.Equal(1, bed.Device.MemoryChanges);
    }

    [Fact]
    public void Descriptors_must_be_as_many_as_regions()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        var table = FakeFrontend.Table(new FakeRegion(0, 4096, 0, 0), new FakeRegion(4096, 4096, 4096, 4096));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(5, table, bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(5, table, bed.RamFile, bed.RamFile, bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(5, table));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 0, 4096, 0, 0)));
        Assert.Equal(0UL, bed.Frontend.Acknowledged(5, table, bed.RamFile, bed.RamFile));
    }

    [Fact]
    public void More_than_eight_regions_or_a_count_that_lies_closes_the_connection()
    {
        foreach (var count in new uint[] { 9, 2, uint.MaxValue })
        {
            using var bed = new TestBed();
            bed.Negotiate();
            var payload = new byte[8 + (count == 9 ? 9 * 32 : 32)];
            BitConverter.TryWriteBytes(payload, count);
            bed.Frontend.Send(5, payload, FakeFrontend.Version | FakeFrontend.NeedReply, bed.RamFile);
            Assert.True(bed.Frontend.IsClosed);
        }
    }

    [Fact]
    public void Slots_are_added_and_removed_by_all_three_numbers_up_to_the_limit()
    {
        using var bed = new TestBed(limits: new Limits { MaxMemoryRegions = 3 });
        bed.Negotiate();
        for (ulong i = 0; i < 3; i++)
            Assert.Equal(0UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, i * 4096, 4096, i * 8192, 0), bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 1 << 20, 4096, 1 << 20, 0), bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 4096, 4096, 0, 0)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 4096, 8192, 8192, 0)));
        Assert.Equal(0UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 4096, 4096, 8192, 0)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 4096, 4096, 8192, 0)));
        Assert.Equal(2, bed.Device.Host!.Memory.Regions.Count);
        Assert.Equal(4, bed.Device.MemoryChanges);
    }

    [Fact]
    public void A_socket_or_an_eventfd_is_no_memory()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        using var eventFd = EventFdHandle.Create();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 0, 4096, 0, 0), eventFd));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 0, 4096, 0, 0), bed.Frontend.Socket));
    }

    [Fact]
    public void The_same_table_again_keeps_its_regions_and_a_ring_runs_through_it()
    {
        using var bed = new TestBed();
        bed.Start();
        var region = bed.Device.Host!.Memory.Regions[0];
        bed.SendMemory();
        Assert.Same(region, bed.Device.Host.Memory.Regions[0]);
        bed.PostEcho(7);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
    }

    [Fact]
    public void Memory_taken_away_and_brought_back_under_a_running_ring_loses_no_request()
    {
        using var bed = new TestBed();
        bed.Start();
        Assert.Equal(0UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 0, TestBed.RamBytes, TestBed.FrontendBase, 0)));
        bed.PostEcho(7);
        bed.KickAndPump();
        Assert.Equal(0, bed.Device.Answered);
        Assert.Equal(0UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 0, TestBed.RamBytes, TestBed.FrontendBase, 0), bed.RamFile));
        Assert.Equal(1, bed.Device.Answered);
        Assert.Null(bed.Device.Queue(0).BrokenReason);
        Assert.Equal(1UL, bed.Calls());
    }

    [Fact]
    public void Memory_taken_away_under_a_held_request_breaks_that_ring_alone()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Device.Hold = true;
        bed.PostEcho(7);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Held);
        Assert.Equal(0UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 0, TestBed.RamBytes, TestBed.FrontendBase, 0)));
        bed.Device.Release();
        Assert.NotNull(bed.Device.Queue(0).BrokenReason);
        Assert.Equal(Errno.None, bed.Err!.Drain(out var errors));
        Assert.Equal(1UL, errors);
        Assert.False(bed.Frontend.IsClosed);
    }
}
