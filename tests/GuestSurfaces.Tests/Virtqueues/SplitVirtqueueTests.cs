// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Virtio.Queues;
using Xunit;

namespace GuestSurfaces.Tests.Virtqueues;

/// <summary>The device's end of a split ring against a driver that keeps the rules, and against ones that don't.</summary>
public sealed class SplitVirtqueueTests : IQueueInterrupt, IDisposable
{
    private const ulong RamBytes = 1 << 20;
    private const ushort Next = 1;
    private const ushort Write = 2;
    private const ushort Indirect = 4;
    private readonly GuestMemory _ram = FakeRam.Memory(RamBytes);
    private readonly DescriptorChain _chain = new();
    private int _interrupts;

    void IQueueInterrupt.Interrupt() => _interrupts++;

    public void Dispose() => _ram.Dispose();

    [Fact]
    public void A_chain_arrives_with_its_parts_and_its_answer_goes_back()
    {
        var (driver, queue) = Open(8);
        Assert.True(_ram.TryWrite(0x8000, "hello, "u8) & _ram.TryWrite(0x9000, "ring"u8));
        var head = driver.Post(new(0x8000, 7, false), new(0x9000, 4, false), new(0xa000, 3, true), new(0xb000, 8, true));
        Assert.True(queue.TryPop(_chain));
        Assert.False(queue.TryPop(new DescriptorChain()));
        Assert.Equal((head, 11UL, 11UL, 4), (_chain.Head, _chain.ReadableBytes, _chain.WritableBytes, _chain.DescriptorCount));
        var request = new byte[11];
        Assert.True(_chain.TryRead(0, request));
        Assert.Equal("hello, ring"u8.ToArray(), request);
        Assert.True(_chain.TryRead(9, request.AsSpan(0, 2)));
        Assert.False(_chain.TryRead(9, request.AsSpan(0, 3)));
        Assert.False(_chain.TryRead(12, []));
        Assert.Equal(6u, _chain.Write(0, "answer"u8));
        Assert.Equal(1, queue.InFlight);
        queue.Push(_chain, 6);
        Assert.True(driver.TryTakeUsed(out var taken, out var length));
        Assert.Equal((head, 6u), (taken, length));
        var answer = new byte[3];
        Assert.True(_ram.TryRead(0xb000, answer));
        Assert.Equal("wer"u8.ToArray(), answer);
        Assert.Equal(8, driver.FreeDescriptors);
    }

    [Fact]
    public void An_answer_longer_than_its_room_is_cut_off()
    {
        var (driver, queue) = Open(8);
        driver.Post(new(0x8000, 4, false), new(0x9000, 3, true), new(0x9010, 2, true));
        Assert.True(queue.TryPop(_chain));
        Assert.Equal(5u, _chain.Write(0, new byte[64]));
        Assert.Equal(1u, _chain.Write(4, new byte[64]));
        Assert.Equal(0u, _chain.Write(5, new byte[64]));
        Assert.Equal(0u, _chain.Write(ulong.MaxValue, new byte[64]));
    }

    [Fact]
    public void Zero_length_descriptors_are_nothing_and_harmless()
    {
        var (driver, queue) = Open(8);
        driver.Post(new(0x8000, 0, false), new(0x8000, 4, false), new(ulong.MaxValue, 0, false), new(0x9000, 0, true), new(0x9000, 4, true));
        Assert.True(queue.TryPop(_chain));
        Assert.Equal((4UL, 4UL), (_chain.ReadableBytes, _chain.WritableBytes));
        Assert.True(_chain.TryRead(0, new byte[4]));
        Assert.Equal(4u, _chain.Write(0, new byte[4]));
    }

    [Fact]
    public void Buffers_outside_guest_memory_fail_where_they_are_touched()
    {
        var (driver, queue) = Open(8);
        driver.Post(new(0x8000, 4, false), new(RamBytes - 2, 4, false), new(0x9000, 4, true), new(RamBytes, 4, true));
        Assert.True(queue.TryPop(_chain));
        Assert.True(_chain.TryRead(0, new byte[6]));
        Assert.False(_chain.TryRead(0, new byte[7]));
        Assert.Equal(4u, _chain.Write(0, new byte[8]));
        Assert.Null(queue.BrokenReason);
    }

