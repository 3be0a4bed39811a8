// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>How far a message is.</summary>
internal enum AssemblyState
{
    /// <summary>Bytes are missing.</summary>
    Incomplete,

    /// <summary>It is there.</summary>
    Complete,

    /// <summary>No message starts like this: the stream can't be followed any more.</summary>
    Malformed,
}

/// <summary>
/// Puts a message together from whatever pieces a stream delivers. It asks for exactly the header, then exactly the payload, so that descriptors of the next
/// message can't come with this one. Reused from message to message; allocates nothing.
/// </summary>
internal sealed class MessageAssembler
{
    private readonly byte[] _bytes = new byte[Wire.HeaderBytes + Wire.MaxPayloadBytes];
    private int _have;
    private int _want = Wire.HeaderBytes;

    /// <summary>The descriptors that came so far.</summary>
    internal MessageFds Fds { get; } = new();

    /// <summary>Where the next bytes go; never empty while the message is incomplete.</summary>
    internal Span<byte> Room => _bytes.AsSpan(_have, _want - _have);

    /// <summary>Whether a message has begun.</summary>
    internal bool IsInside => _have > 0;

    /// <summary>The header, once complete.</summary>
    internal MessageHeader Header => MemoryMarshal.Read<MessageHeader>(_bytes);

    /// <summary>The payload, once complete.</summary>
    internal ReadOnlySpan<byte> Payload => _bytes.AsSpan(Wire.HeaderBytes, _want - Wire.HeaderBytes);

    /// <summary>Bytes were put into <see cref="Room"/>.</summary>
    internal AssemblyState Advance(int count)
    {
        _have += count;
        if (_have < _want)
            return AssemblyState.Incomplete;
        if (_want > Wire.HeaderBytes)
            return AssemblyState.Complete;

        var header = Header;
        if ((header.Flags & HeaderFlags.VersionMask) != HeaderFlags.Version || (header.Flags & HeaderFlags.Reply) != 0 || header.Size > Wire.MaxPayloadBytes)
            return AssemblyState.Malformed;
        _want = Wire.HeaderBytes + (int)header.Size;
        return _have == _want ? AssemblyState.Complete : AssemblyState.Incomplete;
    }

    /// <summary>Makes room for the next message; closes descriptors that nobody took.</summary>
    internal void Clear()
    {
        Fds.CloseRest();
        _have = 0;
        _want = Wire.HeaderBytes;
    }
}
