// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>What is made of a compositor's words about dma-bufs, sensible or not.</summary>
public sealed class DmabufFeedbackReaderTests : IDisposable
{
    private static readonly (DrmFormat Format, DrmModifier Modifier) s_linear = (DrmFormat.Xrgb8888, DrmModifier.Linear);
    private static readonly (DrmFormat Format, DrmModifier Modifier) s_tiled = (DrmFormat.Xrgb8888, DrmModifier.IntelXTiled);
    private static readonly (DrmFormat Format, DrmModifier Modifier) s_alpha = (DrmFormat.Argb8888, DrmModifier.Linear);

    private readonly FdLeakCheck _leaks = new();
    private readonly HashSet<DmabufPair> _sent = [Pair(s_linear), new DmabufPair(DrmFormat.Argb8888, FakeFeedback.Unnamed)];
    private FakeCompositor? _compositor;
    private DmabufFeedbackReader? _reader;
    private int _changes;

    private DmabufFeedback Current => _reader!.Current;

    private FakeFeedback Feedback => _compositor!.Dmabuf!.DefaultFeedback;

    public void Dispose()
    {
        _compositor?.Dispose();
        _leaks.Dispose();
    }

    [Fact]
    public void Events_of_version_3_become_one_tranche_without_devices()
    {
        Start(new FakeCompositorOptions { DmabufVersion = 3, DmabufPairs = [s_linear, s_tiled] });
        var tranche = Assert.Single(Current.Tranches);
        Assert.Equal((0UL, false), (tranche.Device, tranche.IsScanout));
        Assert.Equal([Pair(s_linear), Pair(s_tiled)], tranche.Pairs);
        Assert.Null(Current.MainDevice);
        Assert.Same(Current, Current);
    }

    [Theory]
    [InlineData(4u)]
    [InlineData(5u)]
    public void Tranches_come_in_order_with_their_devices_and_flags(uint version)
    {
        Start(new FakeCompositorOptions
        {
            DmabufVersion = version,
            DefaultTranches = [new FakeTranche(true, s_tiled) { Device = 7 }, new FakeTranche(false, s_linear, s_alpha, s_tiled) { Device = 9 }],
        });
        Assert.Equal(FakeFeedback.MainDevice, Current.MainDevice);
        Assert.Equal([(7UL, true), (9UL, false)], Current.Tranches.Select(static tranche => (tranche.Device, tranche.IsScanout)));
        Assert.Equal([Pair(s_tiled)], Current.Tranches[0].Pairs);
        Assert.Equal([Pair(s_linear), Pair(s_alpha), Pair(s_tiled)], Current.Tranches[1].Pairs);
        Assert.True(Current.Offers(s_linear.Format, s_linear.Modifier));
        Assert.False(Current.ScansOut(s_linear.Format, s_linear.Modifier));
        Assert.True(Current.ScansOut(s_tiled.Format, s_tiled.Modifier));
        Assert.Equal(1, _changes);
    }

    [Fact]
    public void Nothing_counts_before_the_last_word()
    {
        Start(new FakeCompositorOptions { DmabufVersion = 4, DefaultTranches = [new FakeTranche(false, s_linear)] });
        var before = Current;
        Feedback.Send([new FakeTranche(true, s_tiled)], withDone: false);
        Pump();
        Assert.Same(before, Current);
        Feedback.Resource.SendDone();
        Pump();
        Assert.Equal([Pair(s_tiled)], Assert.Single(Current.Tranches).Pairs);
        Assert.Equal([Pair(s_linear)], Assert.Single(before.Tranches).Pairs);
    }

    [Fact]
    public void Table_stays_for_tranches_that_are_sent_without_one()
    {
        Start(new FakeCompositorOptions { DmabufVersion = 4, DefaultTranches = [new FakeTranche(true, s_tiled), new FakeTranche(false, s_linear)] });
        Feedback.Send([new FakeTranche(false, s_linear)], withTable: false);
        Pump();
        Assert.Equal([Pair(s_linear)], Assert.Single(Current.Tranches).Pairs);
        Assert.Equal(2, _changes);
    }

    [Fact]
    public void Feedback_that_is_repeated_changes_nothing()
    {
        FakeTranche[] tranches = [new(true, s_tiled), new(false, s_linear, s_alpha)];
        Start(new FakeCompositorOptions { DmabufVersion = 4, DefaultTranches = tranches });
        var before = Current;
        Feedback.Send(tranches);
        Feedback.Send([tranches[0], new FakeTranche(false, s_alpha, s_linear)]); // within a tranche there is no order
        Pump();
        Assert.Same(before, Current);
        Feedback.Send([tranches[1], tranches[0]]);
        Feedback.Send([tranches[1], tranches[0] with { IsScanout = false }]);
        Feedback.Send([tranches[1], tranches[0] with { IsScanout = false, Device = 1 }]);
        Pump();
        Assert.Equal(4, _changes);
    }