    [Fact]
    public void Indirect_tables_arrive_also_behind_direct_descriptors_and_with_the_write_flag()
    {
        var (driver, queue) = Open(4);
        driver.PostIndirect(0x4000, new(0x8000, 4, false), new(0x8004, 4, false), new(0x9000, 4, true), new(0x9004, 4, true), new(0x9008, 4, true));
        Assert.True(queue.TryPop(_chain));
        Assert.Equal((8UL, 12UL, 5), (_chain.ReadableBytes, _chain.WritableBytes, _chain.DescriptorCount));

        driver.WriteDescriptorAt(0x5000, 0x9000, 16, Write, 0);
        driver.WriteDescriptor(1, 0x8000, 4, Next, 2);
        driver.WriteDescriptor(2, 0x5000, 16, Indirect | Write, 0);
        driver.Offer(1);
        Assert.True(queue.TryPop(_chain));
        Assert.Equal((4UL, 16UL), (_chain.ReadableBytes, _chain.WritableBytes));
    }

    [Fact]
    public void Indices_wrap_around_65536()
    {
        var (driver, queue) = Open(8, start: 65530);
        for (var i = 0; i < 20; i++)
        {
            driver.Post(new(0x8000, 4, false), new(0x9000, 4, true));
            Assert.True(queue.TryPop(_chain));
            queue.Push(_chain, 4);
            driver.SetUsedEvent((ushort)(driver.UsedIndex - 1));
            queue.FlushNotifications();
            Assert.True(driver.TryTakeUsed(out _, out _));
        }

        Assert.Equal(14, driver.UsedIndex);
        Assert.Equal(14, queue.NextAvailable);
        Assert.Equal(20, _interrupts);
    }

    [Fact]
    public void Answers_go_back_in_any_order()
    {
        var (driver, queue) = Open(8);
        var chains = new DescriptorChain[8];
        var heads = new ushort[8];
        for (var i = 0; i < 8; i++)
        {
            heads[i] = driver.Post(new DriverBuffer(0x8000, 4, true));
            chains[i] = new DescriptorChain();
            Assert.True(queue.TryPop(chains[i]));
        }

        foreach (var i in new[] { 5, 0, 7, 1, 6, 2, 4, 3 })
        {
            queue.Push(chains[i], (uint)i);
            Assert.True(driver.TryTakeUsed(out var head, out var length));
            Assert.Equal((heads[i], (uint)i), (head, length));
        }

        Assert.Equal(0, queue.InFlight);
        Assert.Throws<InvalidOperationException>(() => queue.Push(chains[0], 0));
    }

    [Fact]
    public void With_event_indices_interrupts_come_exactly_when_the_driver_asked()
    {
        var (driver, queue) = Open(8);
        for (var i = 0; i < 4; i++)
            driver.Post(new DriverBuffer(0x8000, 4, true));
        driver.SetUsedEvent(2); // when the third is back
        for (var i = 0; i < 4; i++)
        {
            Assert.True(queue.TryPop(_chain));
            queue.Push(_chain, 0);
            queue.FlushNotifications();
            Assert.Equal(i >= 2 ? 1 : 0, _interrupts);
        }

        queue.FlushNotifications();
        Assert.Equal(1, _interrupts);
    }

    [Fact]
    public void Without_event_indices_the_flags_decide()
    {
        var (driver, queue) = Open(8, eventIndex: false);
        driver.SetInterruptsWanted(false);
        Round(driver, queue);
        Assert.Equal(0, _interrupts);
        driver.SetInterruptsWanted(true);
        Round(driver, queue);
        Assert.Equal(1, _interrupts);

        queue.DisableKicks();
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.False(driver.ShouldKick());
        Assert.True(queue.EnableKicks());
        Assert.True(queue.TryPop(_chain));
        Assert.False(queue.EnableKicks());
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.True(driver.ShouldKick());
    }

    [Fact]
    public void With_event_indices_a_kick_is_wanted_for_the_first_chain_after_sleep()
    {
        var (driver, queue) = Open(8);
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.True(driver.ShouldKick());
        Assert.True(queue.TryPop(_chain));
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.False(driver.ShouldKick()); // still awake
        Assert.True(queue.EnableKicks()); // it came before the wish: look again
        Assert.True(queue.TryPop(_chain));
        Assert.False(queue.EnableKicks());
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.True(driver.ShouldKick());
    }

