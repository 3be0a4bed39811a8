// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Transports.VhostUser;

/// <summary>What became of a message.</summary>
internal enum OutcomeKind
{
    /// <summary>Done; acknowledged with 0 if that was asked for.</summary>
    Done,

    /// <summary>Answered by an answer of its own.</summary>
    Answered,

    /// <summary>Nothing we do: acknowledged with 1 if that was asked for, else passed over.</summary>
    Unsupported,

    /// <summary>Well-formed and wrong: acknowledged with 1 if that was asked for, else the connection ends, since the VMM would go on believing.</summary>
    Refused,

    /// <summary>Not a message: the connection ends.</summary>
    Malformed,
}

/// <summary>What became of a message, and why.</summary>
/// <param name="Kind">What.</param>
/// <param name="Why">A sentence without a full stop; empty if all is well.</param>
internal readonly record struct Outcome(OutcomeKind Kind, string Why)
{
    internal static Outcome Done => new(OutcomeKind.Done, "");

    internal static Outcome Answered => new(OutcomeKind.Answered, "");

    internal static Outcome Unsupported(string why) => new(OutcomeKind.Unsupported, why);

    internal static Outcome Refuse(string why) => new(OutcomeKind.Refused, why);

    internal static Outcome Malformed(string why) => new(OutcomeKind.Malformed, why);
}
