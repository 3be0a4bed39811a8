// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// How much host memory a guest's pixels may take. A storage counts until it is closed, not until its resource is gone: a compositor may read it long after.
/// <para>
/// Small storages that nobody ever saw are kept for the next resource of their size, zeroed: Linux makes a 64x64 resource for every new cursor image, and
/// making and closing a memfd costs three times what the rest of the resource's life does (25 of 35 us). What is kept is a mebibyte at most and doesn't count.
/// </para>
/// </summary>
internal sealed class HostPixelBudget(Limits limits) : IBufferConsumer
{
    private const ulong MaxKeptEachBytes = 128 << 10;
    private const int MaxKept = 8;

    private readonly List<BufferStorage> _kept = [];

    public ulong UsedBytes { get; private set; }

    /// <summary>Storages in use, each a descriptor; those kept for later are a few more.</summary>
    public int Storages { get; private set; }

    public bool TryTake(ulong bytes)
    {
        if (bytes > limits.MaxHostPixelBytes || UsedBytes > limits.MaxHostPixelBytes - bytes)
            return false;
        UsedBytes += bytes;
        return true;
    }

    public void Give(ulong bytes) => UsedBytes -= bytes;

    /// <summary>Makes a storage, all zero. Its bytes were taken already, and are given back when it closes.</summary>
    /// <returns>Null if the host has no memory, or the guest as many storages as it may have.</returns>
    public BufferStorage? TryAllocate(string name, ulong bytes)
    {
        if (Storages >= limits.MaxHostStorages)
            return null;
        var kept = Find(bytes);
        BufferStorage? storage;
        if (kept >= 0 && _kept[kept].Pixels!.TryClear())
        {
            storage = _kept[kept];
            _kept.RemoveAt(kept);
        }
        else
        {
            storage = BufferStorage.TryAllocate(name, bytes, producer: null, out _);
        }

        if (storage is null)
            return null;
        Storages++;
        storage.Subscribe(this);
        return storage;
    }

    /// <summary>A storage isn't wanted any more: closes it, or keeps it for later.</summary>
    public void Drop(BufferStorage storage)
    {
        if (storage.WasLocked || storage.SizeBytes > MaxKeptEachBytes || _kept.Count == MaxKept)
        {
            storage.Drop();
            return;
        }

        storage.Unsubscribe(this);
        OnClosed(storage);
        _kept.Add(storage);
    }

    /// <summary>Closes what is kept: the guest is gone.</summary>
    public void Release()
    {
        foreach (var storage in _kept)
            storage.Drop();
        _kept.Clear();
    }

    public void OnClosed(BufferStorage storage)
    {
        Storages--;
        Give(storage.SizeBytes);
    }

    // No closure: cursors that change all the time come by here.
    private int Find(ulong bytes)
    {
        for (var i = _kept.Count - 1; i >= 0; i--)
        {
            if (_kept[i].SizeBytes == bytes)
                return i;
        }

        return -1;
    }
}
