// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation.Conversion;

/// <summary>What the targets of one guest may take together: nothing else in the system counts them.</summary>
/// <param name="maxBytes">At most.</param>
internal sealed class TargetBudget(ulong maxBytes)
{
    private ulong _taken;

    /// <summary>Takes some.</summary>
    /// <param name="bytes">How many.</param>
    /// <returns>False, and nothing is taken, if there are too few.</returns>
    public bool TryTake(ulong bytes)
    {
        if (bytes > maxBytes - _taken)
            return false;
        _taken += bytes;
        return true;
    }

    /// <summary>Gives back what was taken.</summary>
    /// <param name="bytes">How many.</param>
    public void Give(ulong bytes) => _taken -= bytes;
}
