// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>A resource with host pixels: the guest draws into its pages and says which rectangles to copy. The host pixels are what is presented.</summary>
internal sealed class Resource2D : GpuResource
{
    private readonly GuestStatistics _statistics;

    /// <summary>Makes a resource.</summary>
    /// <param name="id">The guest's number.</param>
    /// <param name="size">In pixels, checked.</param>
    /// <param name="format">As the guest named it.</param>
    /// <param name="budget">Charged already for one storage.</param>
    /// <param name="statistics">Where to count.</param>
    public Resource2D(uint id, BufferSize size, DrmFormat format, HostPixelBudget budget, GuestStatistics statistics)
        : base(id)
    {
        _statistics = statistics;
        Format = format;
        Pixels = new StorageRotation("guest-surfaces-2d", size, budget, prepaid: true, statistics);
        View = new BufferView(size, format.Opaque, DrmModifier.Linear, 0, Pixels.StrideBytes);
    }

    /// <summary>In pixels.</summary>
    public BufferSize Size => Pixels.Size;

    /// <summary>As the guest named it: cursors have alpha.</summary>
    public DrmFormat Format { get; }

    /// <summary>How a scanout reads it: a screen is opaque.</summary>
    public BufferView View { get; }

    /// <summary>The host pixels.</summary>
    public StorageRotation Pixels { get; }

    /// <summary>TRANSFER_TO_HOST_2D: copies a rectangle once, from scattered guest pages straight to where it is presented from.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="rect">Where to, inside the size.</param>
    /// <param name="offset">Where the first row begins in the guest's pages; rows follow at the resource's own stride. Source: virtio 1.3 §5.7.6.8.</param>
    public VirtioGpuResponse Transfer(GuestMemory memory, BufferRect rect, ulong offset)
    {
        if (Backing is not { } backing)
            return VirtioGpuResponse.Unspecified;
        if (rect.IsEmpty)
            return VirtioGpuResponse.OkNoData;

        ulong stride = Pixels.StrideBytes;
        var rowBytes = (ulong)rect.Width * VirtioGpuFormats.BytesPerPixel;
        var span = (stride * (ulong)(rect.Height - 1)) + rowBytes;
        if (offset > backing.LengthBytes || span > backing.LengthBytes - offset)
            return VirtioGpuResponse.InvalidParameter;
        if (Pixels.BeginWrite(rect) is not { } storage)
            return VirtioGpuResponse.OutOfMemory;
        var destinationOffset = ((ulong)rect.Y * stride) + ((ulong)rect.X * VirtioGpuFormats.BytesPerPixel);
        if (!backing.TryCopyRows(memory, offset, stride, storage.Pixels!, destinationOffset, stride, rowBytes, rect.Height))
            return VirtioGpuResponse.InvalidParameter;
        _statistics.BytesCopied += (long)rowBytes * rect.Height;
        return VirtioGpuResponse.OkNoData;
    }

    /// <inheritdoc/>
    public override void Destroy()
    {
        base.Destroy();
        Pixels.Drop();
    }
}
