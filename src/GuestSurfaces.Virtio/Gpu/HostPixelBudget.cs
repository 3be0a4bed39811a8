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

    public bool TryTake(ulong bytes)
    {
        if (bytes > limits.MaxHostPixelBytes || UsedBytes > limits.MaxHostPixelBytes - bytes)
            return false;
        UsedBytes += bytes;
        return true;
    }

    public void Give(ulong bytes) => UsedBytes -= bytes;

    public void OnClosed(BufferStorage storage) => Give(storage.SizeBytes);
}
