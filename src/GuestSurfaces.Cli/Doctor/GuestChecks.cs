// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Status;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>What a running guest says of its own frames.</summary>
internal static class GuestChecks
{
    /// <summary>Judges one.</summary>
    /// <param name="guest">What it said.</param>
    public static Finding Judge(StatusSnapshot guest)
    {
        var stats = guest.Stats;
        Finding At(Severity severity, string observation, string against = "") =>
            new("guest-rung", Area.Guest, severity, guest.Name, observation) { Fix = stats.Remedy.Length > 0 ? [stats.Remedy] : [], AgainstDirect = against };
        return stats.Rung switch
        {
            "direct" => At(Severity.Good, "direct: its own pages are shown, nothing is copied"),
            "none" => At(Severity.Lesser, stats.FramesReceived > 0 ? "nobody looks at it" : "no frame came yet"),
            _ => At(Severity.Slower, $"{stats.Rung}: {stats.Reason}", $"of {guest.Name}: {stats.Reason}"),
        };
    }
}
