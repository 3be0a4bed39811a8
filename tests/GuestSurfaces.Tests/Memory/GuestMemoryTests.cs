// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using Xunit;

namespace GuestSurfaces.Tests.Memory;

/// <summary>Guest addresses: inside, or refused.</summary>
public sealed class GuestMemoryTests
{
    private const ulong Page = 4096;

    [Fact]
    public void An_access_straddles_adjacent_regions_of_different_files()
    {
        using var memory = new GuestMemory();
        using var low = FakeRam.Create(Page);
        using var high = FakeRam.Create(4 * Page);
        Assert.True(memory.TryAdd(FakeRam.Region(high, 0x11000, Page, 3 * Page)));
        Assert.True(memory.TryAdd(FakeRam.Region(low, 0x10000, Page)));
        var bytes = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        Assert.True(memory.TryWrite(0x11000 - 100, bytes));
        var back = new byte[256];
        Assert.True(memory.TryRead(0x11000 - 100, back));
        Assert.Equal(bytes, back);
        Assert.True(memory.Contains(0x10000, 2 * Page));
        using var copy = SharedRegion.TryOpen(FakeRam.Create(Page), 0, Page, mayMap: true, out _)!;
        Assert.True(memory.TryCopyTo(0x11000 - 100, copy, 7, 256));
        Assert.True(copy.TryRead(7, back));
        Assert.Equal(bytes, back);
    }

