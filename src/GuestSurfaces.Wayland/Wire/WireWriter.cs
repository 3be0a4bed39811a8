// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;

namespace GuestSurfaces.Wayland;

/// <summary>
/// Writes one message into a given buffer. The first error sticks and <see cref="Finish"/> reports it, with nothing to be sent.
/// Never throws, never allocates. Descriptors take no room in a message and go another way.
/// </summary>
internal ref struct WireWriter
{
    private readonly Span<byte> _buffer;
    private readonly uint _objectId;
    private readonly ushort _opcode;
    private int _position;

    /// <summary>Starts a message.</summary>
    /// <param name="buffer">Where to; what is beyond <see cref="WireLimits.MaxMessageBytes"/> isn't used.</param>
    /// <param name="objectId">To whom a request goes, or from whom an event comes.</param>
    /// <param name="opcode">The message's position in its interface.</param>
    public WireWriter(Span<byte> buffer, uint objectId, int opcode)
    {
        _buffer = buffer.Length > WireLimits.MaxMessageBytes ? buffer[..WireLimits.MaxMessageBytes] : buffer;
        _objectId = objectId;
        _opcode = (ushort)opcode;
        _position = WireLimits.HeaderBytes;
        if (_buffer.Length < WireLimits.HeaderBytes)
            Error = WireError.TooLong;
    }

    /// <summary>The first thing that was wrong.</summary>
    public WireError Error { readonly get; private set; }

    /// <summary>A signed number.</summary>
    /// <param name="value">The number.</param>
    public void WriteInt(int value) => WriteUInt((uint)value);

    /// <summary>An unsigned number, or an object's id.</summary>
    /// <param name="value">The number.</param>
    public void WriteUInt(uint value)
    {
        if (TryReserve(4, out var at))
            MemoryMarshal.Write(at, value);
    }

    /// <summary>A fixed-point number.</summary>
    /// <param name="value">The number.</param>
    public void WriteFixed(WlFixed value) => WriteInt(value.Raw);

    /// <summary>A string, encoded as UTF-8; null stays null.</summary>
    /// <param name="value">No NUL inside.</param>
    public void WriteString(string? value)
    {
        if (value is null)
        {
            WriteUInt(0);
            return;
        }

        if (value.Contains('\0'))
        {
            Fail(WireError.EmbeddedNul);
            return;
        }

        var length = Encoding.UTF8.GetByteCount(value);
        if (BeginBytes(length + 1L, out var at))
            Encoding.UTF8.GetBytes(value, at);
    }

    /// <summary>A string that is UTF-8 already.</summary>
    /// <param name="utf8">No NUL inside nor at the end.</param>
    public void WriteUtf8(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Contains((byte)0))
            Fail(WireError.EmbeddedNul);
        else if (BeginBytes(utf8.Length + 1L, out var at))
            utf8.CopyTo(at);
    }

    /// <summary>An array.</summary>
    /// <param name="value">Its bytes.</param>
    public void WriteArray(ReadOnlySpan<byte> value)
    {
        if (BeginBytes(value.Length, out var at))
            value.CopyTo(at);
    }

    /// <summary>Writes the header, now that the size is known.</summary>
    /// <param name="sizeBytes">The whole message; 0 after an error.</param>
    public WireError Finish(out int sizeBytes)
    {
        sizeBytes = Error == WireError.None ? _position : 0;
        if (sizeBytes != 0)
            new WireHeader(_objectId, _opcode, sizeBytes).Write(_buffer);
        return Error;
    }

    // The whole padded room is cleared first: that is the NUL and the padding, and old bytes of the buffer don't leak to the peer.
    private bool BeginBytes(long length, out Span<byte> at)
    {
        at = default;
        if (length > WireLimits.MaxMessageBytes)
        {
            Fail(WireError.TooLong);
            return false;
        }

        WriteUInt((uint)length);
        if (!TryReserve(((int)length + 3) & ~3, out at))
            return false;
        at.Clear();
        return true;
    }

    private bool TryReserve(int count, out Span<byte> at)
    {
        if (Error == WireError.None && count <= _buffer.Length - _position)
        {
            at = _buffer.Slice(_position, count);
            _position += count;
            return true;
        }

        Fail(WireError.TooLong);
        at = default;
        return false;
    }

    private void Fail(WireError error)
    {
        if (Error == WireError.None)
            Error = error;
    }
}
