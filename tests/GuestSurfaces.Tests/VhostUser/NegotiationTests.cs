// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>What is offered, asked, and refused before a ring is touched.</summary>
public sealed class NegotiationTests
{
    [Fact]
    public void Offers_the_devices_features_and_the_rings_but_never_in_order_or_packed()
    {
        using var bed = new TestBed();
        var features = bed.Frontend.Ask(1);
        Assert.Equal(TestBed.AllFeatures, features);
        Assert.Equal(0UL, features & ((1UL << 34) | (1UL << 35)));
    }

    [Fact]
    public void Offers_the_protocol_features_that_qemu_needs_and_none_for_migration()
    {
        using var bed = new TestBed();
        Assert.Equal(TestBed.AllProtocolFeatures, bed.Frontend.Ask(15));
    }

    [Fact]
    public void Answers_numbers_of_queues_and_memory_slots()
    {
        using var bed = new TestBed();
        Assert.Equal(2UL, bed.Frontend.Ask(17));
        Assert.Equal(512UL, bed.Frontend.Ask(36));
    }

    [Theory]
    [InlineData(24)]
    [InlineData(27)]
    [InlineData(40)]
    public void Tolerates_ring_features_that_qemu_accepts_unoffered(int bit)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(0UL, bed.Frontend.Acknowledged(2, FakeFrontend.U64(TestBed.AllFeatures | (1UL << bit))));
        Assert.NotEqual(0UL, bed.Device.Features & (1UL << bit));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(33)]
    [InlineData(34)]
    [InlineData(35)]
    [InlineData(38)]
    [InlineData(63)]
    public void Refuses_features_that_would_change_what_we_do(int bit)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(2, FakeFrontend.U64(TestBed.AllFeatures | (1UL << bit))));
        Assert.Equal(TestBed.AllFeatures, bed.Device.Features);
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_refusal_that_nobody_asked_an_answer_for_closes_the_connection_with_one_line()
    {
        using var bed = new TestBed();
        bed.Frontend.Send(2, FakeFrontend.U64(1UL << 35));
        Assert.True(bed.Frontend.IsClosed);
        Assert.Single(bed.Log.Lines, l => l.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Equal(1, bed.Device.Resets);
    }

    [Fact]
    public void Refuses_protocol_features_that_were_not_offered()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(16, FakeFrontend.U64(1UL << 12)));
    }

    [Fact]
    public void Acknowledges_nothing_before_that_is_negotiated()
    {
        using var bed = new TestBed();
        bed.Frontend.Send(3, [], FakeFrontend.Version | FakeFrontend.NeedReply);
        Assert.Null(bed.Frontend.TryReceive(3));
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_message_with_an_answer_of_its_own_gets_only_that()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.Frontend.Send(17, [], FakeFrontend.Version | FakeFrontend.NeedReply);
        Assert.Equal(FakeFrontend.U64(2), bed.Frontend.TryReceive(17));
        Assert.Null(bed.Frontend.TryReceive(17));
    }

    [Theory]
    [InlineData(6u)]
    [InlineData(7u)]
    [InlineData(19u)]
    [InlineData(22u)]
    [InlineData(28u)]
    [InlineData(29u)]
    [InlineData(30u)]
    [InlineData(31u)]
    [InlineData(32u)]
    [InlineData(35u)]
    [InlineData(41u)]
    [InlineData(42u)]
    [InlineData(43u)]
    [InlineData(44u)]
    [InlineData(45u)]
    [InlineData(1006u)]
    [InlineData(uint.MaxValue)]
    public void A_request_never_offered_is_refused_if_an_answer_is_wanted_and_passed_over_if_not(uint request)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(request, FakeFrontend.U64(0)));
        bed.Frontend.Send(request, []);
        Assert.False(bed.Frontend.IsClosed);
        Assert.Null(bed.Frontend.TryReceive(request));
        Assert.Equal(2UL, bed.Frontend.Ask(17));
    }

    [Fact]
    public void A_flood_of_unknown_requests_is_not_a_flood_of_log_lines()
    {
        using var bed = new TestBed();
        for (var i = 0; i < 1000; i++)
            bed.Frontend.Send(999, []);
        Assert.InRange(bed.Log.Lines.Count, 10, 80);
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void Configuration_space_is_read_written_and_zero_behind_its_end()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.Device.Config[8] = 3;
        bed.Frontend.Send(24, FakeFrontend.Config(8, 1, new byte[12]));
        Assert.Equal(FakeFrontend.Config(8, 1, [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), bed.Frontend.TryReceive(24));
        Assert.Equal(0UL, bed.Frontend.Acknowledged(25, FakeFrontend.Config(4, 0, [1, 2, 3, 4])));
        Assert.Equal(new byte[] { 1, 2, 3, 4 }, bed.Device.Config[4..8]);
    }

    [Fact]
    public void Configuration_ranges_that_cannot_be_are_answered_empty_or_refused()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.Frontend.Send(24, FakeFrontend.Config(250, 0, new byte[16]));
        Assert.Empty(bed.Frontend.TryReceive(24)!);
        bed.Frontend.Send(24, FakeFrontend.Config(uint.MaxValue, 0, new byte[16]));
        Assert.Empty(bed.Frontend.TryReceive(24)!);
        Assert.Equal(1UL, bed.Frontend.Acknowledged(25, FakeFrontend.Config(14, 0, [1, 2, 3, 4])));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(25, FakeFrontend.Config(0, 2, [1])));
        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_configuration_payload_that_contradicts_itself_closes_the_connection()
    {
        using var bed = new TestBed();
        bed.Frontend.Send(24, FakeFrontend.U32(0, 16, 0));
        Assert.True(bed.Frontend.IsClosed);
    }

    [Theory]
    [InlineData(1u, 8)]
    [InlineData(2u, 0)]
    [InlineData(2u, 4)]
    [InlineData(2u, 9)]
    [InlineData(3u, 1)]
    [InlineData(4u, 8)]
    [InlineData(5u, 0)]
    [InlineData(5u, 4)]
    [InlineData(5u, 4096)]
    [InlineData(8u, 4)]
    [InlineData(9u, 8)]
    [InlineData(10u, 16)]
    [InlineData(11u, 0)]
    [InlineData(12u, 4)]
    [InlineData(16u, 0)]
    [InlineData(18u, 7)]
    [InlineData(21u, 8)]
    [InlineData(24u, 0)]
    [InlineData(24u, 11)]
    [InlineData(25u, 0)]
    [InlineData(33u, 8)]
    [InlineData(34u, 8)]
    [InlineData(37u, 32)]
    [InlineData(38u, 0)]
    [InlineData(39u, 4)]
    public void A_payload_of_the_wrong_size_closes_the_connection_and_nothing_else(uint request, int size)
    {
        using var bed = new TestBed();
        bed.Negotiate();
        bed.Frontend.Send(request, new byte[size], FakeFrontend.Version | FakeFrontend.NeedReply);
        Assert.True(bed.Frontend.IsClosed);
        Assert.False(bed.Server.IsConnected);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(2u)]
    [InlineData(5u)]
    public void A_header_of_another_version_or_of_an_answer_closes_the_connection(uint flags)
    {
        using var bed = new TestBed();
        bed.Frontend.Send(1, [], flags);
        Assert.True(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_payload_longer_than_any_message_closes_the_connection_before_it_is_read()
    {
        using var bed = new TestBed();
        bed.Frontend.SendRaw(FakeFrontend.U32(5, 1, 4097));
        Assert.True(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_message_in_single_bytes_arrives()
    {
        using var bed = new TestBed();
        foreach (var b in FakeFrontend.Message(2, FakeFrontend.U64(TestBed.AllFeatures)))
            bed.Frontend.SendRaw([b]);
        Assert.Equal(TestBed.AllFeatures, bed.Device.Features);
    }

    [Fact]
    public void Many_messages_in_one_write_are_all_answered_in_order()
    {
        using var bed = new TestBed();
        byte[] all = [];
        for (var i = 0; i < 100; i++)
            all = [.. all, .. FakeFrontend.Message(17, []), .. FakeFrontend.Message(36, [])];
        bed.Frontend.SendRaw(all);
        for (var i = 0; i < 100; i++)
        {
            bed.Pump();
            Assert.Equal(FakeFrontend.U64(2), bed.Frontend.TryReceive(17));
            Assert.Equal(FakeFrontend.U64(512), bed.Frontend.TryReceive(36));
        }
    }

    [Fact]
    public void A_peer_that_reads_no_answers_is_no_longer_read_and_blocks_nothing()
    {
        using var bed = new TestBed();
        var message = FakeFrontend.Message(17, []);
        var sent = 0;
        while (sent < 100_000 && bed.Frontend.Socket.Send(message, [], out var n) == Errno.None && n == message.Length)
        {
            sent++;
            bed.Loop.RunOnce(0);
        }

        Assert.InRange(sent, 100, 99_999); // the kernel's buffers filled up, both ways
        for (var i = 0; i < sent; i++)
        {
            bed.Pump();
            Assert.NotNull(bed.Frontend.TryReceive(17));
        }
    }

    [Fact]
    public void Half_a_message_and_then_nothing_is_noticed_when_the_peer_goes()
    {
        using var bed = new TestBed();
        bed.Frontend.SendRaw(FakeFrontend.Message(2, FakeFrontend.U64(0)).AsSpan(0, 15));
        Assert.True(bed.Server.IsConnected);
        bed.Frontend.Socket.ShutDown();
        bed.Pump();
        Assert.False(bed.Server.IsConnected);
        Assert.Contains(bed.Log.Lines, l => l.Contains("in the middle of a message", StringComparison.Ordinal));
    }

    [Fact]
    public void The_gpu_socket_goes_to_the_hook_without_an_answer()
    {
        UnixSocketHandle? got = null;
        using var bed = new TestBed(onGpuSocket: s => got = s);
        var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
        bed.Frontend.Send(33, [], FakeFrontend.Version, b);
        b.Dispose();
        Assert.NotNull(got);
        Assert.Null(bed.Frontend.TryReceive(33));
        got.Dispose();
        Assert.Equal(Errno.None, a.Receive(new byte[1], [], out var n, out _));
        Assert.Equal(0, n);
        a.Dispose();
    }

    [Fact]
    public void The_gpu_socket_is_closed_where_nobody_wants_it_and_on_devices_that_are_no_gpu()
    {
        foreach (var deviceId in new uint[] { 16, 18 })
        {
            using var bed = new TestBed(new StubDevice(deviceId));
            var (a, b) = UnixSocketHandle.CreatePair(nonBlocking: true);
            bed.Frontend.Send(33, [], FakeFrontend.Version, b);
            b.Dispose();
            Assert.Equal(Errno.None, a.Receive(new byte[1], [], out var n, out _));
            Assert.Equal(0, n);
            Assert.False(bed.Frontend.IsClosed);
            a.Dispose();
        }
    }

    [Fact]
    public void Reset_device_stops_rings_and_resets_the_model_but_keeps_memory()
    {
        using var bed = new TestBed();
        bed.Start();
        Assert.True(bed.Device.IsRunning(0));
        Assert.Equal(0UL, bed.Frontend.Acknowledged(34, []));
        Assert.False(bed.Device.IsRunning(0));
        Assert.Equal(1, bed.Device.Resets);
        Assert.Single(bed.Device.Host!.Memory.Regions);
    }

    [Fact]
    public void Requests_whose_feature_was_not_negotiated_are_refused()
    {
        using var bed = new TestBed();
        bed.Negotiate(protocolFeatures: 1 << 3);
        Assert.Equal(1UL, bed.Frontend.Acknowledged(34, []));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(39, FakeFrontend.U64(1)));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(21, []));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(37, FakeFrontend.U64(0, 0, 4096, 0, 0), bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(38, FakeFrontend.U64(0, 0, 4096, 0, 0)));
        Assert.Equal(0, bed.Device.Resets);
    }

    [Fact]
    public void Status_is_kept_and_zero_is_not_taken_for_a_reset()
    {
        using var bed = new TestBed();
        bed.Start();
        bed.Frontend.Send(39, FakeFrontend.U64(15));
        Assert.Equal(15UL, bed.Frontend.Ask(40));
        bed.Frontend.Send(39, FakeFrontend.U64(0));
        Assert.Equal(0, bed.Device.Resets);
    }

    [Fact]
    public void Capabilities_are_what_libvirt_reads()
    {
        Assert.Equal("gpu", System.Text.Json.JsonDocument.Parse(VhostUserProgram.Capabilities(16)).RootElement.GetProperty("type").GetString());
        Assert.Equal("input", System.Text.Json.JsonDocument.Parse(VhostUserProgram.Capabilities(18)).RootElement.GetProperty("type").GetString());
        Assert.Throws<ArgumentOutOfRangeException>(() => VhostUserProgram.Capabilities(1));
    }
}
