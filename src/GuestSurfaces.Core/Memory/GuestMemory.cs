// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Memory;

/// <summary>One stretch of guest RAM as the VMM described it.</summary>
public sealed class GuestMemoryRegion
{
    /// <summary>Describes a region whose bytes are open.</summary>
    /// <param name="guestAddress">Guest-physical address of its first byte.</param>
    /// <param name="frontendAddress">Address of its first byte in the VMM's own process: ring addresses are given in those.</param>
    /// <param name="bytes">Adopted.</param>
    /// <param name="seals">The seals of its file.</param>
    public GuestMemoryRegion(ulong guestAddress, ulong frontendAddress, SharedRegion bytes, FileSeals seals)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        GuestAddress = guestAddress;
        FrontendAddress = frontendAddress;
        Bytes = bytes;
        Seals = seals;
        SizeBytes = bytes.LengthBytes;
    }

    /// <summary>Guest-physical address of the first byte.</summary>
    public ulong GuestAddress { get; }

    /// <summary>The VMM's own address of the first byte.</summary>
    public ulong FrontendAddress { get; }

    /// <summary>Length in bytes.</summary>
    public ulong SizeBytes { get; }

    /// <summary>The bytes; fails every access once the region is gone.</summary>
    public SharedRegion Bytes { get; }

    /// <summary>The seals of the region's file: without <see cref="FileSeals.Shrink"/> there is no udmabuf.</summary>
    public FileSeals Seals { get; }

    /// <summary>Whether both describe the same bytes of the same file in the same place.</summary>
    internal bool IsSame(GuestMemoryRegion other) =>
        GuestAddress == other.GuestAddress && FrontendAddress == other.FrontendAddress && SizeBytes == other.SizeBytes && Seals == other.Seals
        && Bytes.FileOffsetBytes == other.Bytes.FileOffsetBytes && Bytes.IsMapped == other.Bytes.IsMapped
        && Bytes.File.GetIdentity() == other.Bytes.File.GetIdentity();
}

/// <summary>
/// A guest's RAM: the regions that the VMM has shared, by guest-physical address. Every access is a bounded copy.
/// Addresses wrap nowhere: a range is inside or the call returns false. Thread: the device's loop.
/// </summary>
public sealed class GuestMemory : IDisposable
{
    private readonly List<GuestMemoryRegion> _regions = [];
    private int _lastHit;

    /// <summary>Grows by one whenever regions come or go: what was derived from the map before is stale.</summary>
    public uint Generation { get; private set; }

    /// <summary>The regions, by rising guest address.</summary>
    public IReadOnlyList<GuestMemoryRegion> Regions => _regions;

    /// <summary>Adds a region.</summary>
    /// <param name="region">Adopted if this returns true.</param>
    /// <returns>False if its range wraps or overlaps one that is there.</returns>
    public bool TryAdd(GuestMemoryRegion region)
    {
        ArgumentNullException.ThrowIfNull(region);
        if (Wraps(region))
            return false;
        var end = region.GuestAddress + region.SizeBytes;
        var at = 0;
        foreach (var other in _regions)
        {
            if (region.GuestAddress < other.GuestAddress + other.SizeBytes && other.GuestAddress < end)
                return false;
            if (other.GuestAddress < region.GuestAddress)
                at++;
        }

        _regions.Insert(at, region);
        Changed();
        return true;
    }

    /// <summary>Removes the region with exactly these numbers, and closes it.</summary>
    /// <param name="guestAddress">As it was added.</param>
    /// <param name="frontendAddress">As it was added.</param>
    /// <param name="sizeBytes">As it was added.</param>
    /// <returns>False if there is none.</returns>
    public bool TryRemove(ulong guestAddress, ulong frontendAddress, ulong sizeBytes)
    {
        var index = _regions.FindIndex(r => r.GuestAddress == guestAddress && r.FrontendAddress == frontendAddress && r.SizeBytes == sizeBytes);
        if (index < 0)
            return false;
        var region = _regions[index];
        _regions.RemoveAt(index);
        region.Bytes.Dispose();
        Changed();
        return true;
    }

    /// <summary>
    /// Puts a whole new map in place, then closes what of the old one is not in it. A region that is in both keeps its object, so that what was
    /// derived from it stays valid.
    /// </summary>
    /// <param name="regions">Adopted if this returns true.</param>
    /// <returns>False if two of them overlap or one wraps; nothing has changed then.</returns>
    public bool TryReplace(IReadOnlyList<GuestMemoryRegion> regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        var map = new List<GuestMemoryRegion>(regions);
        map.Sort(static (a, b) => a.GuestAddress.CompareTo(b.GuestAddress));
        for (var i = 0; i < map.Count; i++)
        {
            if (Wraps(map[i]) || (i > 0 && map[i].GuestAddress - map[i - 1].GuestAddress < map[i - 1].SizeBytes))
                return false;
        }

        for (var i = 0; i < map.Count; i++)
        {
            var kept = _regions.FindIndex(map[i].IsSame);
            if (kept < 0)
                continue;
            map[i].Bytes.Dispose();
            map[i] = _regions[kept];
            _regions.RemoveAt(kept);
        }

        foreach (var region in _regions)
            region.Bytes.Dispose();
        _regions.Clear();
        _regions.AddRange(map);
        Changed();
        return true;
    }

