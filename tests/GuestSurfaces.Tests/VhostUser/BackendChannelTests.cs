// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>Our requests to the VMM: never more than one on its way, and never a wait.</summary>
public sealed class BackendChannelTests
{
    [Fact]
    public void A_configuration_change_is_told_without_waiting_for_the_answer_and_many_become_one_more()
    {
        using var bed = new TestBed();
        using var channel = Open(bed, TestBed.AllProtocolFeatures);
        for (var i = 0; i < 100_000; i++)
            bed.Device.Host!.NotifyConfigChanged();
        Assert.Equal(FakeFrontend.Message(2, [], 1 | 8), Receive(channel));
        bed.Pump();
        Assert.Null(Receive(channel));
        Answer(bed, channel, 0);
        Assert.Equal(FakeFrontend.Message(2, [], 1 | 8), Receive(channel));
        Answer(bed, channel, 0);
        Assert.Null(Receive(channel));
    }

    [Fact]
    public void Without_acknowledgements_none_is_asked_for_and_a_full_socket_drops_nothing_but_repeats()
    {
        using var bed = new TestBed();
        using var channel = Open(bed, TestBed.AllProtocolFeatures & ~8UL);
        for (var i = 0; i < 100_000; i++)
            bed.Device.Host!.NotifyConfigChanged();
        Assert.Equal(FakeFrontend.Message(2, [], 1), Receive(channel));
        while (Receive(channel) is not null)
        {
        }

        bed.Pump();
        Assert.NotNull(Receive(channel)); // the one that stands for all that didn't fit
        while (Receive(channel) is not null)
        {
        }

        bed.Pump();
        Assert.Null(Receive(channel));
    }

    [Fact]
    public void A_VMM_that_does_not_pass_changes_on_is_named_once()
    {
        using var bed = new TestBed();
        using var channel = Open(bed, TestBed.AllProtocolFeatures);
        for (var i = 0; i < 3; i++)
        {
            bed.Device.Host!.NotifyConfigChanged();
            Assert.NotNull(Receive(channel));
            Answer(bed, channel, 1);
        }

        Assert.Single(bed.Log.Lines, l => l.Contains("doesn't pass on", StringComparison.Ordinal));
    }

    [Fact]
    public void An_answer_to_nothing_or_with_descriptors_closes_the_channel_and_only_that()
    {
        using var bed = new TestBed();
        using (var channel = Open(bed, TestBed.AllProtocolFeatures))
        {
            Answer(bed, channel, 0);
            bed.Device.Host!.NotifyConfigChanged();
            Assert.Null(Receive(channel));
        }

        using (var channel = Open(bed, TestBed.AllProtocolFeatures))
        {
            bed.Device.Host!.NotifyConfigChanged();
            Assert.NotNull(Receive(channel));
            Assert.Equal(Errno.None, channel.Send(FakeFrontend.Message(2, FakeFrontend.U64(0), 5), [bed.RamFile], out _));
            bed.Pump();
            bed.Device.Host!.NotifyConfigChanged();
            Assert.Null(Receive(channel));
        }

        Assert.False(bed.Frontend.IsClosed);
    }

    [Fact]
    public void A_channel_that_is_gone_is_no_fault()
    {
        using var bed = new TestBed();
        Open(bed, TestBed.AllProtocolFeatures).Dispose();
        bed.Device.Host!.NotifyConfigChanged();
        bed.Pump();
        bed.Device.Host!.NotifyConfigChanged();
        Assert.False(bed.Frontend.IsClosed);
        Assert.Equal(2UL, bed.Frontend.Ask(17));
    }

    [Fact]
    public void Something_that_is_no_socket_is_refused()
    {
        using var bed = new TestBed();
        bed.Negotiate();
        Assert.Equal(1UL, bed.Frontend.Acknowledged(21, [], bed.RamFile));
        Assert.Equal(1UL, bed.Frontend.Acknowledged(21, []));
    }

    private static UnixSocketHandle Open(TestBed bed, ulong protocolFeatures)
    {
        bed.Negotiate(protocolFeatures: protocolFeatures);
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        bed.Frontend.Send(21, [], FakeFrontend.Version, theirs);
        theirs.Dispose();
        return ours;
    }

    private static byte[]? Receive(UnixSocketHandle channel)
    {
        var bytes = new byte[12];
        var errno = channel.Receive(bytes, [], out var n, out _, wait: false);
        return errno == Errno.None && n == 12 ? bytes : null;
    }

    private static void Answer(TestBed bed, UnixSocketHandle channel, ulong value)
    {
        Assert.Equal(Errno.None, channel.Send(FakeFrontend.Message(2, FakeFrontend.U64(value), 5), [], out _));
        bed.Pump();
    }
}
