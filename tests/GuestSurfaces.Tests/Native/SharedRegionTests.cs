// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using Xunit;

namespace GuestSurfaces.Tests.Native;

public sealed class SharedRegionTests
{
    private const ulong Size = 64 * 1024;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Copies_are_bounded_at_both_ends(bool mapped)
    {
        using var region = Open(mapped, offset: 4096, length: 8192);
        Span<byte> bytes = stackalloc byte[16];
        Assert.True(region.TryWrite(0, bytes));
        Assert.True(region.TryRead(8192 - 16, bytes));
        Assert.False(region.TryRead(8192 - 15, bytes));
        Assert.False(region.TryWrite(8193, []));
        Assert.True(region.TryWrite(8192, []));
        Assert.False(region.TryRead(ulong.MaxValue, bytes));
        Assert.False(region.TryRead(ulong.MaxValue - 7, bytes));
        Assert.False(region.TryRead(8190, out uint _));
        Assert.False(region.TryLoadAcquire(1, out _));
        Assert.False(region.TryLoadAcquire(8192, out _));
        Assert.False(region.TryStoreRelease(8191, 0));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Rows_arrive_whole_whichever_way_a_region_is_read(bool sourceMapped, bool destinationMapped)
    {
        using var source = Open(sourceMapped, 0, Size);
        using var destination = Open(destinationMapped, 0, Size);
        for (uint i = 0; i < Size / 4; i++)
            Assert.True(source.TryWrite(i * 4, in i));
        Assert.True(SharedRegion.TryCopyRows(source, 100, 400, destination, 8, 120, 40, 10));
        for (uint row = 0; row < 10; row++)
        {
            for (uint x = 0; x < 10; x++)
            {
                Assert.True(destination.TryRead(8 + (row * 120) + (x * 4), out uint pixel));
                Assert.Equal(25 + (row * 100) + x, pixel);
            }

            Assert.True(destination.TryRead(8 + (row * 120) + 40, out uint beyond));
            Assert.Equal(0u, beyond);
        }

        Assert.False(SharedRegion.TryCopyRows(source, Size - 39, 400, destination, 0, 40, 40, 1));
        Assert.False(SharedRegion.TryCopyRows(source, 0, 400, destination, Size - 40, 120, 40, 2));
    }

    [Fact]
    public void A_file_that_is_cut_fails_its_accesses_and_kills_nobody()
    {
        var file = MemFdHandle.TryCreate("test", Size, FileSeals.None, out _)!;
        using var owner = file.Duplicate<MemFdHandle>();
        using var region = SharedRegion.TryOpen(file, 0, Size, mayMap: false, out _)!;
        Assert.False(region.IsMapped);
        Span<byte> bytes = stackalloc byte[8];
        Assert.True(region.TryRead(Size - 8, bytes));
        Assert.Equal(Errno.None, owner.Truncate(4096));
        Assert.False(region.TryRead(Size - 8, bytes));
        Assert.False(region.TryWrite(Size - 8, bytes));
        Assert.True(region.TryRead(0, bytes));
        Assert.Equal(4096u, owner.GetSizeBytes());
    }

    [Fact]
    public void A_stretch_beyond_its_file_is_refused_and_the_file_closed()
    {
        var file = MemFdHandle.TryCreateSealed("test", 4096, out _)!;
        Assert.Null(SharedRegion.TryOpen(file, 4096, 1, mayMap: true, out var errno));
        Assert.Equal(Errno.EINVAL, errno);
        Assert.True(file.IsClosed);
        Assert.Null(SharedRegion.TryOpen(MemFdHandle.TryCreateSealed("test", 4096, out _)!, ulong.MaxValue, 2, mayMap: true, out _));
        Assert.Null(SharedRegion.TryOpen(MemFdHandle.TryCreateSealed("test", 4096, out _)!, 0, 0, mayMap: true, out _));
    }

    [Fact]
    public void After_disposal_every_access_fails()
    {
        var region = Open(true, 0, 4096);
        region.Dispose();
        Assert.False(region.TryRead(0, out byte _));
        Assert.False(region.TryStoreRelease(0, 1));
        Assert.Equal(0u, region.LengthBytes);
    }

    private static SharedRegion Open(bool mapped, ulong offset, ulong length)
    {
        var file = MemFdHandle.TryCreate("test", Size, mapped ? FileSeals.Shrink : FileSeals.None, out _)!;
        return SharedRegion.TryOpen(file, offset, length, mapped, out _)!;
    }
}
