// SPDX-License-Identifier: MIT
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Fences that wait, by (ctx_id, ring_idx, fence_id), in the order in which they came. As many as chains are in flight, which the ring bounds.
/// <para>
/// A fenced command that does its work at once is answered at once, and so may overtake a flush that is held on the same timeline: Linux then takes the
/// flush for done too. On the copy rung that is harmless, since the picture is a copy by then; the fence only paces. A cursor upload must not wait,
/// since Linux waits for it without a limit.
/// </para>
/// </summary>
internal sealed class FenceTimelines
{
    private readonly List<HeldFlush> _held = [];
    private readonly Queue<HeldFlush> _settled = [];
    private readonly Stack<HeldFlush> _free = [];

    public int HeldCount => _held.Count;

    /// <summary>Holds a flush until all its frames are settled.</summary>
    public void Hold(DescriptorChain chain, in GpuHeader header, long poppedNs, in FrameSet frames)
    {
        var flush = _free.Count > 0 ? _free.Pop() : new HeldFlush();
        flush.Chain = chain;
        flush.Header = header;
        flush.Fence = FenceKey.Of(in header);
        flush.PoppedNs = poppedNs;
        flush.Frames = frames;
        _held.Add(flush);
    }

    /// <summary>A scanout's frames up to a serial are settled.</summary>
    public void Settle(int scanout, ulong serial)
    {
        var kept = 0;
        for (var i = 0; i < _held.Count; i++)
        {
            var flush = _held[i];
            flush.Frames.Settle(scanout, serial);
            if (flush.Frames.IsEmpty)
                _settled.Enqueue(flush);
            else
                _held[kept++] = flush;
        }

        _held.RemoveRange(kept, _held.Count - kept);
    }

    /// <summary>Nothing is waited for any more: the queue stops.</summary>
    public void SettleAll()
    {
        foreach (var flush in _held)
            _settled.Enqueue(flush);
        _held.Clear();
    }

    /// <summary>Takes the next flush to answer.</summary>
    /// <param name="flush">To be given back by <see cref="Recycle"/>.</param>
    public bool TryTakeSettled(out HeldFlush flush) => _settled.TryDequeue(out flush!);

    public void Recycle(HeldFlush flush)
    {
        flush.Chain = null!;
        _free.Push(flush);
    }
}
