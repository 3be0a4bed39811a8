// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// The host pixels of one picture, in storages that are presented as they are. One of them is the newest. While a compositor reads that one, the next write
/// goes to a spare, and only what is older there is brought over first (buffer age). All storages are linear, rows of width times four bytes.
/// </summary>
internal sealed class StorageRotation
{
    /// <summary>One on screen, one latched for the next refresh, one waiting, one to write.</summary>
    public const int MaxStorages = 4;

    private Slot[] _slots = []; // a slot is a kibibyte, and most resources of a hostile guest are never drawn
    private readonly HostPixelBudget _budget;
    private readonly GuestStatistics _statistics;
    private readonly string _name;
    private int _count;
    private int _current;
    private bool _prepaid;
    private StaleRegion _everWritten;

    /// <summary>Describes storages; none is made yet.</summary>
    /// <param name="name">Shown in /proc/PID/maps.</param>
    /// <param name="size">In pixels.</param>
    /// <param name="budget">Charged for every storage.</param>
    /// <param name="prepaid">Whether the first was charged already.</param>
    /// <param name="statistics">Where to count.</param>
    public StorageRotation(string name, BufferSize size, HostPixelBudget budget, bool prepaid, GuestStatistics statistics)
    {
        _name = name;
        Size = size;
        _budget = budget;
        _prepaid = prepaid;
        _statistics = statistics;
    }

    /// <summary>In pixels.</summary>
    public BufferSize Size { get; }

    /// <summary>From row to row.</summary>
    public uint StrideBytes => StrideOf(Size);

    /// <summary>Bytes in each storage.</summary>
    public ulong SizeBytes => BytesOf(Size);

    /// <summary>The storage with the newest pixels; null before the first write.</summary>
    public BufferStorage? Current => _count > 0 ? _slots[_current].Storage : null;

    /// <summary>How many storages were made.</summary>
    public int Count => _count;

    public static uint StrideOf(BufferSize size) => (uint)size.Width * VirtioGpuFormats.BytesPerPixel;

    public static ulong BytesOf(BufferSize size) => (ulong)StrideOf(size) * (uint)size.Height;

    /// <summary>Makes the first storage, black, if there is none.</summary>
    /// <returns>False if the host has no more.</returns>
    public bool TryEnsure() => _count > 0 || TryAllocate();

    /// <summary>Chooses where to write a rectangle. When this returns, everything but the rectangle is the newest there, and nobody reads it unless there was no way.</summary>
    /// <param name="rect">Inside the size; all of it will be written.</param>
    /// <returns>The storage, or null if the host has no memory for even one.</returns>
    public BufferStorage? BeginWrite(BufferRect rect)
    {
        if (!TryEnsure())
            return null;
        if (_slots[_current].Storage.LockCount > 0 && !TryRotate(rect))
            _statistics.TornWrites++;
        for (var i = 0; i < _count; i++)
        {
            if (i != _current)
                _slots[i].Stale.Add(rect);
        }

        _everWritten.Add(rect);
        return _slots[_current].Storage;
    }

    /// <summary>Gives all storages up; those being read live on until they aren't.</summary>
    public void Drop()
    {
        for (var i = 0; i < _count; i++)
            _slots[i].Storage.Drop();
        _slots = [];
        _count = 0;
        if (_prepaid)
            _budget.Give(SizeBytes);
        _prepaid = false;
    }

    private bool TryRotate(BufferRect rect)
    {
        var spare = -1;
        var least = long.MaxValue;
        for (var i = 0; i < _count; i++)
        {
            if (_slots[i].Storage.LockCount > 0)
                continue;
            var cost = _slots[i].Stale.AreaOutside(rect);
            if (cost < least)
            {
                least = cost;
                spare = i;
            }
        }

        if (spare < 0)
        {
            if (_count == MaxStorages || !TryAllocate())
                return false;
            spare = _count - 1;
        }

        var newest = _slots[_current].Storage;
        _current = spare;
        ref var slot = ref _slots[spare];
        slot.Stale.Remove(rect);
        for (var i = 0; i < slot.Stale.Count; i++)
            Repair(newest, slot.Storage, slot.Stale[i]);
        slot.Stale.Clear();
        return true;
    }

    private void Repair(BufferStorage from, BufferStorage to, BufferRect rect)
    {
        var stride = StrideBytes;
        var rowBytes = (uint)rect.Width * VirtioGpuFormats.BytesPerPixel;
        var offset = ((ulong)(uint)rect.Y * stride) + ((uint)rect.X * VirtioGpuFormats.BytesPerPixel);
        if (SharedRegion.TryCopyRows(from.Pixels!, offset, stride, to.Pixels!, offset, stride, rowBytes, (uint)rect.Height))
            _statistics.BytesCopied += rect.Area * VirtioGpuFormats.BytesPerPixel;
    }

    private bool TryAllocate()
    {
        if (!_budget.HasRoom || (!_prepaid && !_budget.TryTake(SizeBytes)))
            return false;
        var storage = BufferStorage.TryAllocate(_name, SizeBytes, producer: null, out _);
        if (storage is null)
        {
            if (!_prepaid)
                _budget.Give(SizeBytes);
            return false;
        }

        _prepaid = false;
        _budget.Opened(storage);
        if (_count == 0)
            _slots = new Slot[MaxStorages];
        // A new storage is all zero, as the first one was: only what was ever written is missing in it.
        _slots[_count++] = new Slot { Storage = storage, Stale = _everWritten };
        return true;
    }

    private struct Slot
    {
        public BufferStorage Storage;
        public StaleRegion Stale;
    }
}