    [Fact]
    public void A_ring_opens_only_where_it_can_be()
    {
        var limits = new Limits { MaxQueueSize = 1024 };
        foreach (var size in new[] { 0, -1, 3, 100, 2048, 65536, int.MinValue })
            Assert.Null(SplitVirtqueue.TryOpen(_ram, new SplitRingLayout(size, 0, 0x4000, 0x5000, 0, true, true), limits, this, out _));
        foreach (var (d, a, u) in new (ulong, ulong, ulong)[]
                 {
                     (8, 0x4000, 0x5000), (0, 0x4001, 0x5000), (0, 0x4000, 0x5002), (RamBytes, 0x4000, 0x5000), (0, RamBytes - 4, 0x5000), (0, 0x4000, RamBytes - 64),
                     (ulong.MaxValue - 15, 0x4000, 0x5000),
                 })
        {
            Assert.Null(SplitVirtqueue.TryOpen(_ram, new SplitRingLayout(16, d, a, u, 0, true, true), limits, this, out var error));
            Assert.NotEmpty(error);
        }

        Assert.NotNull(SplitVirtqueue.TryOpen(_ram, new SplitRingLayout(1, 0, 0x4000, 0x5000, 0, true, true), limits, this, out _));
    }

    public static TheoryData<string, Action<FakeDriver>> Breakages => new()
    {
        { "jumped", d => d.SetAvailableIndex(9) },
        { "jumped", d => d.SetAvailableIndex(ushort.MaxValue) },
        { "outside the table", d => d.Offer(8) },
        { "outside the table", d => d.Offer(ushort.MaxValue) },
        { "loops", d => Chain(d, new Raw(0x8000, 4, Next, 0)) },
        { "loops", d => Chain(d, new Raw(0x8000, 4, Next, 1), new Raw(0x8000, 4, Next, 2), new Raw(0x8000, 4, Next, 0)) },
        { "successor outside", d => Chain(d, new Raw(0x8000, 4, Next, 8)) },
        { "readable descriptor after", d => Chain(d, new Raw(0x8000, 4, Write | Next, 1), new Raw(0x8000, 4, 0, 0)) },
        { "wraps around", d => Chain(d, new Raw(ulong.MaxValue - 1, 4, 0, 0)) },
        { "no multiple of 16", d => Chain(d, new Raw(0x4000, 0, Indirect, 0)) },
        { "no multiple of 16", d => Chain(d, new Raw(0x4000, 17, Indirect, 0)) },
        { "with a successor", d => Chain(d, new Raw(0x4000, 16, Indirect | Next, 1), new Raw(0x8000, 4, 0, 0)) },
        { "table lies outside", d => Chain(d, new Raw(RamBytes, 16, Indirect, 0)) },
        { "table lies outside", d => Chain(d, new Raw(RamBytes - 16, 32, Indirect, 0)) },
        { "table lies outside", d => Chain(d, new Raw(ulong.MaxValue - 15, 32, Indirect, 0)) },
        { "table lies outside", d => Chain(d, new Raw(0, 0xffff_fff0, Indirect, 0)) },
        { "inside an indirect table", d => Table(d, new Raw(0x4000, 16, Indirect, 0)) },
        { "indirect chain loops", d => Table(d, new Raw(0x8000, 4, Next, 0)) },
        { "successor outside its table", d => Table(d, new Raw(0x8000, 4, Next, 1)) },
        { "readable descriptor after", d => Table(d, new Raw(0x8000, 4, Write | Next, 1), new Raw(0x8000, 4, 0, 0)) },
    };

    [Theory]
    [MemberData(nameof(Breakages), DisableDiscoveryEnumeration = true)]
    public void A_driver_that_breaks_the_rules_breaks_its_ring_once_and_nothing_else(string reason, Action<FakeDriver> misbehave)
    {
        var (driver, queue) = Open(8);
        var broken = 0;
        queue.Broken = _ => broken++;
        misbehave(driver);
        for (var i = 0; i < 3; i++)
            Assert.False(queue.TryPop(_chain));
        Assert.Contains(reason, queue.BrokenReason, StringComparison.Ordinal);
        Assert.Equal(1, broken);
        Assert.False(queue.EnableKicks());
        queue.DisableKicks();
        queue.FlushNotifications();
        Assert.Equal(0, _interrupts);
    }

