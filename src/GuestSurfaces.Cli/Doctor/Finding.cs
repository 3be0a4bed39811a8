// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Doctor;

/// <summary>How bad a finding is.</summary>
internal enum Severity
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Works, but not as well as it could.</summary>
    Slower,

    /// <summary>Doesn't work.</summary>
    Broken,
}

/// <summary>One thing that the doctor looked at.</summary>
/// <param name="Subject">What: "/dev/udmabuf".</param>
/// <param name="Severity">How bad.</param>
/// <param name="Observation">What was seen.</param>
/// <param name="Fix">What to do; empty if nothing.</param>
internal sealed record Finding(string Subject, Severity Severity, string Observation, string Fix = "");
