// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>A resource whose storage is guest RAM. It has a size in bytes only: what it shows is said when it is put on a scanout.</summary>
/// <param name="id">The guest's number.</param>
/// <param name="sizeBytes">Checked; not more than its pages once they are attached.</param>
internal sealed class GuestBlobResource(uint id, ulong sizeBytes) : GpuResource(id)
{
    /// <summary>Its size in bytes.</summary>
    public ulong SizeBytes { get; } = sizeBytes;
}
