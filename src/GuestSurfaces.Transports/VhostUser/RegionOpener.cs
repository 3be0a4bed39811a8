// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.Udmabuf;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>Opens the guest RAM that a VMM describes, after checking every number against the others and against the file.</summary>
internal static class RegionOpener
{
    /// <summary>Opens one region.</summary>
    /// <param name="described">The VMM's numbers.</param>
    /// <param name="fd">Adopted, also on failure.</param>
    /// <param name="error">What is wrong, as a sentence without a full stop.</param>
    /// <returns>The region (the caller's), or null.</returns>
    internal static GuestMemoryRegion? TryOpen(in MemoryRegionPayload described, ReceivedFd fd, out string error)
    {
        var file = fd.Take<MemFdHandle>();
        error = Check(in described, file);
        if (error.Length > 0)
        {
            file.Dispose();
            return null;
        }

        // Without the seal the file's owner could cut it under a mapping, and that would kill us. Huge pages can't be written any other way: there the
        // VMM, which owns the guest anyway, is trusted not to.
        var seals = file.GetSeals();
        var mayMap = (seals & FileSeals.Shrink) != 0 || file.IsHuge();
        var bytes = SharedRegion.TryOpen(file, described.FileOffset, described.SizeBytes, mayMap, out var errno);
        if (bytes is null)
        {
            error = $"its file can't be mapped ({errno})";
            return null;
        }

        return new GuestMemoryRegion(described.GuestAddress, described.FrontendAddress, bytes, seals);
    }

    /// <summary>Says why frames from this region can't be shown without copying them, or returns null.</summary>
    internal static string? WhyNoZeroCopy(GuestMemoryRegion region)
    {
        if ((region.Seals & FileSeals.Shrink) == 0)
        {
            return $"its file isn't sealed against shrinking{(region.Bytes.IsMapped ? "" : ", so it is also read by system calls instead of a mapping")}; "
                + UdmabufExporter.MemfdRemedy;
        }

        return (region.Seals & (FileSeals.Write | FileSeals.FutureWrite)) != 0 ? "its file is sealed against writing, which udmabuf refuses" : null;
    }

    private static string Check(in MemoryRegionPayload described, MemFdHandle file)
    {
        if (described.SizeBytes == 0)
            return "it is empty";
        if (described.GuestAddress + described.SizeBytes < described.GuestAddress)
            return "its guest addresses wrap around";
        if (described.FrontendAddress + described.SizeBytes < described.FrontendAddress)
            return "its front-end addresses wrap around";
        var end = described.FileOffset + described.SizeBytes;
        if (end < described.FileOffset)
            return "its file offsets wrap around";
        var size = file.GetSizeBytes();
        return size < end ? $"it ends at {end} in a file of {size} bytes" : "";
    }
}
