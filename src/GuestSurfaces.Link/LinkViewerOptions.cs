// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Link;

/// <summary>How a viewer introduces itself.</summary>
public sealed record LinkViewerOptions
{
    /// <summary>For the source's log; at most 64 bytes of UTF-8.</summary>
    public string Name { get; init; } = "guest-surfaces present";

    /// <summary>Whether it wants to be in charge of modes, input and pacing.</summary>
    public bool WantsControl { get; init; } = true;

    /// <summary>How many frames of a surface may be on their way: 1 to 3. Two is one that is shown next and one behind it.</summary>
    public int Credit { get; init; } = 2;
}
