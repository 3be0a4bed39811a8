// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>A resource whose storage is guest RAM. It has a size in bytes only: what it shows is said when it is put on a scanout.</summary>
/// <param name="id">The guest's number.</param>
/// <param name="sizeBytes">Checked; not more than its pages once they are attached.</param>
internal sealed class GuestBlobResource(uint id, ulong sizeBytes) : GpuResource(id)
{
    private static readonly RungReport s_direct = new(Core.Diagnostics.Rung.Direct, "");

    /// <summary>Its size in bytes.</summary>
    public ulong SizeBytes { get; } = sizeBytes;

    /// <summary>Its pages as one buffer; null on the copy rung.</summary>
    public BufferStorage? Exported { get; private set; }

    /// <summary>The rung and its reason; null until it was tried.</summary>
    public RungReport? Rung { get; private set; }

    /// <summary>Tries the direct rung, once for each page list.</summary>
    public void Export(GuestMemory memory, IGuestBufferExporter exporter)
    {
        if (Rung is not null || Backing is not { } backing)
            return;
        Exported = exporter.TryExport(memory, backing, SizeBytes, out var decline);
        Rung = Exported is null ? decline : s_direct;
    }

    /// <summary>No display can show its pages as they are: they are copied until there are others.</summary>
    public void Refuse(string reason)
    {
        ForgetExport();
        Rung = new RungReport(Core.Diagnostics.Rung.Copy, reason);
    }

    /// <summary>Guest RAM changed: what was made of it may be of pages that are gone.</summary>
    public void ForgetExport()
    {
        Exported?.Drop();
        Exported = null;
        Rung = null;
    }

    /// <inheritdoc/>
    public override void Detach()
    {
        ForgetExport();
        base.Detach();
    }
}
