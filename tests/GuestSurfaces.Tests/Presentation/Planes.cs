// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A storage of several files that stand for dma-bufs.</summary>
internal sealed class Planes : IDisposable
{
    public Planes(params ulong[] sizesBytes)
    {
        var handles = sizesBytes.Select(static bytes =>
        {
            using var memory = MemFdHandle.TryCreateSealed("plane", bytes, out _)!;
            return memory.Duplicate<DmabufHandle>();
        }).ToArray();
        Storage = BufferStorage.FromDmabufs(handles, null);
    }

    public BufferStorage Storage { get; }

    public void Dispose() => Storage.Drop();
}
