// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>How many page-list entries a guest may have alive: they live on our heap.</summary>
internal sealed class BackingBudget(Limits limits)
{
    public int Used { get; private set; }

    public bool TryTake(int entries)
    {
        if (entries > limits.MaxTotalBackingEntries - Used)
            return false;
        Used += entries;
        return true;
    }

    public void Give(int entries) => Used -= entries;
}
