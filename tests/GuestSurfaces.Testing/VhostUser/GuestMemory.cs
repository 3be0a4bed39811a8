// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>One stretch of guest RAM.</summary>
/// <param name="GuestAddress">Where the guest sees it.</param>
/// <param name="SizeBytes">How long it is.</param>
/// <param name="FileOffsetBytes">Where in the memfd it starts: the message's mmap_offset.</param>
/// <param name="UserAddress">Where the front-end claims to have mapped it; ring addresses are told in these terms.</param>
public readonly record struct GuestRegion(ulong GuestAddress, ulong SizeBytes, ulong FileOffsetBytes, ulong UserAddress);

/// <summary>How guest RAM is made.</summary>
public sealed record GuestMemoryOptions
{
    private const ulong MiB = 1024 * 1024;

    /// <summary>Sealed against shrinking, as QEMU and crosvm make it; false: as cloud-hypervisor does.</summary>
    public bool Sealed { get; init; } = true;

    public IReadOnlyList<GuestRegion> Regions { get; init; } = [new(0, 64 * MiB, 0, UserBase)];

    /// <summary>Two regions with a hole below 4 GiB, as a PC has it, the second one further on in the same file.</summary>
    public static GuestMemoryOptions WithHole { get; } = new()
    {
        Regions = [new(0, 32 * MiB, 0, UserBase), new(0x1_0000_0000, 32 * MiB, 32 * MiB, UserBase + (64 * MiB))],
    };

    /// <summary>Two regions that touch for the guest but lie in the wrong order in the file: a buffer may straddle them.</summary>
    public static GuestMemoryOptions Adjacent { get; } = new()
    {
        Regions = [new(0, 32 * MiB, 32 * MiB, UserBase + (256 * MiB)), new(32 * MiB, 32 * MiB, 0, UserBase)],
    };

    /// <summary>Nothing like a real address of either process: whoever dereferences it is found out.</summary>
    public static ulong UserBase => 0x5aa5_0000_0000;
}

/// <summary>Guest RAM: a memfd, its regions, and an allocator that only ever goes forward.</summary>
public sealed class GuestMemory : IDisposable
{
    private readonly SharedRegion _whole;
    private readonly GuestRegion[] _regions;
    private readonly ulong[] _used;

    public GuestMemory(GuestMemoryOptions options)
    {
        _regions = [.. options.Regions];
        _used = new ulong[_regions.Length];
        ulong size = 0;
        foreach (var region in _regions)
            size = Math.Max(size, region.FileOffsetBytes + region.SizeBytes);
        File = MemFdHandle.TryCreate("guest-ram", size, options.Sealed ? FileSeals.Shrink | FileSeals.Grow | FileSeals.Seal : FileSeals.None, out var errno)
            ?? throw new SyscallException($"creating guest RAM of {size} bytes", errno);
        // We own the file: no one else cuts it, sealed or not.
        _whole = SharedRegion.TryOpen(File.Duplicate<MemFdHandle>(), 0, size, mayMap: true, out errno)
            ?? throw new SyscallException("mapping guest RAM", errno);
        _used[0] = 4096; // address 0 is never handed out: it is what a forgotten address looks like
    }

    public MemFdHandle File { get; }

    public ReadOnlySpan<GuestRegion> Regions => _regions;

    /// <summary>Takes memory; it is zero when new and never given back, see <see cref="Mark"/>.</summary>
    public ulong Allocate(ulong sizeBytes, ulong alignment = 4096, int region = 0)
    {
        var at = (_used[region] + alignment - 1) & ~(alignment - 1);
        if (at + sizeBytes > _regions[region].SizeBytes)
            throw new InvalidOperationException($"the scripted guest's RAM is used up: {sizeBytes} bytes wanted in region {region} of {_regions[region].SizeBytes}");
        _used[region] = at + sizeBytes;
        return _regions[region].GuestAddress + at;
    }

    /// <summary>Remembers the allocator's position, to return to it with <see cref="Release"/>.</summary>
    public ulong Mark(int region = 0) => _used[region];

    public void Release(ulong mark, int region = 0) => _used[region] = mark;

    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var at = FileOffset(address, out var left);
            var n = (int)Math.Min((ulong)bytes.Length, left);
            _whole.TryWrite(at, bytes[..n]);
            bytes = bytes[n..];
            address += (ulong)n;
        }
    }

    public void Read(ulong address, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var at = FileOffset(address, out var left);
            var n = (int)Math.Min((ulong)bytes.Length, left);
            _whole.TryRead(at, bytes[..n]);
            bytes = bytes[n..];
            address += (ulong)n;
        }
    }

    public void Write<T>(ulong address, T value)
        where T : unmanaged => _whole.TryWrite(FileOffset(address, out _), value);

    public T Read<T>(ulong address)
        where T : unmanaged
    {
        _whole.TryRead<T>(FileOffset(address, out _), out var value);
        return value;
    }

    public ushort LoadAcquire(ulong address)
    {
        _whole.TryLoadAcquire(FileOffset(address, out _), out var value);
        return value;
    }

    public void StoreRelease(ulong address, ushort value) => _whole.TryStoreRelease(FileOffset(address, out _), value);

    /// <summary>The front-end's own address of a guest address, as SET_VRING_ADDR wants it.</summary>
    public ulong UserAddress(ulong address)
    {
        foreach (ref readonly var region in Regions)
        {
            if (address >= region.GuestAddress && address - region.GuestAddress < region.SizeBytes)
                return region.UserAddress + (address - region.GuestAddress);
        }

        throw new ArgumentOutOfRangeException(nameof(address), $"0x{address:x} is no RAM of the scripted guest");
    }

    public void Dispose()
    {
        _whole.Dispose();
        File.Dispose();
    }

    private ulong FileOffset(ulong address, out ulong bytesLeft)
    {
        foreach (ref readonly var region in Regions)
        {
            var into = address - region.GuestAddress;
            if (address >= region.GuestAddress && into < region.SizeBytes)
            {
                bytesLeft = region.SizeBytes - into;
                return region.FileOffsetBytes + into;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(address), $"0x{address:x} is no RAM of the scripted guest");
    }
}
