// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>Everything that can be wrong with a message. The codec reports by this value alone; it never throws.</summary>
internal enum WireError
{
    /// <summary>Nothing is wrong.</summary>
    None = 0,

    /// <summary>The size field is below 8 bytes, the size of the header itself.</summary>
    TooShort,

    /// <summary>The message is longer than <see cref="WireLimits.MaxMessageBytes"/>.</summary>
    TooLong,

    /// <summary>The size isn't a multiple of 4.</summary>
    Misaligned,

    /// <summary>An argument reaches beyond the end of the message.</summary>
    Truncated,

    /// <summary>Bytes are left after the last argument.</summary>
    TrailingBytes,

    /// <summary>A string doesn't end with NUL inside its length.</summary>
    UnterminatedString,

    /// <summary>A string to be sent contains NUL.</summary>
    EmbeddedNul,

    /// <summary>An object or string is null where the protocol doesn't allow it.</summary>
    UnexpectedNull,

    /// <summary>A descriptor belongs to the message but didn't come.</summary>
    MissingFd,

    /// <summary>No object has this id.</summary>
    UnknownObject,

    /// <summary>The object with this id has another interface.</summary>
    WrongInterface,

    /// <summary>The interface has no message with this opcode.</summary>
    UnknownOpcode,

    /// <summary>The id of a new object is in use, outside the sender's range, or leaves a gap.</summary>
    InvalidNewId,
}
