// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Makes one buffer of a resource's guest pages (udmabuf), so that they are shown without a copy. The direct rung plugs in here. Thread: the device's loop;
/// asked when a resource is first scanned out, not in a flush.
/// </summary>
public interface IGuestBufferExporter
{
    /// <summary>Counts how often room came back after a decline for want of it: what was declined at another count is worth another try.</summary>
    int RoomMade => 0;

    /// <summary>Exports a page list.</summary>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="backing">The pages, in order.</param>
    /// <param name="sizeBytes">How much of them; at most the list.</param>
    /// <param name="decline">Why not, and what to do about it, for the user; meaningless on success.</param>
    /// <returns>The storage (the caller's, to drop), or null: the rows are copied then.</returns>
    BufferStorage? TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline);
}

/// <summary>Declines everything: the copy rung.</summary>
/// <param name="reason">Why.</param>
public sealed class NoBufferExporter(RungReport reason) : IGuestBufferExporter
{
    /// <summary>For a device that was given no other.</summary>
    public static readonly NoBufferExporter Instance = new(new RungReport(Rung.Copy, "guest blobs are copied: this device process was given no way to share guest pages"));

    /// <inheritdoc/>
    public BufferStorage? TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline)
    {
        decline = reason;
        return null;
    }
}
