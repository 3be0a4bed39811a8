// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// How much host memory a guest's pixels may take. A storage counts until it is closed, not until its resource is gone: a compositor may read it long after.
/// </summary>
internal sealed class HostPixelBudget(Limits limits) : IBufferConsumer
{
    public ulong UsedBytes { get; private set; }

    /// <summary>Storages that are open.</summary>
    public int Storages { get; private set; }

    /// <summary>Whether one more storage may be made; told of by <see cref="Opened"/>.</summary>
    public bool HasRoom => Storages < limits.MaxHostStorages;

    public bool TryTake(ulong bytes)
    {
        if (bytes > limits.MaxHostPixelBytes || UsedBytes > limits.MaxHostPixelBytes - bytes)
            return false;
        UsedBytes += bytes;
        return true;
    }

    public void Give(ulong bytes) => UsedBytes -= bytes;

    /// <summary>A storage was made, whose bytes were taken before. It is given back when it closes.</summary>
    public void Opened(BufferStorage storage)
    {
        Storages++;
        storage.Subscribe(this);
    }

    public void OnClosed(BufferStorage storage)
    {
        Storages--;
        Give(storage.SizeBytes);
    }
}
