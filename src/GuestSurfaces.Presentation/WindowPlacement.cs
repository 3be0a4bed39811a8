// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation;

/// <summary>Where a guest's windows belong. Immutable.</summary>
/// <param name="IsFullscreen">Whether they fill screens.</param>
/// <param name="Outputs">The monitors by name, in the order of the guest's heads. A head beyond the last goes anywhere. Counts for windows that fill screens: others are where the user puts them.</param>
public sealed record WindowPlacement(bool IsFullscreen, IReadOnlyList<string> Outputs)
{
    /// <summary>Ordinary windows.</summary>
    public static WindowPlacement Windows { get; } = new(IsFullscreen: false, []);

    /// <summary>The monitor that a head belongs on; null: any.</summary>
    /// <param name="head">0 to 15.</param>
    public string? OutputOf(int head) => IsFullscreen && head < Outputs.Count ? Outputs[head] : null;
}
