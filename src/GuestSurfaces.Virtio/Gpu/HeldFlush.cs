// SPDX-License-Identifier: MIT
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>Which fence a guest waits for. Without INFO_RING_IDX all of a device are on one timeline. Source: virtio 1.3 §5.7.6.7.</summary>
/// <param name="ContextId">0 for 2D.</param>
/// <param name="RingIndex">0 to 63, or -1 for the device's own timeline.</param>
/// <param name="FenceId">Rises along a timeline; guests may repeat it.</param>
internal readonly record struct FenceKey(uint ContextId, int RingIndex, ulong FenceId)
{
    public static FenceKey Of(in GpuHeader header) =>
        (header.Flags & GpuFlags.InfoRingIndex) != 0
            ? new FenceKey(header.ContextId, header.RingIndex, header.FenceId)
            : new FenceKey(0, -1, header.FenceId);
}

/// <summary>A fenced flush whose frames are still on their way. Reused.</summary>
internal sealed class HeldFlush
{
    public DescriptorChain Chain = null!;
    public GpuHeader Header;

    /// <summary>Which fence it is. Frames settle by scanout; work of contexts will complete by this.</summary>
    public FenceKey Fence;
    public long PoppedNs;
    public FrameSet Frames;
}
