// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>
/// The driver's end of a split ring in a test's guest RAM. Every slot has a page for its request and one for its reply, so commands in flight don't meet.
/// Allocates nothing after it was made.
/// </summary>
public sealed class DriverQueue : IQueueInterrupt
{
    public const int SlotBytes = 8192;
    private const ushort FlagNext = 1;
    private const ushort FlagWrite = 2;

    private readonly GuestMemory _memory;
    private readonly ulong _descriptors;
    private readonly ulong _available;
    private readonly ulong _used;
    private readonly ulong _slots;
    private readonly int _size;
    private readonly bool _eventIndex;
    private readonly bool[] _busy;
    private readonly long[] _usedLength;
    private ushort _nextAvailable;
    private ushort _kickedAt;
    private ushort _nextUsed;

    /// <summary>Makes a ring.</summary>
    /// <param name="memory">The guest's.</param>
    /// <param name="address">Where the ring and its slots go.</param>
    /// <param name="size">Entries; two descriptors each are used, so half as many commands.</param>
    /// <param name="limits">The guest's.</param>
    /// <param name="eventIndex">Whether the device says when it wants to be kicked (VIRTIO_F_EVENT_IDX).</param>
    public DriverQueue(GuestMemory memory, ulong address, int size, Limits limits, bool eventIndex = false)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _memory = memory;
        _size = size;
        _eventIndex = eventIndex;
        _descriptors = address;
        _available = address + 0x4000;
        _used = address + 0x5000;
        _slots = address + 0x8000;
        _busy = new bool[size / 2];
        _usedLength = new long[size / 2];
        var layout = Layout = new SplitRingLayout(size, _descriptors, _available, _used, 0, Indirect: true, eventIndex);
        Queue = SplitVirtqueue.TryOpen(memory, in layout, limits, this, out var error) ?? throw new InvalidOperationException(error);
    }

    /// <summary>The device's end.</summary>
    public SplitVirtqueue Queue { get; private set; }

    public int Interrupts { get; private set; }

    /// <summary>Commands that may be in flight.</summary>
    public int Slots => _busy.Length;

    /// <summary>Used entries seen, of any slot.</summary>
    public long Answers { get; private set; }

    /// <summary>Commands that are still unanswered.</summary>
    public int Pending => _busy.Count(static busy => busy);

    /// <summary>Where the ring lies, for whoever tells the device of it.</summary>
    public SplitRingLayout Layout { get; }

    public static ulong SpaceBytes(int size) => 0x8000 + ((ulong)size / 2 * SlotBytes);

    public void Interrupt() => Interrupts++;

    /// <summary>Posts a command without kicking.</summary>
    /// <param name="request">Its readable bytes.</param>
    /// <param name="pageList">More readable bytes, elsewhere in guest RAM; 0 bytes for none.</param>
    /// <param name="pageListBytes">How many.</param>
    /// <param name="replyBytes">Room for the answer; 0 for none, as Linux's cursor commands.</param>
    /// <returns>The slot.</returns>
    public int Post(ReadOnlySpan<byte> request, ulong pageList, uint pageListBytes, int replyBytes)
    {
        var slot = Array.IndexOf(_busy, false);
        if (slot < 0)
            throw new InvalidOperationException("the ring is full");
        _busy[slot] = true;
        _usedLength[slot] = -1;
        var requestAt = _slots + ((ulong)slot * SlotBytes);
        var replyAt = requestAt + (SlotBytes / 2);
        Write(requestAt, request);
        Span<byte> blank = stackalloc byte[SlotBytes / 2];
        blank.Fill(0xee);
        Write(replyAt, blank);

        // A slot has two descriptors; a page list goes through an indirect table at the slot's end.
        var table = requestAt + (SlotBytes / 2) - 64;
        var head = (ushort)(slot * 2);
        var count = 0;
        if (request.Length > 0)
            Descriptor(table, count++, requestAt, (uint)request.Length, 0);
        if (pageListBytes > 0)
            Descriptor(table, count++, pageList, pageListBytes, 0);
        if (replyBytes > 0)
            Descriptor(table, count++, replyAt, (uint)replyBytes, FlagWrite);
        for (var i = 0; i + 1 < count; i++)
            Link(table, i);
        Descriptor(_descriptors, head, table, (uint)count * 16, 4);

        Span<byte> u16 = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(u16, head);
        Write(_available + 4 + (2UL * (uint)(_nextAvailable % _size)), u16);
        _nextAvailable++;
        BinaryPrimitives.WriteUInt16LittleEndian(u16, _nextAvailable);
        Write(_available + 2, u16);
        return slot;
    }

    /// <summary>Whether a driver would kick the device now, for what was posted since it was asked last.</summary>
    public bool WantsKick()
    {
        Span<byte> u16 = stackalloc byte[2];
        Read(_eventIndex ? _used + 4 + (8UL * (uint)_size) : _used, u16);
        var word = BinaryPrimitives.ReadUInt16LittleEndian(u16);
        var posted = (ushort)(_nextAvailable - _kickedAt);
        _kickedAt = _nextAvailable;
        return posted > 0 && (_eventIndex ? (ushort)(_nextAvailable - word - 1) < posted : (word & 1) == 0);
    }

    /// <summary>Takes what the device answered.</summary>
    public void Collect()
    {
        Span<byte> entry = stackalloc byte[8];
        Read(_used + 2, entry[..2]);
        var index = BinaryPrimitives.ReadUInt16LittleEndian(entry);
        for (; _nextUsed != index; _nextUsed++)
        {
            Read(_used + 4 + (8UL * (uint)(_nextUsed % _size)), entry);
            var slot = (int)BinaryPrimitives.ReadUInt32LittleEndian(entry) / 2;
            if (!_busy[slot])
                throw new InvalidOperationException($"slot {slot} was answered twice");
            _busy[slot] = false;
            _usedLength[slot] = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
            Answers++;
        }
    }

    /// <summary>Whether a posted command is still unanswered.</summary>
    public bool IsPending(int slot) => _busy[slot];

    /// <summary>The length in the used entry of an answered slot.</summary>
    public long UsedLength(int slot) => _usedLength[slot];

    /// <summary>Copies an answer.</summary>
    public void ReadReply(int slot, Span<byte> destination) => Read(_slots + ((ulong)slot * SlotBytes) + (SlotBytes / 2), destination);

    private void Link(ulong table, int index)
    {
        Span<byte> bytes = stackalloc byte[4];
        Read(table + ((ulong)index * 16) + 12, bytes);
        bytes[0] |= (byte)FlagNext;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], (ushort)(index + 1));
        Write(table + ((ulong)index * 16) + 12, bytes);
    }

    private void Descriptor(ulong table, int index, ulong address, uint length, ushort flags)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, address);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[12..], flags);
        bytes[14..].Clear();
        Write(table + ((ulong)index * 16), bytes);
    }

    private void Read(ulong address, Span<byte> bytes)
    {
        if (!_memory.TryRead(address, bytes))
            throw new InvalidOperationException("outside the test's guest RAM");
    }

    private void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        if (!_memory.TryWrite(address, bytes))
            throw new InvalidOperationException("outside the test's guest RAM");
    }
}
