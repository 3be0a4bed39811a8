// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Queues;

/// <summary>
/// One request: the bytes that the driver lets us read, then those it lets us write, each scattered over guest RAM in any way.
/// Descriptors were fetched once; the bytes behind them can change at any time, so read what you check into memory of your own first.
/// Reused from request to request; grows once and then allocates nothing. Units: bytes from the start of either part.
/// </summary>
public sealed class DescriptorChain
{
    private readonly List<Segment> _readable = [];
    private readonly List<Segment> _writable = [];
    private GuestMemory? _memory;

    /// <summary>The ring's number for this chain.</summary>
    public ushort Head { get; private set; }

    /// <summary>Bytes that can be read.</summary>
    public ulong ReadableBytes { get; private set; }

    /// <summary>Bytes that can be written.</summary>
    public ulong WritableBytes { get; private set; }

    /// <summary>Descriptors in it.</summary>
    public int DescriptorCount => _readable.Count + _writable.Count;

    /// <summary>Copies request bytes out.</summary>
    /// <param name="offset">From here in the readable part.</param>
    /// <param name="destination">Filled whole, or undefined on failure.</param>
    /// <returns>False if there are fewer, or they aren't in guest RAM.</returns>
    public bool TryRead(ulong offset, Span<byte> destination)
    {
        if (offset > ReadableBytes || (ulong)destination.Length > ReadableBytes - offset)
            return false;
        foreach (ref readonly var segment in CollectionsMarshal.AsSpan(_readable))
        {
            if (destination.IsEmpty)
                break;
            if (offset >= segment.Length)
            {
                offset -= segment.Length;
                continue;
            }

            var n = (int)Math.Min((ulong)destination.Length, segment.Length - offset);
            if (!_memory!.TryRead(segment.Address + offset, destination[..n]))
                return false;
            destination = destination[n..];
            offset = 0;
        }

        return true;
    }

    /// <summary>Copies answer bytes in; what doesn't fit is cut off.</summary>
    /// <param name="offset">From here in the writable part.</param>
    /// <param name="source">The bytes.</param>
    /// <returns>How many were written.</returns>
    public uint Write(ulong offset, ReadOnlySpan<byte> source)
    {
        uint written = 0;
        foreach (ref readonly var segment in CollectionsMarshal.AsSpan(_writable))
        {
            if (source.IsEmpty)
                break;
            if (offset >= segment.Length)
            {
                offset -= segment.Length;
                continue;
            }

            var n = (int)Math.Min((ulong)source.Length, segment.Length - offset);
            if (!_memory!.TryWrite(segment.Address + offset, source[..n]))
                break;
            source = source[n..];
            written += (uint)n;
            offset = 0;
        }

        return written;
    }

    internal void Reset(GuestMemory memory, ushort head)
    {
        _memory = memory;
        Head = head;
        _readable.Clear();
        _writable.Clear();
        ReadableBytes = 0;
        WritableBytes = 0;
    }

    /// <summary>Adds a descriptor.</summary>
    /// <returns>False if a readable one follows a writable one, which no driver may do.</returns>
    internal bool Add(ulong address, uint length, bool writable)
    {
        if (!writable && _writable.Count > 0)
            return false;
        (writable ? _writable : _readable).Add(new Segment(address, length));
        if (writable)
            WritableBytes += length;
        else
            ReadableBytes += length;
        return true;
    }

    private readonly record struct Segment(ulong Address, uint Length);
}