    /// <summary>Removes and closes all regions.</summary>
    public void Clear()
    {
        foreach (var region in _regions)
            region.Bytes.Dispose();
        _regions.Clear();
        Changed();
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    /// <summary>The region that holds an address, or null.</summary>
    /// <param name="guestAddress">Any guest-physical address.</param>
    public GuestMemoryRegion? Find(ulong guestAddress)
    {
        // Almost every access is to the region of the one before.
        if ((uint)_lastHit < (uint)_regions.Count)
        {
            var hit = _regions[_lastHit];
            if (guestAddress - hit.GuestAddress < hit.SizeBytes)
                return hit;
        }

        // The last that starts at or below it: they are sorted and don't overlap.
        var low = -1;
        var high = _regions.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_regions[middle].GuestAddress <= guestAddress)
                low = middle;
            else
                high = middle - 1;
        }

        if (low < 0 || guestAddress - _regions[low].GuestAddress >= _regions[low].SizeBytes)
            return null;
        _lastHit = low;
        return _regions[low];
    }

    /// <summary>Whether every byte of a range is guest RAM. Ranges may straddle adjacent regions.</summary>
    /// <param name="guestAddress">First byte.</param>
    /// <param name="lengthBytes">How many; 0 is contained nowhere.</param>
    public bool Contains(ulong guestAddress, ulong lengthBytes)
    {
        if (lengthBytes == 0 || guestAddress + lengthBytes < guestAddress)
            return false;
        if (Find(guestAddress) is null)
            return false;
        for (var i = _lastHit; ; i++)
        {
            // From the second on, a region must begin where the one before ended.
            if (i == _regions.Count || guestAddress - _regions[i].GuestAddress >= _regions[i].SizeBytes)
                return false;
            var left = _regions[i].SizeBytes - (guestAddress - _regions[i].GuestAddress);
            if (lengthBytes <= left)
                return true;
            guestAddress += left;
            lengthBytes -= left;
        }
    }

    /// <summary>Copies bytes out of guest RAM.</summary>
    /// <param name="guestAddress">First byte.</param>
    /// <param name="destination">Filled whole, or undefined on failure.</param>
    public bool TryRead(ulong guestAddress, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var region = Find(guestAddress);
            if (region is null)
                return false;
            var offset = guestAddress - region.GuestAddress;
            var n = (int)Math.Min((ulong)destination.Length, region.SizeBytes - offset);
            if (!region.Bytes.TryRead(offset, destination[..n]))
                return false;
            destination = destination[n..];
            guestAddress += (ulong)n;
        }

        return true;
    }

    /// <summary>Copies bytes into guest RAM.</summary>
    /// <param name="guestAddress">First byte.</param>
    /// <param name="source">Written whole, or partly on failure.</param>
    public bool TryWrite(ulong guestAddress, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var region = Find(guestAddress);
            if (region is null)
                return false;
            var offset = guestAddress - region.GuestAddress;
            var n = (int)Math.Min((ulong)source.Length, region.SizeBytes - offset);
            if (!region.Bytes.TryWrite(offset, source[..n]))
                return false;
            source = source[n..];
            guestAddress += (ulong)n;
        }

        return true;
    }

    /// <summary>Copies bytes from guest RAM into a region of ours, without a stop in between.</summary>
    /// <param name="guestAddress">First byte.</param>
    /// <param name="destination">Ours.</param>
    /// <param name="destinationOffset">Where in it.</param>
    /// <param name="lengthBytes">How many.</param>
    public bool TryCopyTo(ulong guestAddress, SharedRegion destination, ulong destinationOffset, ulong lengthBytes)
    {
        ArgumentNullException.ThrowIfNull(destination);
        while (lengthBytes > 0)
        {
            var region = Find(guestAddress);
            if (region is null)
                return false;
            var offset = guestAddress - region.GuestAddress;
            var n = Math.Min(lengthBytes, region.SizeBytes - offset);
            if (!SharedRegion.TryCopy(region.Bytes, offset, destination, destinationOffset, n))
                return false;
            lengthBytes -= n;
            destinationOffset += n;
            guestAddress += n;
        }

        return true;
    }

    /// <summary>Turns a range in the VMM's own address space into guest-physical addresses.</summary>
    /// <param name="frontendAddress">First byte, as the VMM sees it.</param>
    /// <param name="lengthBytes">How many; the range must lie in one region.</param>
    /// <param name="guestAddress">The first byte as the guest sees it.</param>
    public bool TryTranslateFrontend(ulong frontendAddress, ulong lengthBytes, out ulong guestAddress)
    {
        foreach (var region in _regions)
        {
            var offset = frontendAddress - region.FrontendAddress;
            if (offset < region.SizeBytes && lengthBytes <= region.SizeBytes - offset)
            {
                guestAddress = region.GuestAddress + offset;
                return true;
            }
        }

        guestAddress = 0;
        return false;
    }

    /// <summary>A fixed range for repeated access: a ring.</summary>
    /// <param name="guestAddress">First byte.</param>
    /// <param name="lengthBytes">How many; the range must lie in one region.</param>
    /// <param name="window">The range; every access fails once its region is gone.</param>
    public bool TryGetWindow(ulong guestAddress, ulong lengthBytes, out GuestWindow window)
    {
        window = default;
        var region = Find(guestAddress);
        if (region is null)
            return false;
        var offset = guestAddress - region.GuestAddress;
        if (lengthBytes > region.SizeBytes - offset)
            return false;
        window = new GuestWindow(region.Bytes, offset, lengthBytes);
        return true;
    }

    private static bool Wraps(GuestMemoryRegion region) =>
        region.SizeBytes == 0
        || region.GuestAddress + region.SizeBytes < region.GuestAddress
        || region.FrontendAddress + region.SizeBytes < region.FrontendAddress;

    private void Changed()
    {
        Generation++;
        _lastHit = 0;
    }
}
