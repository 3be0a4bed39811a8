// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Testing.Virtio;

/// <summary>A buffer that a driver offers.</summary>
/// <param name="Address">Guest-physical.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Writable">Whether the device may write it.</param>
public readonly record struct DriverBuffer(ulong Address, uint Length, bool Writable);

/// <summary>
/// The driver's end of a split ring, in guest memory that the test shares with the device. Decent by default; every part can be written raw to misbehave.
/// Posting and taking back allocates nothing.
/// </summary>
public sealed class FakeDriver
{
    private const ushort Next = 1;
    private const ushort Write = 2;
    private const ushort Indirect = 4;

    private readonly GuestMemory _memory;
    private readonly Stack<ushort> _free = new();
    private readonly int[] _chainLengths;
    private readonly bool _eventIndex;
    private ushort _available;
    private ushort _seenUsed;
    private ushort _kickedAvailable;

    public FakeDriver(GuestMemory memory, ulong ringAddress, int size, bool eventIndex = false, ushort startIndex = 0)
    {
        _memory = memory;
        Size = size;
        _eventIndex = eventIndex;
        _chainLengths = new int[size];
        Descriptors = (ringAddress + 15) & ~15UL;
        Available = Descriptors + (16UL * (ulong)size);
        Used = (Available + 6 + (2UL * (ulong)size) + 3) & ~3UL;
        End = Used + 6 + (8UL * (ulong)size);
        for (var i = size - 1; i >= 0; i--)
            _free.Push((ushort)i);
        _available = _seenUsed = _kickedAvailable = startIndex;
        WriteU16(Available + 2, startIndex);
        WriteU16(Used + 2, startIndex);
    }

    public int Size { get; }

    public ulong Descriptors { get; }

    public ulong Available { get; }

    public ulong Used { get; }

    /// <summary>First address behind the ring.</summary>
    public ulong End { get; }

    public ushort AvailableIndex => _available;

    public ushort UsedIndex => ReadU16(Used + 2);

    public int FreeDescriptors => _free.Count;

    public SplitRingLayout Layout(bool indirect = true, ushort start = 0) => new(Size, Descriptors, Available, Used, start, indirect, _eventIndex);

    /// <summary>Offers a chain of direct descriptors.</summary>
    public ushort Post(params ReadOnlySpan<DriverBuffer> buffers)
    {
        var head = _free.Pop();
        var at = head;
        for (var i = 0; i < buffers.Length; i++)
        {
            var last = i == buffers.Length - 1;
            var next = last ? (ushort)0 : _free.Pop();
            WriteDescriptor(at, buffers[i].Address, buffers[i].Length, (ushort)((buffers[i].Writable ? Write : 0) | (last ? 0 : Next)), next);
            at = next;
        }

        _chainLengths[head] = buffers.Length;
        Offer(head);
        return head;
    }

    /// <summary>Offers a chain in a table of its own.</summary>
    public ushort PostIndirect(ulong table, params ReadOnlySpan<DriverBuffer> buffers)
    {
        var head = _free.Pop();
        for (var i = 0; i < buffers.Length; i++)
        {
            var last = i == buffers.Length - 1;
            WriteDescriptorAt(
                table + (16UL * (ulong)i),
                buffers[i].Address,
                buffers[i].Length,
                (ushort)((buffers[i].Writable ? Write : 0) | (last ? 0 : Next)),
                last ? (ushort)0 : (ushort)(i + 1));
        }

        WriteDescriptor(head, table, (uint)(16 * buffers.Length), Indirect, 0);
        _chainLengths[head] = 1;
        Offer(head);
        return head;
    }

    /// <summary>Writes one entry of the table, any way.</summary>
    public void WriteDescriptor(int index, ulong address, uint length, ushort flags, ushort next) =>
        WriteDescriptorAt(Descriptors + (16UL * (ulong)index), address, length, flags, next);

    /// <summary>Writes a descriptor anywhere.</summary>
    public void WriteDescriptorAt(ulong at, ulong address, uint length, ushort flags, ushort next)
    {
        var raw = new RawDescriptor { Address = address, Length = length, Flags = flags, Next = next };
        Must(_memory.TryWrite(at, MemoryMarshal.AsBytes(new ReadOnlySpan<RawDescriptor>(in raw))));
    }

    /// <summary>Puts a head into the available ring and publishes it.</summary>
    public void Offer(ushort head)
    {
        WriteU16(Available + 4 + (2UL * (ulong)(_available & (Size - 1))), head);
        SetAvailableIndex((ushort)(_available + 1));
    }

    /// <summary>Publishes any index.</summary>
    public void SetAvailableIndex(ushort index)
    {
        _available = index;
        WriteU16(Available + 2, index);
    }

    /// <summary>Without event indices: whether the driver wants interrupts.</summary>
    public void SetInterruptsWanted(bool wanted) => WriteU16(Available, wanted ? (ushort)0 : (ushort)1);

    /// <summary>With event indices: interrupt once the used index passes this.</summary>
    public void SetUsedEvent(ushort index) => WriteU16(Available + 4 + (2UL * (ulong)Size), index);

    /// <summary>Whether a decent driver would kick for what it offered since it was last asked.</summary>
    public bool ShouldKick()
    {
        Interlocked.MemoryBarrier();
        var old = _kickedAvailable;
        _kickedAvailable = _available;
        if (!_eventIndex)
            return (ReadU16(Used) & 1) == 0;
        var wanted = ReadU16(Used + 4 + (8UL * (ulong)Size));
        return (ushort)(_available - wanted - 1) < (ushort)(_available - old);
    }

    /// <summary>Takes back the next answered chain.</summary>
    public bool TryTakeUsed(out ushort head, out uint length)
    {
        head = 0;
        length = 0;
        if (UsedIndex == _seenUsed)
            return false;
        RawUsed raw = default;
        Must(_memory.TryRead(Used + 4 + (8UL * (ulong)(_seenUsed & (Size - 1))), MemoryMarshal.AsBytes(new Span<RawUsed>(ref raw))));
        _seenUsed++;
        head = (ushort)raw.Id;
        length = raw.Length;
        var at = head;
        for (var n = _chainLengths[head]; n > 0; n--)
        {
            _free.Push(at);
            at = ReadU16(Descriptors + (16UL * at) + 14);
        }

        _chainLengths[head] = 0;
        return true;
    }

    private void WriteU16(ulong address, ushort value) => Must(_memory.TryWrite(address, MemoryMarshal.AsBytes(new ReadOnlySpan<ushort>(in value))));

    private ushort ReadU16(ulong address)
    {
        ushort value = 0;
        Must(_memory.TryRead(address, MemoryMarshal.AsBytes(new Span<ushort>(ref value))));
        return value;
    }

    private static void Must(bool ok)
    {
        if (!ok)
            throw new InvalidOperationException("the fake driver's ring lies outside its memory");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct RawDescriptor
    {
        public ulong Address;
        public uint Length;
        public ushort Flags;
        public ushort Next;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct RawUsed
    {
        public uint Id;
        public uint Length;
    }
}
