// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Memory;

namespace GuestSurfaces.Virtio.Queues;

/// <summary>Interrupts the driver on behalf of a queue.</summary>
public interface IQueueInterrupt
{
    /// <summary>Signals the queue's call eventfd.</summary>
    void Interrupt();
}

/// <summary>Where a split ring lies and how it is used.</summary>
/// <param name="Size">Entries; a power of two.</param>
/// <param name="Descriptors">Guest-physical address of the descriptor table, 16 bytes an entry.</param>
/// <param name="Available">Guest-physical address of the available ring.</param>
/// <param name="Used">Guest-physical address of the used ring.</param>
/// <param name="NextAvailable">The available index to go on from.</param>
/// <param name="Indirect">Whether VIRTIO_F_INDIRECT_DESC was accepted.</param>
/// <param name="EventIndex">Whether VIRTIO_F_EVENT_IDX was accepted.</param>
public readonly record struct SplitRingLayout(int Size, ulong Descriptors, ulong Available, ulong Used, ushort NextAvailable, bool Indirect, bool EventIndex);

/// <summary>
/// A split virtqueue, device side. Everything read from the ring is fetched once, checked, and used from the copy; anything impossible breaks this queue and
/// nothing else. Source: virtio 1.3 §2.7.
/// </summary>
public sealed class SplitVirtqueue : Virtqueue
{
    private const ushort FlagNext = 1;
    private const ushort FlagWrite = 2;
    private const ushort FlagIndirect = 4;
    private const ushort NoInterrupt = 1;
    private const ushort NoNotify = 1;
    private const int DescriptorBytes = 16;

    private readonly GuestMemory _memory;
    private readonly Limits _limits;
    private readonly IQueueInterrupt _interrupt;
    private readonly SplitRingLayout _layout;
    private readonly ushort _mask;
    private GuestWindow _descriptors;
    private GuestWindow _available;
    private GuestWindow _used;
    private ushort _nextAvailable;
    private ushort _nextUsed;
    private ushort _signalledUsed;
    private bool _pushed;
    private uint _generation;
    private bool _located;
    private int _inFlight;

    private SplitVirtqueue(GuestMemory memory, in SplitRingLayout layout, Limits limits, IQueueInterrupt interrupt)
    {
        _memory = memory;
        _layout = layout;
        _limits = limits;
        _interrupt = interrupt;
        _mask = (ushort)(layout.Size - 1);
        _nextAvailable = layout.NextAvailable;
    }

    /// <inheritdoc/>
    public override int Size => _layout.Size;

    /// <inheritdoc/>
    public override int InFlight => _inFlight;

    /// <summary>The available index up to which chains were popped: GET_VRING_BASE's answer.</summary>
    public ushort NextAvailable => _nextAvailable;

    /// <summary>Whether the ring's memory is there. A VMM may take it away and bring it back in two steps; until then the queue rests.</summary>
    public bool HasMemory => EnsureLocated();

    /// <summary>Opens a ring.</summary>
    /// <param name="memory">Guest RAM.</param>
    /// <param name="layout">Where it lies.</param>
    /// <param name="limits">The guest's.</param>
    /// <param name="interrupt">Interrupts the driver.</param>
    /// <param name="error">What is wrong with it.</param>
    /// <returns>The queue, or null.</returns>
    public static SplitVirtqueue? TryOpen(GuestMemory memory, in SplitRingLayout layout, Limits limits, IQueueInterrupt interrupt, out string error)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(limits);
        error = "";
        if (layout.Size <= 0 || layout.Size > Math.Min(limits.MaxQueueSize, 32768) || (layout.Size & (layout.Size - 1)) != 0)
            error = $"ring size {layout.Size} is not a power of two up to {Math.Min(limits.MaxQueueSize, 32768)}";
        else if ((layout.Descriptors & 15) != 0 || (layout.Available & 1) != 0 || (layout.Used & 3) != 0)
            error = "a ring part is not aligned as virtio wants (16, 2, 4)";
        if (error.Length > 0)
            return null;

        var queue = new SplitVirtqueue(memory, in layout, limits, interrupt);
        if (!queue.Locate() || !queue._used.TryLoadAcquire(2, out queue._nextUsed))
        {
            error = "a ring part lies outside guest RAM";
            return null;
        }

