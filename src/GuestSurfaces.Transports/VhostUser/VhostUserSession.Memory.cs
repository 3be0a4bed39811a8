// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>The messages about guest memory. It may change while rings run.</summary>
internal sealed partial class VhostUserSession
{
    private bool _saidNoZeroCopy;

    private Outcome SetMemoryTable(ReadOnlySpan<MemoryRegionPayload> described, MessageFds fds)
    {
        if (fds.Count != described.Length)
            return Outcome.Refuse($"{described.Length} regions came with {fds.Count} descriptors");
        var regions = new List<GuestMemoryRegion>(described.Length);
        var why = "";
        for (var i = 0; i < described.Length && why.Length == 0; i++)
        {
            var region = RegionOpener.TryOpen(in described[i], fds.Take(i), out var error);
            if (region is null)
                why = $"region {i} ({Range(in described[i])}): {error}";
            else
                regions.Add(region);
        }

        if (why.Length == 0 && !_host.Memory.TryReplace(regions))
            why = "regions overlap";
        if (why.Length > 0)
        {
            foreach (var region in regions)
                region.Bytes.Dispose();
            return Outcome.Refuse(why);
        }

        MemoryChanged();
        return Outcome.Done;
    }

    private Outcome AddRegion(in SingleRegionPayload added, MessageFds fds)
    {
        var described = added.Region;
        if (!Has(ProtocolFeatures.ConfigureMemSlots))
            return Outcome.Refuse("CONFIGURE_MEM_SLOTS was not negotiated");
        if (fds.Count != 1)
            return Outcome.Refuse($"a region came with {fds.Count} descriptors");
        if (_host.Memory.Regions.Count >= _limits.MaxMemoryRegions)
            return Outcome.Refuse($"there are {_limits.MaxMemoryRegions} regions already");
        var region = RegionOpener.TryOpen(in described, fds.Take(0), out var error);
        if (region is null)
            return Outcome.Refuse($"region {Range(in described)}: {error}");
        if (!_host.Memory.TryAdd(region))
        {
            region.Bytes.Dispose();
            return Outcome.Refuse($"region {Range(in described)} overlaps another");
        }

        MemoryChanged();
        return Outcome.Done;
    }

    private Outcome RemoveRegion(in SingleRegionPayload removed)
    {
        var region = removed.Region;
        if (!Has(ProtocolFeatures.ConfigureMemSlots))
            return Outcome.Refuse("CONFIGURE_MEM_SLOTS was not negotiated");
        if (!_host.Memory.TryRemove(region.GuestAddress, region.FrontendAddress, region.SizeBytes))
            return Outcome.Refuse($"there is no region {Range(in region)}");
        MemoryChanged();
        return Outcome.Done;
    }

    private void MemoryChanged()
    {
        foreach (var region in _host.Memory.Regions)
        {
            if (_saidNoZeroCopy || RegionOpener.WhyNoZeroCopy(region) is not { } why)
                continue;
            _saidNoZeroCopy = true;
            _log.Warn($"vhost-user: zero-copy is off for guest RAM at {region.GuestAddress:x} ({region.SizeBytes >> 20} MiB): {why}");
        }

        _device.MemoryChanged();
        foreach (var ring in _rings)
            ring.MemoryChanged();
    }

    private static string Range(in MemoryRegionPayload region) => $"{region.GuestAddress:x}+{region.SizeBytes:x}";
}
