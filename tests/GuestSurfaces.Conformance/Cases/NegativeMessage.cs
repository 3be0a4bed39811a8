// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Conformance;

/// <summary>When a hostile message is sent.</summary>
public enum MessageStage
{
    /// <summary>As the very first one.</summary>
    First,

    /// <summary>After features were agreed on, before memory and rings.</summary>
    Connected,

    /// <summary>While the guest runs.</summary>
    Running,
}

/// <summary>A file that comes with a message.</summary>
public enum MessageFile
{
    GuestRam,
    EventFd,
    Socket,
}

/// <summary>
/// A vhost-user message that no honest VMM sends, as bytes that are always the same. A back-end may refuse it (a non-zero answer
/// where one is asked for), ignore it, or close the connection; it must not crash, and serve the next connection.
/// </summary>
/// <param name="Name">Without the group.</param>
/// <param name="Stage">When.</param>
/// <param name="Bytes">Header and payload.</param>
/// <param name="Files">What comes with it.</param>
public sealed record NegativeMessage(string Name, MessageStage Stage, byte[] Bytes, params MessageFile[] Files)
{
    /// <summary>Answering yes would be wrong: the message has need_reply set and must be refused.</summary>
    public bool MustRefuse { get; init; }

    public string? HostileToPeers { get; init; }
}
