// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>How a connection ended.</summary>
public enum WaylandFailureKind
{
    /// <summary>The peer closed its end.</summary>
    Closed,

    /// <summary>We broke the protocol's rules, says the compositor; or the client did, say we.</summary>
    ProtocolError,

    /// <summary>The peer sent something that can't be understood.</summary>
    Malformed,

    /// <summary>The peer doesn't read what we send.</summary>
    Overflow,

    /// <summary>The socket failed.</summary>
    Socket,

    /// <summary>This side disposed the connection.</summary>
    Disposed,
}

/// <summary>A protocol error: <c>wl_display.error</c>.</summary>
/// <param name="Interface">The interface of the object, which says what <paramref name="Code"/> means; empty if the object isn't known.</param>
/// <param name="ObjectId">The object.</param>
/// <param name="Code">A value of that interface's error enum.</param>
/// <param name="Message">What the compositor says about it.</param>
public sealed record ProtocolError(string Interface, uint ObjectId, uint Code, string Message);

/// <summary>Why a connection is at its end. There is one per connection and it doesn't change.</summary>
/// <param name="Kind">In what way.</param>
/// <param name="Message">One sentence for the log.</param>
/// <param name="Error">The protocol error, if it was one.</param>
public sealed record WaylandFailure(WaylandFailureKind Kind, string Message, ProtocolError? Error = null);

/// <summary>A set-up step failed because the connection did. Never thrown on the frame path.</summary>
/// <param name="failure">How the connection ended.</param>
public sealed class WaylandException(WaylandFailure failure) : IOException(failure.Message)
{
    /// <summary>How the connection ended.</summary>
    public WaylandFailure Failure { get; } = failure;
}
