// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation;

/// <summary>How a compositor and this side tell each other when a dma-buf may be read, and when it isn't any more. Higher is better.</summary>
public enum SyncMode
{
    /// <summary>wl_buffer.release, and the dma-buf's own fences.</summary>
    Implicit,

    /// <summary>A fence for each commit and another back: zwp_linux_explicit_synchronization_v1.</summary>
    Fences,

    /// <summary>Points of timelines for each commit: wp_linux_drm_syncobj_v1.</summary>
    Timelines,
}

/// <summary>How modes are spelled, on command lines and in statistics.</summary>
public static class SyncModes
{
    /// <summary>A mode's name.</summary>
    /// <param name="mode">Any.</param>
    public static string Name(this SyncMode mode) => mode switch
    {
        SyncMode.Timelines => "linux-drm-syncobj",
        SyncMode.Fences => "linux-explicit-synchronization",
        _ => "implicit",
    };

    /// <summary>All names, the best mode's last.</summary>
    public static IReadOnlyList<string> Names { get; } = [SyncMode.Implicit.Name(), SyncMode.Fences.Name(), SyncMode.Timelines.Name()];

    /// <summary>The mode of a name; null if there is none.</summary>
    /// <param name="name">As <see cref="Name"/> spells it.</param>
    public static SyncMode? TryParse(string name)
    {
        foreach (var mode in Enum.GetValues<SyncMode>())
        {
            if (mode.Name() == name)
                return mode;
        }

        return null;
    }
}
