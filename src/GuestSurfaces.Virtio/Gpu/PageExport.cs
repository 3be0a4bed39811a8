// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// A resource's guest pages as one buffer, or why not. A decline is final for its page list, except that one for want of room is tried again when there is some.
/// </summary>
internal sealed class PageExport
{
    private static readonly RungReport s_direct = new(Rung.Direct, "");

    private int _triedAt;

    /// <summary>The pages as one buffer; null on the copy rung.</summary>
    public BufferStorage? Storage { get; private set; }

    /// <summary>The rung and its reason; null until it was tried.</summary>
    public RungReport? Report { get; private set; }

    /// <summary>How the buffer was shown last.</summary>
    public BlobFramebuffer Shape { get; set; }

    /// <summary>Whether there may be room now for what there was none before.</summary>
    public bool MayRetry(IGuestBufferExporter exporter) => Report is not null && Storage is null && _triedAt != exporter.RoomMade;

    /// <summary>Makes the buffer, unless that was tried.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="backing">The pages.</param>
    /// <param name="sizeBytes">How much of them.</param>
    /// <param name="exporter">Makes it.</param>
    /// <returns>The rung and its reason.</returns>
    public RungReport Try(GuestMemory memory, BackingList backing, ulong sizeBytes, IGuestBufferExporter exporter)
    {
        if (Report is { } known && !MayRetry(exporter))
            return known;
        _triedAt = exporter.RoomMade;
        Storage = exporter.TryExport(memory, backing, sizeBytes, out var decline);
        return Report = Storage is null ? decline : s_direct;
    }

    /// <summary>Gives the buffer up; it lives on while it is read. The next try starts anew.</summary>
    public void Forget()
    {
        Storage?.Drop();
        Storage = null;
        Report = null;
    }
}
