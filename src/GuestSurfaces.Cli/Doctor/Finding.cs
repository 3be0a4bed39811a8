// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Doctor;

/// <summary>How bad a finding is.</summary>
internal enum Severity
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Something is missing that pictures get along without.</summary>
    Lesser,

    /// <summary>Works, but slower than it could.</summary>
    Slower,

    /// <summary>Doesn't work.</summary>
    Broken,
}

/// <summary>Whose doing a finding is.</summary>
internal enum Area
{
    /// <summary>QEMU and its like.</summary>
    Vmm,

    /// <summary>The host's kernel and its devices.</summary>
    Kernel,

    /// <summary>The desktop.</summary>
    Compositor,

    /// <summary>A command line, or a guest that runs.</summary>
    Guest,
}

/// <summary>One thing that the doctor looked at.</summary>
/// <param name="Id">Names it for programs; never changes.</param>
/// <param name="Area">Whose doing it is.</param>
/// <param name="Severity">How bad.</param>
/// <param name="Subject">What was looked at: "/dev/kvm".</param>
/// <param name="Observation">What was seen.</param>
internal sealed record Finding(string Id, Area Area, Severity Severity, string Subject, string Observation)
{
    /// <summary>What to do, in this order: commands as they are typed, and what no command does as a sentence.</summary>
    public IReadOnlyList<string> Fix { get; init; } = [];

    /// <summary>Why no picture is shown without a copy because of this, as a clause; empty if this isn't in the way.</summary>
    public string AgainstDirect { get; init; } = "";

    /// <summary>Why some pictures aren't.</summary>
    public string AgainstSomeDirect { get; init; } = "";
}