    [Fact]
    public void A_window_and_a_translation_lie_in_one_region()
    {
        using var memory = new GuestMemory();
        using var file = FakeRam.Create(2 * Page);
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, Page, 0, 0x7000)));
        Assert.True(memory.TryAdd(FakeRam.Region(file, Page, Page, Page, 0x8000)));
        Assert.True(memory.TryGetWindow(0, Page, out var window));
        Assert.Equal(Page, window.LengthBytes);
        Assert.False(memory.TryGetWindow(1, Page, out _));
        Assert.False(memory.TryGetWindow(2 * Page, 1, out _));
        Assert.True(memory.TryTranslateFrontend(0x7fff, 1, out var guest));
        Assert.Equal(Page - 1, guest);
        Assert.False(memory.TryTranslateFrontend(0x7fff, 2, out _));
        Assert.False(memory.TryTranslateFrontend(0x6fff, 1, out _));
        Assert.False(memory.TryTranslateFrontend(0x7000, ulong.MaxValue, out _));
    }

    [Fact]
    public void Windows_check_their_own_ends_and_die_with_their_region()
    {
        using var memory = FakeRam.Memory(Page);
        Assert.True(memory.TryGetWindow(16, 8, out var window));
        Assert.True(window.TryWrite(0, 0x1122334455667788UL));
        Assert.True(window.TryRead(4, out uint high));
        Assert.Equal(0x11223344u, high);
        Assert.False(window.TryRead(5, out uint _));
        Assert.False(window.TryRead(ulong.MaxValue, out byte _));
        Assert.False(window.TryWrite(8, (byte)1));
        Assert.True(window.TryStoreRelease(6, 0xabcd));
        Assert.True(window.TryLoadAcquire(6, out var index));
        Assert.Equal(0xabcd, index);
        Assert.False(window.TryLoadAcquire(7, out _));
        Assert.False(window.TryLoadAcquire(8, out _));
        Assert.False(default(GuestWindow).TryRead(0, out byte _));
        memory.Clear();
        Assert.False(window.TryRead(0, out byte _));
        Assert.False(window.TryWrite(0, (byte)1));
        Assert.False(window.TryLoadAcquire(0, out _));
        Assert.False(window.TryStoreRelease(0, 1));
    }

    [Fact]
    public void Ring_indices_at_odd_places_in_memory_are_refused()
    {
        using var file = FakeRam.Create(Page);
        using var region = SharedRegion.TryOpen(file.Duplicate<MemFdHandle>(), 1, 100, mayMap: true, out _)!;
        Assert.False(region.TryLoadAcquire(0, out _));
        Assert.False(region.TryStoreRelease(2, 1));
        Assert.True(region.TryLoadAcquire(1, out _));
    }

    [Fact]
    public void Addresses_wrap_nowhere()
    {
        using var memory = new GuestMemory();
        using var file = FakeRam.Create(2 * Page);
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, Page)));
        using var atTheTop = FakeRam.Region(file, ulong.MaxValue - Page + 1, Page).Bytes;
        Assert.False(memory.TryAdd(new GuestMemoryRegion(ulong.MaxValue - Page + 1, 0, atTheTop, FakeRam.Sealed)));
        Assert.True(memory.TryAdd(FakeRam.Region(file, ulong.MaxValue - Page, Page)));
        Assert.False(memory.TryRead(ulong.MaxValue - 1, new byte[4]));
        Assert.False(memory.Contains(ulong.MaxValue - 1, 4));
        Assert.False(memory.Contains(0, 0));
        Assert.False(memory.TryGetWindow(ulong.MaxValue - 1, ulong.MaxValue, out _));
        Assert.False(memory.TryWrite(Page - 1, new byte[2]));
        Assert.False(memory.TryRead(Page, new byte[1]));
    }

    [Theory]
    [InlineData(0x10000, 0x3000)]
    [InlineData(0xf000, 0x2000)]
    [InlineData(0x11000, 0x1000)]
    [InlineData(0x12000, 0x10000)]
    [InlineData(0, 0x20000)]
    public void Overlapping_regions_are_refused(ulong guest, ulong size)
    {
        using var memory = new GuestMemory();
        using var file = FakeRam.Create(0x20000);
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0x10000, 0x3000)));
        var refused = FakeRam.Region(file, guest, size);
        Assert.False(memory.TryAdd(refused));
        refused.Bytes.Dispose();
        Assert.Single(memory.Regions);
        Assert.Equal(1u, memory.Generation);
    }

    [Fact]
    public void Regions_are_kept_in_order_and_removed_by_all_their_numbers()
    {
        using var memory = new GuestMemory();
        using var file = FakeRam.Create(16 * Page);
        foreach (var guest in new ulong[] { 5, 1, 9, 3 })
            Assert.True(memory.TryAdd(FakeRam.Region(file, guest * Page, Page, 0, guest * 0x10000)));
        Assert.Equal([Page, 3 * Page, 5 * Page, 9 * Page], memory.Regions.Select(r => r.GuestAddress));
        Assert.False(memory.TryRemove(3 * Page, 0, Page));
        Assert.False(memory.TryRemove(3 * Page, 0x30000, 2 * Page));
        var region = memory.Regions[1];
        Assert.True(memory.TryRemove(3 * Page, 0x30000, Page));
        Assert.Equal(0UL, region.Bytes.LengthBytes);
        Assert.False(memory.Contains(3 * Page, 1));
        Assert.Equal(5u, memory.Generation);
    }

    [Fact]
    public void Replacing_the_map_keeps_what_is_in_both_and_closes_the_rest()
    {
        using var memory = new GuestMemory();
        using var file = FakeRam.Create(16 * Page);
        Assert.True(memory.TryReplace([FakeRam.Region(file, Page, Page), FakeRam.Region(file, 0, Page)]));
        var (first, second) = (memory.Regions[0], memory.Regions[1]);
        var again = FakeRam.Region(file, 0, Page);
        var moved = FakeRam.Region(file, Page, Page, Page);
        Assert.True(memory.TryReplace([again, moved]));
        Assert.Same(first, memory.Regions[0]);
        Assert.Same(moved, memory.Regions[1]);
        Assert.Equal(0UL, second.Bytes.LengthBytes);
        Assert.Equal(0UL, again.Bytes.LengthBytes);
        Assert.Equal(2u, memory.Generation);

        var (a, b) = (FakeRam.Region(file, 0, 2 * Page), FakeRam.Region(file, Page, Page));
        Assert.False(memory.TryReplace([a, b]));
        a.Bytes.Dispose();
        b.Bytes.Dispose();
        Assert.Same(first, memory.Regions[0]);
        Assert.Equal(2u, memory.Generation);
        Assert.True(memory.TryReplace([]));
        Assert.Empty(memory.Regions);
    }

    [Fact]
    public void A_file_that_was_cut_fails_instead_of_killing()
    {
        using var file = FakeRam.Create(4 * Page, FileSeals.None);
        using var memory = new GuestMemory();
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, 4 * Page)));
        Assert.True(memory.TryGetWindow(2 * Page, 16, out var window));
        Assert.True(window.TryStoreRelease(0, 7));
        Assert.True(memory.TryWrite((2 * Page) + 8, [1, 2, 3]));
        Assert.Equal(Errno.None, file.Truncate(Page));
        Assert.False(window.TryLoadAcquire(0, out _));
        Assert.False(window.TryStoreRelease(0, 7));
        Assert.False(memory.TryRead(Page - 1, new byte[2]));
        Assert.True(memory.TryRead(Page - 1, new byte[1]));
        Assert.Equal(Page, file.GetSizeBytes());
    }

    [Fact]
    public void A_region_must_lie_in_its_file()
    {
        using var file = FakeRam.Create(2 * Page);
        foreach (var (offset, length) in new (ulong, ulong)[] { (0, 0), (0, (2 * Page) + 1), (2 * Page, 1), (ulong.MaxValue, 2), (1, ulong.MaxValue), (1UL << 63, 1) })
        {
            Assert.Null(SharedRegion.TryOpen(file.Duplicate<MemFdHandle>(), offset, length, mayMap: true, out var errno));
            Assert.Equal(Errno.EINVAL, errno);
        }
    }

    [Fact]
    public void A_range_over_every_region_is_checked_in_one_pass()
    {
        const int regions = 512;
        using var memory = new GuestMemory();
        using var file = FakeRam.Create(Page);
        for (var i = 0; i < regions; i++)
            Assert.True(memory.TryAdd(FakeRam.Region(file, (ulong)i * Page, Page)));
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 16384; i++) // a page list of the greatest length
            Assert.True(memory.Contains(0, regions * Page));
        Assert.False(memory.Contains(0, (regions * Page) + 1));
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds < 1); // some 50 ms; each region searched for from the first took seconds
        for (var i = regions - 1; i >= 0; i--)
            Assert.Same(memory.Regions[i], memory.Find(((ulong)i * Page) + 1));
        Assert.Null(memory.Find(regions * Page));
    }
}