        queue._signalledUsed = queue._nextUsed;
        return queue;
    }

    /// <inheritdoc/>
    public override bool TryPop(DescriptorChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (BrokenReason is not null || !EnsureLocated())
            return false;
        if (!_available.TryLoadAcquire(2, out var index))
            return Fail("the available ring can't be read");
        var waiting = (ushort)(index - _nextAvailable);
        if (waiting == 0)
            return false;
        if (waiting > _layout.Size)
            return Fail($"the available index jumped from {_nextAvailable} to {index}");
        if (_inFlight >= _layout.Size)
            return Fail("more chains in flight than the ring has entries");
        if (!_available.TryRead(4 + (2UL * (ushort)(_nextAvailable & _mask)), out ushort head) || head >= _layout.Size)
            return Fail("an available entry names a descriptor outside the table");
        chain.Reset(_memory, head);
        if (!Walk(chain, head))
            return false;
        _nextAvailable++;
        _inFlight++;
        return true;
    }

    /// <inheritdoc/>
    public override void Push(DescriptorChain chain, uint writtenBytes)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (_inFlight == 0)
            throw new InvalidOperationException("a chain was pushed that was not popped");
        _inFlight--;
        if (BrokenReason is not null)
            return;
        if (!EnsureLocated())
        {
            Fail("an answer was due while the memory behind the ring was away");
            return;
        }

        var entry = new UsedElement { Id = chain.Head, Length = writtenBytes };
        if (!_used.TryWrite(4 + (8UL * (ushort)(_nextUsed & _mask)), in entry))
        {
            Fail("the used ring can't be written");
            return;
        }

        _nextUsed++;
        if (!_used.TryStoreRelease(2, _nextUsed))
            Fail("the used ring can't be written");
        _pushed = true;
    }

    /// <inheritdoc/>
    public override void FlushNotifications()
    {
        if (!_pushed)
            return;
        _pushed = false;
        if (BrokenReason is not null || !EnsureLocated())
            return;

        // The used index must be visible before the driver's wishes are read, or both sides could wait for each other.
        Interlocked.MemoryBarrier();
        if (_layout.EventIndex)
        {
            if (!_available.TryLoadAcquire(4 + (2UL * (uint)_layout.Size), out var usedEvent))
            {
                Fail("the available ring can't be read");
                return;
            }

            var wanted = (ushort)(_nextUsed - usedEvent - 1) < (ushort)(_nextUsed - _signalledUsed);
            _signalledUsed = _nextUsed;
            if (wanted)
                _interrupt.Interrupt();
            return;
        }

        _signalledUsed = _nextUsed;
        if (!_available.TryLoadAcquire(0, out var flags))
            Fail("the available ring can't be read");
        else if ((flags & NoInterrupt) == 0)
            _interrupt.Interrupt();
    }

    /// <inheritdoc/>
    public override void DisableKicks()
    {
        if (!_layout.EventIndex && BrokenReason is null && EnsureLocated() && !_used.TryStoreRelease(0, NoNotify))
            Fail("the used ring can't be written");
    }

    /// <inheritdoc/>
    public override bool EnableKicks()
    {
        if (BrokenReason is not null || !EnsureLocated())
            return false;
        var ok = _layout.EventIndex
            ? _used.TryStoreRelease(4 + (8UL * (uint)_layout.Size), _nextAvailable)
            : _used.TryStoreRelease(0, 0);
        if (!ok)
            return Fail("the used ring can't be written");

        // Our wish must be visible before the index is read again.
        Interlocked.MemoryBarrier();
        return _available.TryLoadAcquire(2, out var index) ? index != _nextAvailable : Fail("the available ring can't be read");
    }

    private bool Walk(DescriptorChain chain, ushort head)
    {
        var at = head;
        for (var hops = 0; ; hops++)
        {
            if (hops == _layout.Size)
                return Fail("a descriptor chain loops");
            if (!_descriptors.TryRead((ulong)at * DescriptorBytes, out Descriptor d))
                return Fail("the descriptor table can't be read");
            if ((d.Flags & FlagIndirect) != 0)
            {
                if (!_layout.Indirect)
                    return Fail("an indirect descriptor without the feature");
                return (d.Flags & FlagNext) != 0 ? Fail("an indirect descriptor with a successor") : WalkIndirect(chain, d.Address, d.Length);
            }

            if (!Add(chain, in d))
                return false;
            if ((d.Flags & FlagNext) == 0)
                return true;
            if (d.Next >= _layout.Size)
                return Fail("a descriptor names a successor outside the table");
            at = d.Next;
        }
    }

    private bool WalkIndirect(DescriptorChain chain, ulong table, uint lengthBytes)
    {
        if (lengthBytes == 0 || lengthBytes % DescriptorBytes != 0)
            return Fail("an indirect table whose length is no multiple of 16");
        if (!_memory.Contains(table, lengthBytes))
            return Fail("an indirect table lies outside guest RAM");
        var count = lengthBytes / DescriptorBytes;
        uint at = 0;
        for (uint hops = 0; ; hops++)
        {
            if (hops == count)
                return Fail("an indirect chain loops");
            if (!TryReadDescriptor(table + (at * (ulong)DescriptorBytes), out var d))
                return Fail("an indirect table can't be read");
            if ((d.Flags & FlagIndirect) != 0)
                return Fail("an indirect descriptor inside an indirect table");
            if (!Add(chain, in d))
                return false;
            if ((d.Flags & FlagNext) == 0)
                return true;
            if (d.Next >= count)
                return Fail("an indirect descriptor names a successor outside its table");
            at = d.Next;
        }
    }

    private bool TryReadDescriptor(ulong address, out Descriptor descriptor)
    {
        descriptor = default;
        return _memory.TryRead(address, MemoryMarshal.AsBytes(new Span<Descriptor>(ref descriptor)));
    }

    private bool Add(DescriptorChain chain, in Descriptor d)
    {
        if (chain.DescriptorCount == _limits.MaxChainDescriptors)
            return Fail($"a chain of more than {_limits.MaxChainDescriptors} descriptors");
        if (d.Address + d.Length < d.Address)
            return Fail("a descriptor wraps around the end of the address space");
        return chain.Add(d.Address, d.Length, (d.Flags & FlagWrite) != 0) || Fail("a readable descriptor after a writable one");
    }

    private bool EnsureLocated() => _generation == _memory.Generation ? _located : Locate();

    private bool Locate()
    {
        _generation = _memory.Generation;
        var size = (ulong)_layout.Size;
        return _located = _memory.TryGetWindow(_layout.Descriptors, size * DescriptorBytes, out _descriptors)
            && _memory.TryGetWindow(_layout.Available, 6 + (2 * size), out _available)
            && _memory.TryGetWindow(_layout.Used, 6 + (8 * size), out _used);
    }

    private bool Fail(string reason)
    {
        Break(reason);
        return false;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Descriptor
    {
        public ulong Address;
        public uint Length;
        public ushort Flags;
        public ushort Next;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UsedElement
    {
        public uint Id;
        public uint Length;
    }
}
