// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core;

/// <summary>
/// Everything that a guest or a VMM can ask for is bounded here. One instance per guest; immutable once the guest runs.
/// Source of the defaults: the limits that QEMU's own device enforces, except where a line says otherwise.
/// </summary>
public sealed record Limits
{
    /// <summary>Scanouts of one guest: virtio-gpu's own limit.</summary>
    public const int MaxScanouts = 16;

    /// <summary>Width and height of a resource or framebuffer, in pixels.</summary>
    public int MaxDimension { get; init; } = 16384;

    /// <summary>The smallest scanout side, in pixels.</summary>
    public int MinScanoutSide { get; init; } = 16;

    /// <summary>Width and height of a cursor's image, in pixels: Linux has 64, Windows up to 128, and a cursor is no window.</summary>
    public int MaxCursorSide { get; init; } = 512;

    /// <summary>Resources alive at once.</summary>
    public int MaxResources { get; init; } = 4096;

    /// <summary>Entries of one resource's page list.</summary>
    public int MaxBackingEntries { get; init; } = 16384;

    /// <summary>Page-list entries of all resources together, so that lists can't eat our heap (24 bytes each).</summary>
    public int MaxTotalBackingEntries { get; init; } = 1 << 20;

    /// <summary>Bytes in one resource's backing.</summary>
    public ulong MaxBackingBytes { get; init; } = 1UL << 30;

    /// <summary>Host memory for the pixels of 2D resources, spares included.</summary>
    public ulong MaxHostPixelBytes { get; init; } = 256UL << 20;

    /// <summary>
    /// Storages for pixels alive at once, spares included: each is a descriptor, a mapping and at least a page, however small its picture. A desktop with a
    /// resource for each of its cursors has some tens.
    /// </summary>
    public int MaxHostStorages { get; init; } = 1024;

    /// <summary>
    /// Guest memory pinned by buffers that are shown without a copy; nothing else in the system counts it. Three 8K pictures are 380 MiB.
    /// </summary>
    public ulong MaxPinnedBytes { get; init; } = 512UL << 20;

    /// <summary>Buffers of pinned guest memory: each is a descriptor here and in the compositor. Sixteen scanouts with three pictures each are 48.</summary>
    public int MaxPinnedBuffers { get; init; } = 256;

    /// <summary>
    /// Memory of the buffers that converted pictures are drawn into: three of them for each window that needs it, so five 4K ones.
    /// </summary>
    public ulong MaxConvertedBytes { get; init; } = 512UL << 20;

    /// <summary>Entries of a virtqueue. crosvm asks for up to 32768 unless told otherwise.</summary>
    public int MaxQueueSize { get; init; } = 32768;

    /// <summary>Descriptors in one chain, indirect ones included: a page list of the largest size, in 4 KiB tables, and some.</summary>
    public int MaxChainDescriptors { get; init; } = 4096;

    /// <summary>Memory regions a VMM may add.</summary>
    public int MaxMemoryRegions { get; init; } = 512;

    /// <summary>How long a fenced flush is held at most, in nanoseconds: under the 50 ms after which Linux gives up.</summary>
    public long MaxFlushHoldNs { get; init; } = 35_000_000;
}
