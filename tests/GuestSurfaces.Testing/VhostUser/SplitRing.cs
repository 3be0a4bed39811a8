// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>A stretch of guest memory in a descriptor chain.</summary>
public readonly record struct ChainPiece(ulong Address, uint LengthBytes, bool Writable);

/// <summary>Flags of a descriptor. Source: virtio 1.3 §2.7.5.</summary>
[Flags]
public enum DescriptorFlags : ushort
{
    None = 0,
    Next = 1,
    Write = 2,
    Indirect = 4,
}

/// <summary>
/// The guest's half of a split virtqueue (virtio 1.3 §2.7): makes chains, hands them out, takes them back in any order.
/// The lowest functions write whatever they are told, for tests that play a hostile guest. No allocation once built.
/// </summary>
public sealed class SplitRing : IDisposable
{
    private const int LongestTable = 256;

    private readonly GuestMemory _memory;
    private readonly ushort[] _next;
    private readonly ushort[] _chainLength;
    private readonly ulong _indirectTables;
    private ushort _firstFree;
    private ushort _availIndex;
    private ushort _availAtKick;
    private ushort _usedIndex;

    public SplitRing(GuestMemory memory, uint index, ushort size, int region = 0)
    {
        _memory = memory;
        Index = index;
        Size = size;
        _next = new ushort[size];
        _chainLength = new ushort[size];
        DescriptorTable = memory.Allocate(16UL * size, 4096, region);
        AvailRing = memory.Allocate(6 + (2UL * size), 64, region);
        UsedRing = memory.Allocate(6 + (8UL * size), 64, region);
        _indirectTables = memory.Allocate(16UL * LongestTable * size, 4096, region);
        Reset();
    }

    public uint Index { get; }

    public ushort Size { get; }

    public ulong DescriptorTable { get; }

    public ulong AvailRing { get; }

    public ulong UsedRing { get; }

    /// <summary>Descriptors that no chain uses.</summary>
    public int Free { get; private set; }

    /// <summary>Whether EVENT_IDX was negotiated.</summary>
    public bool EventIndex { get; set; }

    /// <summary>How many kicks were sent and how many the device had said it doesn't need.</summary>
    public long Kicks { get; private set; }

    public long KicksSpared { get; private set; }

    /// <summary>Guest to device.</summary>
    public EventFdHandle Kick { get; private set; } = EventFdHandle.Create();

    /// <summary>Device to guest.</summary>
    public EventFdHandle Call { get; private set; } = EventFdHandle.Create();

    /// <summary>Device to guest: this ring is broken.</summary>
    public EventFdHandle Error { get; private set; } = EventFdHandle.Create();

    /// <summary>The free-running index of the next chain to hand out.</summary>
    public ushort AvailIndex => _availIndex;

    /// <summary>The free-running index of the next chain to take back.</summary>
    public ushort UsedIndex => _usedIndex;

    /// <summary>An empty ring again, as a driver makes it after a reset.</summary>
    public void Reset()
    {
        for (var i = 0; i < Size; i++)
            _next[i] = (ushort)(i + 1);
        _chainLength.AsSpan().Clear();
        _firstFree = 0;
        Free = Size;
        _availIndex = _availAtKick = _usedIndex = 0;
        Span<byte> zero = stackalloc byte[64];
        zero.Clear();
        for (var at = DescriptorTable; at < UsedRing + 6 + (8UL * Size); at += 64)
            _memory.Write(at, zero[..(int)Math.Min(64, UsedRing + 6 + (8UL * Size) - at)]);
    }

    /// <summary>Makes a chain and hands it to the device (no kick yet).</summary>
    /// <param name="pieces">Readable ones first, if the chain is to be valid.</param>
    /// <param name="direct">How many pieces get ordinary descriptors; the rest goes into one indirect table. -1: all.</param>
    /// <returns>The chain's head.</returns>
    public ushort Add(ReadOnlySpan<ChainPiece> pieces, int direct = -1)
    {
        var ordinary = direct < 0 ? pieces.Length : Math.Min(direct, pieces.Length);
        var indirect = pieces.Length - ordinary;
        var wanted = ordinary + (indirect > 0 ? 1 : 0);
        if (wanted > Free || indirect > LongestTable || wanted == 0)
            throw new InvalidOperationException($"a chain of {pieces.Length} pieces doesn't fit: {Free} descriptors are free");

        var head = _firstFree;
        var at = head;
        for (var i = 0; i < wanted; i++)
        {
            var last = i == wanted - 1;
            var flags = last ? DescriptorFlags.None : DescriptorFlags.Next;
            if (i < ordinary)
            {
                WriteDescriptor(at, pieces[i].Address, pieces[i].LengthBytes, flags | (pieces[i].Writable ? DescriptorFlags.Write : 0), _next[at]);
            }
            else
            {
                var table = IndirectTable(head);
                for (var k = 0; k < indirect; k++)
                {
                    ref readonly var piece = ref pieces[ordinary + k];
                    var inner = (k == indirect - 1 ? DescriptorFlags.None : DescriptorFlags.Next) | (piece.Writable ? DescriptorFlags.Write : 0);
                    WriteDescriptorAt(table + (16UL * (ulong)k), piece.Address, piece.LengthBytes, inner, (ushort)(k + 1));
                }

                WriteDescriptor(at, table, (uint)(16 * indirect), DescriptorFlags.Indirect, 0);
            }

            at = _next[at];
        }

        _firstFree = at;
        Free -= wanted;
        _chainLength[head] = (ushort)wanted;
        Publish(head);
        return head;
    }

