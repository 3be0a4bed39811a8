// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Diagnostics;

/// <summary>How a frame gets to the screen; higher is better.</summary>
public enum Rung
{
    /// <summary>Nothing was shown yet.</summary>
    None,

    /// <summary>Damaged rows are copied once into the storage that is presented.</summary>
    Copy,

    /// <summary>One GPU pass into a buffer that the compositor prefers.</summary>
    Convert,

    /// <summary>The guest's own pages: zero copies.</summary>
    Direct,
}

/// <summary>The rung in use, and why it isn't a higher one: the line that users ask for most.</summary>
/// <param name="Rung">In use.</param>
/// <param name="Reason">A sentence without a full stop; empty for <see cref="Rung.Direct"/>.</param>
/// <param name="Remedy">What to do about it; empty if nothing can be done.</param>
public sealed record RungReport(Rung Rung, string Reason, string Remedy = "");
