// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace GuestSurfaces.Core.Buffers;

/// <summary>One plane of a view.</summary>
/// <param name="StoragePlane">Which plane of the storage it reads.</param>
/// <param name="OffsetBytes">Where its first row starts.</param>
/// <param name="StrideBytes">From row to row.</param>
public readonly record struct PlaneLayout(int StoragePlane, uint OffsetBytes, uint StrideBytes);

/// <summary>Up to four plane layouts, inline.</summary>
[InlineArray(MaxPlanes)]
public struct PlaneLayouts
{
    /// <summary>linux-dmabuf's limit.</summary>
    public const int MaxPlanes = 4;

    private PlaneLayout _plane0;
}

/// <summary>
/// How to read pixels out of a <see cref="BufferStorage"/>: size, format, modifier, planes. Immutable; made once per framebuffer and
/// compared by reference, since a wl_buffer is cached for each (storage, view, surface).
/// </summary>
public sealed class BufferView
{
    private readonly PlaneLayouts _planes;

    /// <summary>Describes a single-plane view.</summary>
    /// <param name="size">In pixels.</param>
    /// <param name="format">Its pixels.</param>
    /// <param name="modifier">Its layout.</param>
    /// <param name="offsetBytes">Where the first row starts.</param>
    /// <param name="strideBytes">From row to row.</param>
    public BufferView(BufferSize size, DrmFormat format, DrmModifier modifier, uint offsetBytes, uint strideBytes)
        : this(size, format, modifier, [new PlaneLayout(0, offsetBytes, strideBytes)])
    {
    }

    /// <summary>Describes a view of one to four planes.</summary>
    /// <param name="size">In pixels.</param>
    /// <param name="format">Its pixels.</param>
    /// <param name="modifier">One for all planes, as linux-dmabuf v5 wants.</param>
    /// <param name="planes">1 to 4.</param>
    public BufferView(BufferSize size, DrmFormat format, DrmModifier modifier, ReadOnlySpan<PlaneLayout> planes)
    {
        if (planes.Length is 0 or > PlaneLayouts.MaxPlanes)
            throw new ArgumentException("a view has one to four planes", nameof(planes));
        Size = size;
        Format = format;
        Modifier = modifier;
        PlaneCount = planes.Length;
        planes.CopyTo(_planes);
    }

    /// <summary>In pixels.</summary>
    public BufferSize Size { get; }

    /// <summary>Its pixels.</summary>
    public DrmFormat Format { get; }

    /// <summary>Its layout.</summary>
    public DrmModifier Modifier { get; }

    /// <summary>1 to 4.</summary>
    public int PlaneCount { get; }

    /// <summary>One plane's layout.</summary>
    /// <param name="index">Below <see cref="PlaneCount"/>.</param>
    public PlaneLayout Plane(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)PlaneCount, nameof(index));
        return _planes[index];
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Size} {Format} {Modifier} stride {_planes[0].StrideBytes}";
}
