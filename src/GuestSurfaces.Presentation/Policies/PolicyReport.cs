// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation.Policies;

/// <summary>By which policy a window shows its frames.</summary>
/// <param name="Policy">In force.</param>
/// <param name="Reason">Why it isn't the one that was asked for; empty if it is.</param>
internal sealed record PolicyReport(FlipPolicy Policy, string Reason)
{
    /// <summary>The policy as statistics spell it.</summary>
    public string Name => Policy switch
    {
        FlipPolicy.Fifo => "fifo",
        FlipPolicy.Immediate => "immediate",
        _ => "mailbox",
    };
}
