// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GuestSurfaces.Link.Wire;

/// <summary>
/// A packet being read, message by message. It was copied from the socket once, so nobody changes it; every length is checked before it is used. What doesn't
/// fit is an answer, not an exception: a peer wrote it.
/// </summary>
/// <param name="packet">All of it.</param>
internal ref struct LinkReader(ReadOnlySpan<byte> packet)
{
    private ReadOnlySpan<byte> _rest = packet;
    private ReadOnlySpan<byte> _body;

    /// <summary>Whether all of the body was taken: there is nothing in it that we don't know.</summary>
    public readonly bool IsDone => _body.IsEmpty;

    /// <summary>Whether the packet ends in something that is no message.</summary>
    public readonly bool IsMalformed => !_rest.IsEmpty;

    /// <summary>Goes to the next message.</summary>
    /// <param name="head">Its head.</param>
    /// <returns>False at the end, or where it <see cref="IsMalformed"/>.</returns>
    public bool TryNext(out MessageHead head)
    {
        if (!MemoryMarshal.TryRead(_rest, out head))
            return false;
        if (head.SizeBytes is < MessageHead.Bytes or > LinkLimits.MessageBytes || (head.SizeBytes & 7) != 0 || head.SizeBytes > _rest.Length)
            return false;
        _body = _rest[MessageHead.Bytes..head.SizeBytes];
        _rest = _rest[head.SizeBytes..];
        return true;
    }

    /// <summary>Takes the next part of the body.</summary>
    /// <typeparam name="T">A blittable type.</typeparam>
    /// <param name="value">The copy.</param>
    public bool TryTake<T>(out T value)
        where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(_body, out value))
            return false;
        _body = _body[Unsafe.SizeOf<T>()..];
        return true;
    }

    /// <summary>Takes all of the body.</summary>
    /// <typeparam name="T">A blittable type.</typeparam>
    /// <param name="value">The copy.</param>
    public bool TryTakeAll<T>(out T value)
        where T : unmanaged => TryTake(out value) && IsDone;

    /// <summary>Takes a text.</summary>
    /// <param name="text">The text, printable.</param>
    /// <param name="maxBytes">The longest allowed.</param>
    public bool TryTakeText(out string text, int maxBytes = LinkLimits.TextBytes)
    {
        if (!LinkText.TryRead(_body, maxBytes, out text, out var used))
            return false;
        _body = _body[used..];
        return true;
    }
}
