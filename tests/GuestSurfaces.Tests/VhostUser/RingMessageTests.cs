// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>Rings: set up, started, swapped, stopped and broken.</summary>
public sealed class RingMessageTests
{
    [Fact]
    public void A_ring_starts_at_its_first_kick_once_enabled_and_answers()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.SendMemory();
        bed.SetUpRing();
        Assert.False(bed.Device.IsRunning(0));
        bed.PostEcho(0xcafe);
        bed.KickAndPump();
        Assert.False(bed.Device.IsRunning(0)); // started, not enabled
        bed.Enable();
        Assert.True(bed.Device.IsRunning(0));
        Assert.True(bed.Driver!.TryTakeUsed(out _, out var length));
        Assert.Equal(4u, length);
        var answer = new byte[4];
        Assert.True(bed.Ram.TryRead(0x8004, answer));
        Assert.Equal(0xcafeu, BitConverter.ToUInt32(answer));
        Assert.Equal(1UL, bed.Calls());
    }

    [Fact]
    public void Without_the_feature_bit_rings_need_no_enabling()
    {
        using var bed = new TestBed();
        bed.Negotiate(TestBed.AllFeatures & ~(1UL << 30));
        bed.SendMemory();
        bed.SetUpRing();
        bed.PostEcho(1);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
    }

    [Fact]
    public void A_disabled_ring_keeps_its_place()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.PostEcho(1);
        bed.KickAndPump();
        bed.Enable(enabled: false);
        Assert.False(bed.Device.IsRunning(0));
        bed.PostEcho(2);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
        bed.Enable();
        Assert.Equal(2, bed.Device.Answered);
    }

    [Fact]
    public void Get_vring_base_answers_everything_in_flight_first_and_says_where_to_go_on()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Device.Hold = true;
        for (uint i = 0; i < 3; i++)
            bed.PostEcho(i, 0x8000 + (i * 16));
        bed.KickAndPump();
        Assert.Equal(3, bed.Device.Held);
        bed.Frontend.Send(11, FakeFrontend.U32(0, 0));
        Assert.Equal(FakeFrontend.U32(0, 3), bed.Frontend.TryReceive(11));
        Assert.False(bed.Device.IsRunning(0));
        Assert.Equal((ushort)3, bed.Driver!.UsedIndex);
        bed.PostEcho(9);
        bed.KickAndPump(); // nobody listens to the old descriptor any more
        Assert.False(bed.Device.IsRunning(0));
    }

    [Fact]
    public void Get_vring_base_before_any_start_gives_back_what_was_set()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.Frontend.Send(11, FakeFrontend.U32(1, 0));
        Assert.Equal(FakeFrontend.U32(1, 0), bed.Frontend.TryReceive(11));
        bed.Frontend.Send(10, FakeFrontend.U32(1, 77));
        bed.Frontend.Send(11, FakeFrontend.U32(1, 0));
        Assert.Equal(FakeFrontend.U32(1, 77), bed.Frontend.TryReceive(11));
    }

    [Fact]
    public void A_pause_keeps_the_device_and_goes_on_without_a_kick()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.PostEcho(1);
        bed.KickAndPump();
        bed.Enable(enabled: false);
        bed.Frontend.Send(11, FakeFrontend.U32(0, 0));
        Assert.Equal(FakeFrontend.U32(0, 1), bed.Frontend.TryReceive(11));
        bed.Frontend.Send(39, FakeFrontend.U64(0));
        bed.PostEcho(2);

        bed.Frontend.Send(2, FakeFrontend.U64(TestBed.AllFeatures));
        bed.SendMemory();
        bed.Frontend.Send(8, FakeFrontend.U32(0, 16));
        bed.Frontend.Send(10, FakeFrontend.U32(0, 1));
        var d = bed.Driver!;
        bed.Frontend.Send(9, FakeFrontend.Addresses(0, TestBed.FrontendBase + d.Descriptors, TestBed.FrontendBase + d.Available, TestBed.FrontendBase + d.Used));
        bed.Frontend.Send(12, FakeFrontend.U64(0), FakeFrontend.Version, bed.Kick!);
        bed.Enable();
        Assert.Equal(2, bed.Device.Answered);
        Assert.Equal(0, bed.Device.Resets);
    }

    [Fact]
    public void A_driver_that_starts_over_resets_the_device_and_keeps_its_new_features()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.PostEcho(1);
        bed.KickAndPump();
        bed.Frontend.Send(11, FakeFrontend.U32(0, 0));
        Assert.NotNull(bed.Frontend.TryReceive(11));
        bed.Frontend.Send(2, FakeFrontend.U64(TestBed.AllFeatures & ~2UL));
        bed.SetUpRing();
        Assert.Equal(1, bed.Device.Resets);
        Assert.Equal(TestBed.AllFeatures & ~2UL, bed.Device.Features);
        bed.PostEcho(2);
        bed.KickAndPump();
        Assert.Equal(2, bed.Device.Answered);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(48u)]
    [InlineData(65536u)]
    [InlineData(uint.MaxValue)]
    public void Ring_sizes_that_are_no_power_of_two_up_to_32768_are_refused(uint size)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(8, FakeFrontend.U32(0, size)));
        Assert.Equal(0UL, bed.Frontend.Acknowledged(8, FakeFrontend.U32(0, 32768)));
    }

    [Fact]
    public void The_largest_ring_works()
    {
        using var bed = new TestBed();
        bed.Start(32768);
        bed.PostEcho(5, 0xf0000);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
    }

    [Theory]
    [InlineData(8u, 0u)]
    [InlineData(10u, 0u)]
    [InlineData(18u, 1u)]
    public void Messages_about_rings_that_do_not_exist_are_refused(uint request, uint num)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(request, FakeFrontend.U32(2, num)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(request, FakeFrontend.U32(uint.MaxValue, num)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(9, FakeFrontend.Addresses(2, 0, 0, 0)));
        foreach (var fdRequest in new uint[] { 12, 13, 14 })
            Assert.Equal(1UL, bed.Frontend.Acknowledged(fdRequest, FakeFrontend.U64(2), bed.RamFile));
        Assert.False(bed.Frontend.IsClosed);
        bed.Frontend.Send(11, FakeFrontend.U32(2, 0), FakeFrontend.Version | FakeFrontend.NeedReply);
        Assert.True(bed.Frontend.IsClosed); // it has an answer of its own, and none that says no
    }

    [Fact]
    public void Ring_addresses_outside_the_memory_or_misaligned_are_refused()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.SendMemory();
        Assert.Equal(0UL, bed.Frontend.Acknowledged(8, FakeFrontend.U32(0, 16)));
        const ulong b = TestBed.FrontendBase;
        const ulong end = b + TestBed.RamBytes;
        foreach (var (d, a, u) in new[]
                 {
                     (0UL, b, b), (b, 0UL, b), (b, b, 0UL), (end - 128, b, b), (b, end - 16, b), (b, b, end - 64), (ulong.MaxValue - 15, b, b),
                     (b + 8, b, b), (b, b + 1, b), (b, b, b + 2),
                 })
        {
            Assert.Equal(1UL, bed.Frontend.Acknowledged(9, FakeFrontend.Addresses(0, d, a, u)));
        }

        Assert.Equal(0UL, bed.Frontend.Acknowledged(9, FakeFrontend.Addresses(0, b, b + 256, b + 512)));
    }

    [Fact]
    public void Size_place_and_position_cannot_change_under_a_running_ring()
    {
        using var bed = new TestBed();
        bed.Start();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(8, FakeFrontend.U32(0, 32)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(10, FakeFrontend.U32(0, 5)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(9, FakeFrontend.Addresses(0, TestBed.FrontendBase, TestBed.FrontendBase + 256, TestBed.FrontendBase + 512)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(2, FakeFrontend.U64(1UL << 30)));
        Assert.Equal(0UL, bed.Frontend.Acknowledged(2, FakeFrontend.U64(TestBed.AllFeatures)));
        bed.PostEcho(1);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
    }

    [Fact]
    public void Enabling_takes_0_or_1_and_positions_have_16_bits()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(18, FakeFrontend.U32(0, 2)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(10, FakeFrontend.U32(0, 65536)));
    }

    [Fact]
    public void A_call_descriptor_is_swapped_at_any_time_and_the_new_one_signalled_once()
    {
        using var bed = new TestBed();
        bed.Start();
        using var masked = EventFdHandle.Create();
        bed.Frontend.Send(13, FakeFrontend.U64(0), FakeFrontend.Version, masked);
        Assert.Equal(Errno.None, masked.Drain(out var first));
        Assert.Equal(1UL, first);
        bed.PostEcho(1);
        bed.KickAndPump();
        Assert.Equal(0UL, bed.Calls());
        Assert.Equal(Errno.None, masked.Drain(out var second));
        Assert.Equal(1UL, second);
        bed.Frontend.Send(13, FakeFrontend.U64(0x100));
        bed.PostEcho(1);
        bed.KickAndPump();
        Assert.Equal(2, bed.Device.Answered);
    }

    [Fact]
    public void A_call_descriptor_before_the_start_is_kept_and_not_signalled()
    {
        using var bed = new TestBed();
        using var call = EventFdHandle.Create();
        bed.Negotiate();
        bed.Frontend.Send(13, FakeFrontend.U64(0), FakeFrontend.Version, call);
        Assert.Equal(Errno.None, call.Drain(out var count));
        Assert.Equal(0UL, count);
    }

    [Fact]
    public void Kick_descriptors_that_cannot_be_polled_are_refused()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(12, FakeFrontend.U64(0), bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(12, FakeFrontend.U64(0)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(12, FakeFrontend.U64(0x100), bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(12, FakeFrontend.U64(0x200), bed.RamFile));
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_kick_descriptor_that_is_no_eventfd_ends_that_ring_and_does_not_spin()
    {
        using var bed = new TestBed();
        bed.Start();
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: false);
        bed.Frontend.Send(12, FakeFrontend.U64(0), FakeFrontend.Version, b);
        b.Dispose();
        a.Dispose();
        bed.Pump();
        Assert.Equal(Errno.None, bed.Err!.Drain(out var errors));
        Assert.Equal(1UL, errors);
        Assert.Single(bed.Log.Lines, l => l.Contains("kick descriptor", StringComparison.Ordinal));
    }

    [Fact]
    public void A_call_descriptor_that_cannot_be_written_is_dropped()
    {
        using var bed = new TestBed();
        bed.Start();
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: false);
        a.Dispose();
        bed.Frontend.Send(13, FakeFrontend.U64(0), FakeFrontend.Version, b);
        b.Dispose();
        bed.PostEcho(1);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_ring_without_a_kick_descriptor_is_polled()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.SendMemory();
        bed.SetUpRing();
        bed.Frontend.Send(12, FakeFrontend.U64(0x100));
        bed.Enable();
        bed.PostEcho(1);
        for (var i = 0; i < 100 && bed.Device.Answered == 0; i++)
            bed.Loop.RunOnce(100); // the timer wakes it
        Assert.Equal(1, bed.Device.Answered);
    }

    [Fact]
    public void A_broken_ring_is_reported_once_and_works_again_after_a_new_start()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Driver!.SetAvailableIndex(1000);
        for (var i = 0; i < 5; i++)
            bed.KickAndPump();
        Assert.Equal(Errno.None, bed.Err!.Drain(out var errors));
        Assert.Equal(1UL, errors);
        Assert.Single(bed.Log.Lines, l => l.Contains("jumped", StringComparison.Ordinal));
        Assert.False(bed.Frontend.IsClosed);
        bed.Frontend.Send(11, FakeFrontend.U32(0, 0));
        Assert.NotNull(bed.Frontend.TryReceive(11));
        bed.SetUpRing();
        bed.PostEcho(1);
        bed.KickAndPump();
        Assert.Equal(1, bed.Device.Answered);
    }

    [Fact]
    public void A_kick_before_the_ring_is_described_is_reported_once()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        var kick = bed.Own(EventFdHandle.Create());
        bed.Frontend.Send(12, FakeFrontend.U64(0), FakeFrontend.Version, kick);
        bed.Enable();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(Errno.None, kick.Signal());
            bed.Pump();
        }

        Assert.Single(bed.Log.Lines, l => l.Contains("before its size", StringComparison.Ordinal));
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void Reset_owner_disables_rings_and_keeps_the_connection()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Frontend.Send(4, []);
        Assert.False(bed.Device.IsRunning(0));
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_device_that_throws_ends_the_connection_not_the_process()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Device.ThrowOnKick = true;
        bed.KickAndPump();
        Assert.True(bed.Frontend.IsClosed);
        Assert.False(bed.Device.IsRunning(0));
        Assert.Contains(bed.Log.Lines, l => l.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public void A_front_end_that_vanishes_with_requests_held_leaves_nothing_behind()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Device.Hold = true;
        bed.PostEcho(1);
        bed.KickAndPump();
        bed.Frontend.Socket.ShutDown();
        bed.Pump();
        Assert.Equal(0, bed.Device.Held);
        Assert.Equal(1, bed.Device.Resets);
        Assert.Empty(bed.Device.Host!.Memory.Regions);
        Assert.Equal((ushort)1, bed.Driver!.UsedIndex);
    }
}
