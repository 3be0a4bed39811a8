// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Source;

/// <summary>
/// The storages that one viewer knows. They are announced when a frame first needs them, and dropped when they close, or when others need their place. Ids are never
/// used twice: what a viewer says about one is never about another.
/// </summary>
/// <param name="onChanged">There is something to tell the viewer.</param>
internal sealed class AnnouncedStorages(Action onChanged) : IBufferConsumer
{
    private readonly Dictionary<BufferStorage, AnnouncedStorage> _byStorage = [];
    private readonly Dictionary<uint, AnnouncedStorage> _byId = [];
    private readonly List<uint> _drops = new(LinkLimits.Storages);
    private uint _lastStorageId;
    private uint _lastViewId;
    private ulong _uses;

    /// <summary>The most that announcing a storage and a view of it takes.</summary>
    public static int MaxBytes { get; } = (2 * MessageHead.Bytes) + Unsafe.SizeOf<StorageAddBody>() + AnnouncedStorage.MaxBytes;

    /// <summary>Announces a storage if the viewer doesn't know it.</summary>
    /// <param name="storage">Alive.</param>
    /// <param name="writer">With room for <see cref="MaxBytes"/> and four descriptors.</param>
    /// <returns>Null if the viewer has locks on as many storages as there may be.</returns>
    public AnnouncedStorage? TryAnnounce(BufferStorage storage, LinkWriter writer)
    {
        if (!_byStorage.TryGetValue(storage, out var entry))
        {
            if (_byId.Count + _drops.Count >= LinkLimits.Storages && !TryMakeRoom(writer))
                return null;
            entry = new AnnouncedStorage(++_lastStorageId, storage);
            _byStorage.Add(storage, entry);
            _byId.Add(entry.Id, entry);
            storage.Subscribe(this);
            writer.Write(
                LinkOpcode.StorageAdd,
                entry.Id,
                new StorageAddBody { Kind = storage.IsDmabuf ? StorageAddBody.Dmabuf : StorageAddBody.Memory, Planes = (byte)storage.PlaneCount });
            for (var i = 0; i < storage.PlaneCount; i++)
                writer.PutFd(storage.Plane(i));
        }

        entry.LastUse = ++_uses;
        return entry;
    }

    /// <summary>The id of a view.</summary>
    /// <param name="entry">Its storage.</param>
    /// <param name="view">The view.</param>
    /// <param name="writer">With room.</param>
    public uint Announce(AnnouncedStorage entry, BufferView view, LinkWriter writer) => entry.Announce(view, writer, ref _lastViewId);

    /// <summary>The id of a cursor's view.</summary>
    /// <param name="entry">Its storage.</param>
    /// <param name="size">The image's.</param>
    /// <param name="writer">With room.</param>
    public uint AnnounceCursor(AnnouncedStorage entry, BufferSize size, LinkWriter writer) => entry.AnnounceCursor(size, writer, ref _lastViewId);

    /// <summary>Tells of storages that are gone.</summary>
    /// <param name="writer">The packet.</param>
    /// <returns>False if some didn't fit.</returns>
    public bool WriteDrops(LinkWriter writer)
    {
        while (_drops.Count > 0)
        {
            if (!writer.HasRoom(MessageHead.Bytes))
                return false;
            writer.Write(LinkOpcode.StorageDrop, _drops[^1]);
            _drops.RemoveAt(_drops.Count - 1);
        }

        return true;
    }

    /// <summary>What the viewer calls by an id.</summary>
    /// <param name="id">The viewer's word.</param>
    public AnnouncedStorage? Find(uint id) => _byId.GetValueOrDefault(id);

    /// <summary>What the viewer knows a storage as.</summary>
    /// <param name="storage">The storage.</param>
    public AnnouncedStorage? Find(BufferStorage storage) => _byStorage.GetValueOrDefault(storage);

    /// <summary>Since when the viewer has kept the oldest storage that it should have given back; <see cref="long.MaxValue"/> if none.</summary>
    public long OldestStaleNs()
    {
        var oldest = long.MaxValue;
        foreach (var (_, entry) in _byId)
        {
            if (entry.StaleSinceNs != 0)
                oldest = Math.Min(oldest, entry.StaleSinceNs);
        }

        return oldest;
    }

    /// <summary>The viewer is gone: its locks come back.</summary>
    public void Abandon()
    {
        AnnouncedStorage[] all = [.. _byId.Values];
        _byId.Clear();
        _byStorage.Clear();
        foreach (var entry in all)
        {
            entry.Storage.Unsubscribe(this);
            _ = entry.TryUnlock(entry.Locks); // false: it had none
        }
    }

    void IBufferConsumer.OnClosed(BufferStorage storage)
    {
        if (!_byStorage.Remove(storage, out var entry))
            return;
        _byId.Remove(entry.Id);
        _drops.Add(entry.Id);
        onChanged();
    }

    private bool TryMakeRoom(LinkWriter writer)
    {
        AnnouncedStorage? least = null;
        foreach (var (_, entry) in _byId)
        {
            if (entry.Locks == 0 && (least is null || entry.LastUse < least.LastUse))
                least = entry;
        }

        if (least is null)
            return false;
        least.Storage.Unsubscribe(this);
        _byStorage.Remove(least.Storage);
        _byId.Remove(least.Id);
        writer.Write(LinkOpcode.StorageDrop, least.Id);
        return true;
    }
}
