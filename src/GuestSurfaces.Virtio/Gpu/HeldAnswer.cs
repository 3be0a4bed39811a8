// SPDX-License-Identifier: MIT
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>Which fence a guest waits for. Without INFO_RING_IDX all of a device are on one timeline. Source: virtio 1.3 §5.7.6.7.</summary>
/// <param name="ContextId">0 for 2D.</param>
/// <param name="RingIndex">0 to 63, or -1 for the device's own timeline.</param>
/// <param name="FenceId">Rises along a timeline; guests may repeat it.</param>
internal readonly record struct FenceKey(uint ContextId, int RingIndex, ulong FenceId)
{
    /// <summary>A bit of its timeline's. Two timelines may share one; a fence is never without its own.</summary>
    public ulong TimelineBit => 1UL << (int)(((ContextId * 31) + (uint)RingIndex) & 63);

    public static FenceKey Of(in GpuHeader header) =>
        (header.Flags & GpuFlags.InfoRingIndex) != 0
            ? new FenceKey(header.ContextId, header.RingIndex, header.FenceId)
            : new FenceKey(0, -1, header.FenceId);
}

/// <summary>The answer to a fenced command, written already and not yet given back. Reused.</summary>
internal sealed class HeldAnswer
{
    public DescriptorChain Chain = null!;

    /// <summary>How much of the chain's writable part is the answer.</summary>
    public uint WrittenBytes;

    /// <summary>Which fence it is. Frames settle by scanout; work of contexts will complete by this.</summary>
    public FenceKey Fence;
    public long PoppedNs;

    /// <summary>Whether the command was a flush that made frames.</summary>
    public bool IsFlush;

    /// <summary>The frames that it waits for; empty once they are settled, or if there are none.</summary>
    public FrameSet Frames;

    /// <summary>Whether the display was told that this is waited for by something that it was answered before.</summary>
    public bool HasHurried;
}
