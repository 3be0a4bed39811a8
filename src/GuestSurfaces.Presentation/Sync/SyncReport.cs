// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation.Sync;

/// <summary>How a compositor and this side tell each other when a dma-buf may be read, and when it isn't any more. Higher is better.</summary>
internal enum SyncMode
{
    /// <summary>wl_buffer.release, and the dma-buf's own fences.</summary>
    Implicit,

    /// <summary>A fence for each commit and another back: zwp_linux_explicit_synchronization_v1.</summary>
    Fences,

    /// <summary>Points of timelines for each commit: wp_linux_drm_syncobj_v1.</summary>
    Timelines,
}

/// <summary>What a connection uses.</summary>
/// <param name="Mode">Which.</param>
/// <param name="Reason">Why none that is better; empty if it is the best.</param>
internal readonly record struct SyncReport(SyncMode Mode, string Reason)
{
    /// <summary>The mode as statistics spell it.</summary>
    public string Name => Mode switch
    {
        SyncMode.Timelines => "linux-drm-syncobj",
        SyncMode.Fences => "linux-explicit-synchronization",
        _ => "implicit",
    };
}