    [Fact]
    public void Indirect_descriptors_without_the_feature_break_the_ring()
    {
        var (driver, queue) = Open(8, indirect: false);
        driver.PostIndirect(0x4000, new DriverBuffer(0x8000, 4, false));
        Assert.False(queue.TryPop(_chain));
        Assert.Contains("without the feature", queue.BrokenReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chain_longer_than_the_limit_breaks_the_ring()
    {
        var driver = new FakeDriver(_ram, 0x1000, 8, eventIndex: true);
        var queue = SplitVirtqueue.TryOpen(_ram, driver.Layout(), new Limits { MaxChainDescriptors = 100 }, this, out _)!;
        driver.PostIndirect(0x4000, Enumerable.Repeat(new DriverBuffer(0x8000, 1, false), 100).ToArray());
        Assert.True(queue.TryPop(_chain));
        driver.PostIndirect(0x4000, Enumerable.Repeat(new DriverBuffer(0x8000, 1, false), 101).ToArray());
        Assert.False(queue.TryPop(_chain));
        Assert.Contains("more than 100", queue.BrokenReason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_head_offered_again_and_again_is_bounded_by_the_ring()
    {
        var (driver, queue) = Open(8);
        driver.WriteDescriptor(0, 0x8000, 4, Write, 0);
        var popped = 0;
        for (var i = 0; i < 20; i++)
        {
            driver.Offer(0);
            if (queue.TryPop(new DescriptorChain()))
                popped++;
        }

        Assert.Equal(8, popped);
        Assert.Contains("in flight", queue.BrokenReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_ring_whose_memory_goes_rests_until_it_comes_back()
    {
        using var file = FakeRam.Create(RamBytes);
        using var memory = new GuestMemory();
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, RamBytes)));
        var driver = new FakeDriver(memory, 0x1000, 8, eventIndex: true);
        var queue = SplitVirtqueue.TryOpen(memory, driver.Layout(), new Limits(), this, out _)!;
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.True(memory.TryRemove(0, 0, RamBytes));
        Assert.False(queue.HasMemory);
        Assert.False(queue.TryPop(_chain));
        Assert.False(queue.EnableKicks());
        Assert.Null(queue.BrokenReason);
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, RamBytes)));
        Assert.True(queue.TryPop(_chain));
        memory.Clear();
        queue.Push(_chain, 4);
        Assert.NotNull(queue.BrokenReason);
    }

    [Fact]
    public void A_ring_in_a_file_that_is_cut_breaks_politely()
    {
        using var file = FakeRam.Create(RamBytes, FileSeals.None);
        using var memory = new GuestMemory();
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, RamBytes)));
        var driver = new FakeDriver(memory, 0x1000, 8, eventIndex: true);
        var queue = SplitVirtqueue.TryOpen(memory, driver.Layout(), new Limits(), this, out _)!;
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.True(queue.TryPop(_chain));
        queue.Push(_chain, 4);
        Assert.True(driver.TryTakeUsed(out _, out _));
        Assert.Equal(Errno.None, file.Truncate(4096));
        Assert.False(queue.TryPop(_chain));
        Assert.NotNull(queue.BrokenReason);
    }

    private (FakeDriver Driver, SplitVirtqueue Queue) Open(int size, bool eventIndex = true, bool indirect = true, ushort start = 0)
    {
        var driver = new FakeDriver(_ram, 0x1000, size, eventIndex, start);
        var queue = SplitVirtqueue.TryOpen(_ram, driver.Layout(indirect, start), new Limits(), this, out var error);
        Assert.True(queue is not null, error);
        return (driver, queue);
    }

    private void Round(FakeDriver driver, SplitVirtqueue queue)
    {
        driver.Post(new DriverBuffer(0x8000, 4, true));
        Assert.True(queue.TryPop(_chain));
        queue.Push(_chain, 0);
        queue.FlushNotifications();
        Assert.True(driver.TryTakeUsed(out _, out _));
    }

    private static void Chain(FakeDriver driver, params ReadOnlySpan<Raw> descriptors)
    {
        for (var i = 0; i < descriptors.Length; i++)
            driver.WriteDescriptor(i, descriptors[i].Address, descriptors[i].Length, (ushort)descriptors[i].Flags, (ushort)descriptors[i].Next);
        driver.Offer(0);
    }

    private static void Table(FakeDriver driver, params ReadOnlySpan<Raw> descriptors)
    {
        for (var i = 0; i < descriptors.Length; i++)
            driver.WriteDescriptorAt(0x4000 + (16UL * (ulong)i), descriptors[i].Address, descriptors[i].Length, (ushort)descriptors[i].Flags, (ushort)descriptors[i].Next);
        driver.WriteDescriptor(0, 0x4000, (uint)(16 * descriptors.Length), Indirect, 0);
        driver.Offer(0);
    }

    private readonly record struct Raw(ulong Address, uint Length, int Flags, int Next);
}
