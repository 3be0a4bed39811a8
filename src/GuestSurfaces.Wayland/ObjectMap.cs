// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>
/// Ids to objects, for both ranges. A slot outlives its object as a zombie that still knows its interface: so what the peer sent before it
/// heard of the destruction can be skipped exactly, descriptors included.
/// </summary>
internal sealed class ObjectMap(bool isServer)
{
    private readonly Range _client = new(1);
    private readonly Range _server = new(WireLimits.FirstServerId);

    private Range Local => isServer ? _server : _client;

    private Range Remote => isServer ? _client : _server;

    /// <summary>Whether the id was ever used.</summary>
    internal bool TryFind(uint id, out WaylandObject? found, out WaylandInterface known) => RangeOf(id).TryFind(id, out found, out known);

    /// <summary>Gives an object of ours the lowest free id: libwayland takes no gaps.</summary>
    internal bool TryAllocate(WaylandObject item) => Local.TryAllocate(item);

    /// <summary>Enters an object (or a zombie, if null) under the id that the peer chose.</summary>
    internal bool TryInsertRemote(uint id, WaylandObject? item, WaylandInterface known) => RangeOf(id) == Remote && Remote.TryInsert(id, item, known);

    /// <summary>The object is gone; its id isn't free yet.</summary>
    internal void Retire(WaylandObject item)
    {
        RangeOf(item.Id).Retire(item.Id);
        item.Id = 0;
    }

    /// <summary>An id of ours may be used again.</summary>
    internal bool TryFree(uint id) => RangeOf(id) == Local && Local.TryFree(id);

    internal static bool IsServerId(uint id) => id >= WireLimits.FirstServerId;

    internal IEnumerable<WaylandObject> Live() => _server.Live().Concat(_client.Live());

    private Range RangeOf(uint id) => IsServerId(id) ? _server : _client;

    private sealed class Range(uint first)
    {
        private Slot[] _slots = new Slot[64];
        private uint[] _free = new uint[64];
        private uint _count;
        private int _freeCount;

        internal bool TryFind(uint id, out WaylandObject? found, out WaylandInterface known)
        {
            var index = id - first;
            if (id < first || index >= _count)
            {
                found = null;
                known = null!;
                return false;
            }

            ref var slot = ref _slots[index];
            found = slot.Item;
            known = slot.Known;
            return true;
        }

        internal bool TryAllocate(WaylandObject item)
        {
            var index = _freeCount > 0 ? _free[--_freeCount] : _count;
            if (!TryPut(index, item, item.Interface))
                return false;
            item.Id = first + index;
            return true;
        }

        internal bool TryInsert(uint id, WaylandObject? item, WaylandInterface known)
        {
            var index = id - first;
            if (id < first || index > _count || (index < _count && _slots[index].Item is not null) || !TryPut(index, item, known))
                return false;
            if (item is not null)
                item.Id = id;
            return true;
        }

        internal void Retire(uint id) => _slots[id - first].Item = null;

        internal bool TryFree(uint id)
        {
            var index = id - first;
            if (id < first || index >= _count || _slots[index].IsFree)
                return false;
            if (_slots[index].Item is { } item)
                item.Id = 0;
            _slots[index].Item = null;
            _slots[index].IsFree = true;
            if (_freeCount == _free.Length)
                Array.Resize(ref _free, _free.Length * 2);
            _free[_freeCount++] = index;
            return true;
        }

        internal IEnumerable<WaylandObject> Live() => _slots.Select(slot => slot.Item).OfType<WaylandObject>().Reverse();

        private bool TryPut(uint index, WaylandObject? item, WaylandInterface known)
        {
            if (index == _count)
            {
                if (_count == WireLimits.MaxObjects)
                    return false;
                if (_count == _slots.Length)
                    Array.Resize(ref _slots, _slots.Length * 2);
                _count++;
            }

            _slots[index] = new Slot { Item = item, Known = known };
            return true;
        }
    }

    private struct Slot
    {
        internal WaylandObject? Item;
        internal WaylandInterface Known;
        internal bool IsFree;
    }
}
