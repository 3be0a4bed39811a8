// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <summary>
/// Reads the arguments of one message in order. The first error sticks: everything after it reads as zero, null or empty, and
/// <see cref="Complete"/> says false; so callers read all arguments and check once. Never throws, never allocates (but for descriptors' handles).
/// </summary>
internal ref struct WireReader
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly FdQueue? _fds;
    private int _position;

    /// <summary>Starts before the first argument.</summary>
    /// <param name="body">The message without its header.</param>
    public WireReader(ReadOnlySpan<byte> body)
        : this(body, null)
    {
    }

    internal WireReader(ReadOnlySpan<byte> body, FdQueue? fds)
    {
        _body = body;
        _fds = fds;
    }

    /// <summary>The first thing that was wrong.</summary>
    public WireError Error { readonly get; private set; }

    /// <summary>A signed number.</summary>
    public int ReadInt() => (int)ReadUInt();

    /// <summary>An unsigned number.</summary>
    public uint ReadUInt() => Take(4, out var word) ? MemoryMarshal.Read<uint>(word) : 0;

    /// <summary>A fixed-point number.</summary>
    public WlFixed ReadFixed() => new(ReadInt());

    /// <summary>An object's id; 0 is null.</summary>
    /// <param name="nullable">Whether 0 is allowed.</param>
    public uint ReadObjectId(bool nullable)
    {
        var id = ReadUInt();
        if (id == 0 && !nullable)
            Fail(WireError.UnexpectedNull);
        return id;
    }

    /// <summary>A string's bytes up to its first NUL, UTF-8 by convention only. Valid until the handler returns.</summary>
    /// <param name="nullable">Whether null (read as empty) is allowed.</param>
    public ReadOnlySpan<byte> ReadString(bool nullable)
    {
        var length = ReadUInt();
        if (length == 0)
        {
            if (!nullable)
                Fail(WireError.UnexpectedNull);
            return default;
        }

        if (!TakePadded(length, out var bytes))
            return default;
        if (bytes[^1] != 0)
        {
            Fail(WireError.UnterminatedString);
            return default;
        }

        return bytes[..bytes.IndexOf((byte)0)];
    }

    /// <summary>An array's bytes. Valid until the handler returns.</summary>
    public ReadOnlySpan<byte> ReadArray() => TakePadded(ReadUInt(), out var bytes) ? bytes : default;

    /// <summary>The next descriptor. Ownership: the caller's. Null after an error.</summary>
    public ReceivedFd? ReadFd()
    {
        if (Error != WireError.None)
            return null;
        var fd = _fds?.TryTake();
        if (fd is null)
            Fail(WireError.MissingFd);
        return fd;
    }

    /// <summary>Whether all arguments were well-formed and nothing follows the last one.</summary>
    public bool Complete()
    {
        if (Error == WireError.None && _position != _body.Length)
            Error = WireError.TrailingBytes;
        return Error == WireError.None;
    }

    internal readonly bool CanGoOn => Error == WireError.None;

    internal void Fail(WireError error)
    {
        if (Error == WireError.None)
            Error = error;
    }

    // Lengths come from the peer: compared with what is there, in 64 bits, before they are used.
    private bool TakePadded(uint length, out ReadOnlySpan<byte> bytes)
    {
        var padded = ((ulong)length + 3) & ~3UL;
        if (padded > (ulong)(_body.Length - _position))
        {
            Fail(WireError.Truncated);
            bytes = default;
            return false;
        }

        if (!Take((int)padded, out bytes))
            return false;
        bytes = bytes[..(int)length];
        return true;
    }

    private bool Take(int count, out ReadOnlySpan<byte> bytes)
    {
        if (Error == WireError.None && count <= _body.Length - _position)
        {
            bytes = _body.Slice(_position, count);
            _position += count;
            return true;
        }

        Fail(WireError.Truncated);
        bytes = default;
        return false;
    }
}