    /// <summary>Where the indirect table of a head is; room for 256 entries.</summary>
    public ulong IndirectTable(ushort head) => _indirectTables + (16UL * LongestTable * head);

    /// <summary>Writes a descriptor of the ring, right or wrong.</summary>
    public void WriteDescriptor(ushort index, ulong address, uint length, DescriptorFlags flags, ushort next) =>
        WriteDescriptorAt(DescriptorTable + (16UL * index), address, length, flags, next);

    /// <summary>Writes a descriptor anywhere, for indirect tables.</summary>
    public void WriteDescriptorAt(ulong where, ulong address, uint length, DescriptorFlags flags, ushort next)
    {
        _memory.Write(where, address);
        _memory.Write(where + 8, length);
        _memory.Write(where + 12, (ushort)flags);
        _memory.Write(where + 14, next);
    }

    /// <summary>Puts a head into the avail ring and shows it to the device.</summary>
    public void Publish(ushort head)
    {
        _memory.Write(AvailRing + 4 + (2UL * (uint)(_availIndex % Size)), head);
        _memory.StoreRelease(AvailRing + 2, ++_availIndex);
    }

    /// <summary>Moves the avail index without having put anything there.</summary>
    public void JumpAvail(ushort by) => _memory.StoreRelease(AvailRing + 2, _availIndex += by);

    /// <summary>Tells the device, unless it has said that it looks anyway.</summary>
    /// <param name="always">Doesn't ask the device.</param>
    public void Notify(bool always = false)
    {
        Thread.MemoryBarrier();
        bool wanted;
        if (EventIndex)
        {
            var wakeAfter = _memory.LoadAcquire(UsedRing + 4 + (8UL * Size));
            wanted = (ushort)(_availIndex - wakeAfter - 1) < (ushort)(_availIndex - _availAtKick);
        }
        else
        {
            wanted = (_memory.LoadAcquire(UsedRing) & 1) == 0;
        }

        _availAtKick = _availIndex;
        if (!wanted && !always)
        {
            KicksSpared++;
            return;
        }

        Kicks++;
        Kick.Signal();
    }

    /// <summary>Asks the device not to interrupt, or to do so.</summary>
    public void SetInterrupts(bool wanted) => _memory.Write(AvailRing, (ushort)(wanted ? 0 : 1));

    /// <summary>Takes the next chain back.</summary>
    /// <param name="head">Which.</param>
    /// <param name="written">How many bytes the device says it wrote.</param>
    public bool TryTakeUsed(out uint head, out uint written)
    {
        head = written = 0;
        if (_memory.LoadAcquire(UsedRing + 2) == _usedIndex)
        {
            if (!EventIndex)
                return false;
            // Ask to be woken for the next one, then look again: it may have come in between.
            _memory.StoreRelease(AvailRing + 4 + (2UL * Size), _usedIndex);
            Thread.MemoryBarrier();
            if (_memory.LoadAcquire(UsedRing + 2) == _usedIndex)
                return false;
        }

        var entry = UsedRing + 4 + (8UL * (uint)(_usedIndex % Size));
        head = _memory.Read<uint>(entry);
        written = _memory.Read<uint>(entry + 4);
        _usedIndex++;
        if (head >= Size)
            throw new BackendMisbehavedException($"queue {Index}: the used ring names descriptor {head}, the ring has {Size}");
        GiveBack((ushort)head);
        return true;
    }

    /// <summary>New eventfds, as QEMU makes when the guest masks an interrupt.</summary>
    public void ReplaceCall()
    {
        Call.Dispose();
        Call = EventFdHandle.Create();
    }

    public void Dispose()
    {
        Kick.Dispose();
        Call.Dispose();
        Error.Dispose();
    }

    private void GiveBack(ushort head)
    {
        var length = _chainLength[head];
        if (length == 0)
            return; // a chain that a test wrote by hand
        _chainLength[head] = 0;
        var last = head;
        for (var i = 1; i < length; i++)
            last = _next[last];
        _next[last] = _firstFree;
        _firstFree = head;
        Free += length;
    }
}

/// <summary>The back-end did what no specification allows.</summary>
public sealed class BackendMisbehavedException(string what) : IOException(what);

/// <summary>The back-end didn't answer in time.</summary>
public sealed class BackendSilentException(string what) : IOException(what);

/// <summary>The back-end has closed the connection.</summary>
public sealed class BackendGoneException(string what) : IOException(what);
