// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation;

/// <summary>Where a guest's windows belong. Immutable.</summary>
/// <param name="Kind">What they are there.</param>
/// <param name="Outputs">The monitors by name, in the order of the guest's heads. A head beyond the last goes anywhere. An ordinary window only comes up there, where the desktop lets it: then it is where the user puts it.</param>
public sealed record WindowPlacement(PlacementKind Kind, IReadOnlyList<string> Outputs)
{
    /// <summary>Ordinary windows, anywhere.</summary>
    public static WindowPlacement Windows { get; } = new(PlacementKind.Window, []);

    /// <summary>Windows that fill screens, any.</summary>
    public static WindowPlacement Fullscreen { get; } = new(PlacementKind.Fullscreen, []);

    /// <summary>The monitor that a head belongs on; null: any.</summary>
    /// <param name="head">0 to 15.</param>
    public string? OutputOf(int head) => head < Outputs.Count ? Outputs[head] : null;

    /// <summary>The monitor that a head covers, which is the monitor that its guest sees; null: none by name.</summary>
    /// <param name="head">0 to 15.</param>
    public string? CoveredBy(int head) => Kind == PlacementKind.Window ? null : OutputOf(head);
}