    [Fact]
    public void Tranches_that_are_empty_and_indices_out_of_the_table_are_passed_over()
    {
        Start(new FakeCompositorOptions { DmabufVersion = 4, DefaultTranches = [new FakeTranche(false, s_linear)] });
        var feedback = Feedback.Resource;
        feedback.SendTrancheFlags(ZwpLinuxDmabufFeedbackV1TrancheFlags.Scanout);
        feedback.SendTrancheDone();
        feedback.SendTrancheFormats([2, 0, 0xff, 0xff, 1, 0, 0]); // an index past the end, the largest one, a good one, half a one
        feedback.SendTrancheDone();
        feedback.SendTrancheFormats([1, 0]); // a tranche that doesn't end
        feedback.SendMainDevice([1, 2, 3]); // no dev_t
        feedback.SendDone();
        Pump();
        var tranche = Assert.Single(Current.Tranches);
        Assert.False(tranche.IsScanout); // the empty tranche's flag isn't this one's
        Assert.Equal([Pair(s_linear)], tranche.Pairs);
        Assert.Equal(0UL, Current.MainDevice);
    }

    [Theory]
    [InlineData(16, 32u)] // cut short
    [InlineData(16, 0u)]
    [InlineData(16, 15u)]
    [InlineData(16, uint.MaxValue)]
    [InlineData(2 << 20, 2u << 20)] // more than indices reach
    public void Table_that_cant_be_read_offers_nothing(int realBytes, uint saidBytes)
    {
        Start(new FakeCompositorOptions { DmabufVersion = 4, DefaultTranches = [new FakeTranche(false, s_linear)] });
        Feedback.SendTable(new byte[realBytes], saidBytes);
        Feedback.Resource.SendTrancheFormats([0, 0]);
        Feedback.Resource.SendTrancheDone();
        Feedback.Resource.SendDone();
        Pump();
        Assert.Empty(Current.Tranches);
    }

    [Fact]
    public void Tranches_and_pairs_without_end_stop_at_a_limit()
    {
        Start(new FakeCompositorOptions { DmabufVersion = 4 });
        var table = new ulong[2 << 16];
        for (var i = 0; i < table.Length; i++)
            table[i] = (ulong)(i / 2) << (i % 2 == 0 ? 0 : 8);
        Feedback.SendTable(MemoryMarshal.AsBytes(table.AsSpan()), (uint)table.Length * sizeof(ulong));
        for (var tranche = 0; tranche < 100; tranche++)
        {
            for (var first = 0; first < (tranche < 2 ? 1 << 16 : 1000); first += 1000)
                Feedback.Resource.SendTrancheFormats(MemoryMarshal.AsBytes(Enumerable.Range(first, Math.Min(1000, (1 << 16) - first)).Select(static i => (ushort)i).ToArray().AsSpan()));
            Feedback.Resource.SendTrancheDone();
            Pump();
        }

        Feedback.Resource.SendDone();
        Pump();
        Assert.Equal(1 << 16, Current.Tranches.Sum(static tranche => tranche.Pairs.Count));
        for (var i = 0; i < 100; i++)
        {
            Feedback.Resource.SendTrancheFormats([1, 0]);
            Feedback.Resource.SendTrancheDone();
        }

        Feedback.Resource.SendDone();
        Pump();
        Assert.Equal(64, Current.Tranches.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Garbage_offers_only_what_the_table_says(int seed)
    {
        Start(new FakeCompositorOptions { DmabufVersion = 5 });
        var random = new Random(seed);
        for (var round = 0; round < 1000; round++)
        {
            for (var events = random.Next(12); events > 0; events--)
                SendGarbage(random);
            Feedback.Resource.SendDone();
            Pump();
        }

        Assert.InRange(_changes, 100, 1001);
    }

    private void SendGarbage(Random random)
    {
        var bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        switch (random.Next(6))
        {
            case 0:
                var table = new byte[random.Next(1, 2000)];
                random.NextBytes(table);
                Feedback.SendTable(table, (uint)(random.Next(3) == 0 ? random.Next(4000) : table.Length));
                for (var at = 0; at + 16 <= table.Length; at += 16)
                {
                    var (format, modifier) = (BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(at)), BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(at + 8)));
                    _sent.Add(new DmabufPair(new DrmFormat(format), new DrmModifier(modifier)));
                }

                break;
            case 1:
                Feedback.Resource.SendMainDevice(bytes);
                break;
            case 2:
                Feedback.Resource.SendTrancheTargetDevice(bytes);
                break;
            case 3:
                Feedback.Resource.SendTrancheFlags((ZwpLinuxDmabufFeedbackV1TrancheFlags)random.Next());
                break;
            case 4:
                for (var i = 1; i < bytes.Length; i += 2)
                    bytes[i] &= 0x01; // mostly inside
                Feedback.Resource.SendTrancheFormats(bytes);
                break;
            default:
                Feedback.Resource.SendTrancheDone();
                break;
        }

        Pump();
        Assert.All(Current.Tranches.SelectMany(static tranche => tranche.Pairs), pair => Assert.Contains(pair, _sent));
    }

    private static DmabufPair Pair((DrmFormat Format, DrmModifier Modifier) pair) => new(pair.Format, pair.Modifier);

    private void Start(FakeCompositorOptions options)
    {
        _compositor = new FakeCompositor(options, new VirtualClock());
        var globals = new WaylandGlobals(_compositor.ClientConnection);
        Pump();
        _reader = new DmabufFeedbackReader(globals.Require<ZwpLinuxDmabufV1>(), () => _changes++);
        Pump();
    }

    private void Pump()
    {
        for (var i = 0; i < 2; i++)
        {
            _compositor!.ClientConnection.Flush();
            _compositor.Dispatch();
            _compositor.Client.Flush();
            _compositor.ClientConnection.Dispatch();
        }

        _compositor!.ClientConnection.ThrowIfFailed();
    }
}
