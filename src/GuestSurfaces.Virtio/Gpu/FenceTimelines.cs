// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Fences that wait, by (ctx_id, ring_idx, fence_id), in the order in which they came. As many as chains are in flight, which the ring bounds.
/// <para>
/// Linux takes an answer for the answers to all earlier fences of its timeline. So an answer that overtakes a held flush (a cursor upload's; another scanout's flush) says
/// that what this flush replaced may be drawn into. It waits until that is true, and hurries the display: nobody waits for it longer than a refresh, since Linux itself
/// waits for a cursor upload without a limit. Where nothing is read any more, as on the copy rung, it goes at once: a fence only paces there.
/// </para>
/// </summary>
internal sealed class FenceTimelines
{
    private readonly List<HeldAnswer> _held = [];
    private readonly Queue<HeldAnswer> _due = [];
    private readonly Stack<HeldAnswer> _free = [];

    /// <summary>Answers that wait.</summary>
    public int Count => _held.Count;

    /// <summary>Holds an answer: a flush's until all its frames are settled, any other's until nothing that it overtakes is in danger.</summary>
    /// <param name="chain">With the answer in it.</param>
    /// <param name="writtenBytes">How long that is.</param>
    /// <param name="header">The request's, fenced.</param>
    /// <param name="poppedNs">When it was popped.</param>
    /// <param name="frames">Empty if it isn't a flush, or made none.</param>
    public void Hold(DescriptorChain chain, uint writtenBytes, in GpuHeader header, long poppedNs, in FrameSet frames)
    {
        var answer = _free.Count > 0 ? _free.Pop() : new HeldAnswer();
        answer.Chain = chain;
        answer.WrittenBytes = writtenBytes;
        answer.Fence = FenceKey.Of(in header);
        answer.PoppedNs = poppedNs;
        answer.Frames = frames;
        answer.IsFlush = !frames.IsEmpty;
        answer.HasHurried = false;
        _held.Add(answer);
    }

    /// <summary>Whether an answer given now would overtake a flush of its timeline whose time hasn't come.</summary>
    /// <param name="header">The request's, fenced.</param>
    /// <param name="display">Knows what is read.</param>
    public bool IsTooEarly(in GpuHeader header, IGuestDisplay display)
    {
        var timeline = FenceKey.Of(in header).TimelineBit;
        foreach (var answer in _held)
        {
            if (answer.Fence.TimelineBit == timeline && IsInDanger(answer, display))
                return true;
        }

        return false;
    }

    /// <summary>A scanout's frames up to a serial are settled.</summary>
    public void Settle(int scanout, ulong serial)
    {
        foreach (var answer in _held)
            answer.Frames.Settle(scanout, serial);
    }

    /// <summary>Takes out what can be answered now, and hurries what the rest waits for.</summary>
    /// <param name="display">Knows what is read.</param>
    public void Release(IGuestDisplay display)
    {
        ulong inDanger = 0;
        var kept = 0;
        for (var i = 0; i < _held.Count; i++)
        {
            var answer = _held[i];
            var timeline = answer.Fence.TimelineBit;
            if (answer.Frames.IsEmpty && (inDanger & timeline) == 0)
            {
                _due.Enqueue(answer);
                continue;
            }

            if (!answer.Frames.IsEmpty)
                inDanger |= IsInDanger(answer, display) ? timeline : 0;
            else if (!answer.HasHurried)
                Hurry(answer, kept, display);
            _held[kept++] = answer;
        }

        _held.RemoveRange(kept, _held.Count - kept);
    }

    /// <summary>Nothing is waited for any more: the queue stops.</summary>
    public void SettleAll()
    {
        foreach (var answer in _held)
            _due.Enqueue(answer);
        _held.Clear();
    }

    /// <summary>Takes the next answer to give back.</summary>
    /// <param name="answer">To be given back by <see cref="Recycle"/>.</param>
    public bool TryTakeDue(out HeldAnswer answer) => _due.TryDequeue(out answer!);

    public void Recycle(HeldAnswer answer)
    {
        answer.Chain = null!;
        _free.Push(answer);
    }

    /// <summary>Whether the guest would draw into something that is read if it took a flush for done.</summary>
    private static bool IsInDanger(HeldAnswer answer, IGuestDisplay display)
    {
        for (var i = 0; answer.Frames.Scanouts >> i != 0; i++)
        {
            if (answer.Frames.Has(i) && !display.IsFreeBefore(i, answer.Frames[i]))
                return true;
        }

        return false;
    }

    private void Hurry(HeldAnswer waiting, int earlier, IGuestDisplay display)
    {
        waiting.HasHurried = true;
        for (var i = 0; i < earlier; i++)
        {
            var frames = _held[i].Frames;
            for (var scanout = 0; _held[i].Fence.TimelineBit == waiting.Fence.TimelineBit && frames.Scanouts >> scanout != 0; scanout++)
            {
                if (frames.Has(scanout))
                    display.Hurry(scanout, frames[scanout]);
            }
        }
    }
}
