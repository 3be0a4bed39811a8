// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Sync;

/// <summary>
/// When something is done: already (the default), or when a fence signals. Never waited on in a loop: it is given to the compositor or turned
/// into an eventfd. A struct with one owner: whoever holds it last disposes its fence.
/// </summary>
public readonly struct SyncPoint
{
    private SyncPoint(SyncFileHandle fence) => Fence = fence;

    /// <summary>Already done.</summary>
    public static SyncPoint Signalled => default;

    /// <summary>The fence, or null if done. Ownership: goes with the struct.</summary>
    public SyncFileHandle? Fence { get; }

    /// <summary>Whether there is nothing to wait for.</summary>
    public bool IsSignalled => Fence is null;

    /// <summary>Wraps a fence.</summary>
    /// <param name="fence">Adopted.</param>
    public static SyncPoint FromFence(SyncFileHandle fence) => new(fence);
}
