// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>One thing that a vhost-user-gpu back-end has to get right.</summary>
/// <param name="Name">group/what-happens.</param>
/// <param name="Spec">Where it says so.</param>
/// <param name="Run">Does it, and throws <see cref="ConformanceFailureException"/> if the back-end doesn't.</param>
public sealed record ConformanceCase(string Name, string Spec, Action<CaseContext> Run)
{
    /// <summary>Device features without which the case makes no sense.</summary>
    public VirtioFeatures Requires { get; init; }

    /// <summary>The same of the protocol.</summary>
    public ProtocolFeatures RequiresProtocol { get; init; }

    /// <summary>How the VMM is to be, if not as usual.</summary>
    public FrontendOptions Frontend { get; init; } = new();

    /// <summary>Why a back-end that isn't hardened doesn't survive this; null: any back-end should.</summary>
    public string? HostileToPeers { get; init; }

    public string Group => Name[..Name.IndexOf('/', StringComparison.Ordinal)];
}

/// <summary>The back-end didn't do what the case demands.</summary>
public sealed class ConformanceFailureException(string what) : Exception(what);

/// <summary>The case can't be run against this back-end.</summary>
public sealed class CaseNotApplicableException(string why) : Exception(why);
