// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Presentation.Frames;

/// <summary>
/// The frames of one scanout between the guest and the compositor: at most one waits to be committed, at most one is committed and not yet
/// settled. While the one that waits is held, because it is being converted or because each is to be shown, at most one more waits behind it. Whatever happens, each frame is settled
/// exactly once (Latched or Superseded), and a frame that is never committed gives back its lock at once. A picture that is repeated for another window has serial 0: nobody hears of it. Knows no Wayland. Upcalls come last, when the
/// state is consistent: they may present the next frame.
/// </summary>
internal sealed class FrameMailbox(int scanout, IDisplayEvents events)
{
    private GuestFrame _pending;
    private GuestFrame _next;
    private bool _hasPending;
    private bool _hasNext;
    private bool _isHeld;
    private ulong _committed;

    /// <summary>Whether a frame waits to be committed.</summary>
    public bool HasPending => _hasPending;

    /// <summary>The serial of the committed frame that isn't settled; 0 if there is none.</summary>
    public ulong Committed => _committed;

    /// <summary>The frame that waits; only while <see cref="HasPending"/>.</summary>
    public ref GuestFrame Pending => ref _pending;

    /// <summary>Whether frames that the guest waits for don't overtake each other, as long as there is room.</summary>
    public bool KeepsEach { get; set; }

    /// <summary>Puts a frame in. One that waits and isn't held is superseded, and what changed with it counts for the new one.</summary>
    /// <param name="frame">Taken over.</param>
    public void Put(in GuestFrame frame)
    {
        var isBehind = _hasNext || _isHeld || (KeepsEach && _hasPending && _pending.Awaited && frame.Awaited);
        ref var slot = ref isBehind ? ref _next : ref _pending;
        ref var isTaken = ref isBehind ? ref _hasNext : ref _hasPending;
        var old = slot;
        slot = frame;
        if (!isTaken)
        {
            isTaken = true;
            return;
        }

        if (SharesPixelGrid(in old, in frame))
            slot.Damage.Add(in old.Damage);
        else
            slot.Damage = DamageList.Of(frame.Source);
        GiveBack(in old);
        Supersede(old.Serial);
    }

    /// <summary>The waiting frame is being converted: it isn't superseded any more, or a guest that is faster than its conversion would never be seen.</summary>
    public void Hold() => _isHeld = HasPending;

    /// <summary>Takes a frame that nobody can show: its lock goes back at once, its answer is left to the session's timer or the next frame.</summary>
    /// <param name="frame">Taken over.</param>
    public void Swallow(in GuestFrame frame)
    {
        var unsettled = _committed;
        _committed = frame.Serial;
        GiveBack(in frame);
        Supersede(unsettled);
    }

    /// <summary>Takes the waiting frame out for a commit. The frame's lock and fence go with it.</summary>
    /// <returns>The frame; <see cref="TellCommitted"/> when it is on its way.</returns>
    public GuestFrame Take()
    {
        var frame = _pending;
        Advance();
        return frame;
    }

    /// <summary>The frame that was taken out is on its way.</summary>
    /// <param name="serial">The frame's.</param>
    public void TellCommitted(ulong serial)
    {
        var unsettled = _committed;
        _committed = serial;

        // Commits are throttled by the frame before: nobody took this one, or it was swallowed while there was no compositor.
        Supersede(unsettled);
        if (serial != 0)
            events.Committed(scanout, serial);
    }

    /// <summary>The compositor took the committed frame. A second word about a frame is ignored.</summary>
    /// <param name="serial">The frame's.</param>
    /// <param name="timeNs">CLOCK_MONOTONIC.</param>
    public void Latch(ulong serial, long timeNs)
    {
        if (serial == 0 || serial != _committed)
            return;
        _committed = 0;
        events.Latched(scanout, serial, timeNs);
    }

    /// <summary>The compositor will never show the committed frame.</summary>
    /// <param name="serial">The frame's.</param>
    public void Discard(ulong serial)
    {
        if (serial == 0 || serial != _committed)
            return;
        _committed = 0;
        events.Superseded(scanout, serial);
    }

    /// <summary>The waiting frame can't be shown: the one behind it is next.</summary>
    public void DropPending()
    {
        if (!HasPending)
            return;
        var old = _pending;
        Advance();
        GiveBack(in old);
        Supersede(old.Serial);
    }

    /// <summary>Nothing that waits is wanted any more.</summary>
    public void DropAll()
    {
        var (first, second, hasSecond) = (_pending, _next, _hasNext);
        if (!_hasPending)
            return;
        Advance();
        Advance();
        GiveBack(in first);
        if (hasSecond)
            GiveBack(in second);
        Supersede(first.Serial);
        if (hasSecond)
            Supersede(second.Serial);
    }

    /// <summary>There is no window any more: settles everything. The locks of committed frames are the buffers' business.</summary>
    public void Clear()
    {
        Discard(_committed);
        DropAll();
    }

    private void Supersede(ulong serial)
    {
        if (serial != 0)
            events.Superseded(scanout, serial);
    }

    private void Advance()
    {
        _pending = _next;
        _hasPending = _hasNext;
        _next = default;
        _hasNext = false;
        _isHeld = false;
    }

    private static bool SharesPixelGrid(in GuestFrame a, in GuestFrame b) =>
        a.View.Size == b.View.Size && a.Source == b.Source && a.FlipY == b.FlipY;

    private static void GiveBack(in GuestFrame frame)
    {
        frame.Acquire.Fence?.Dispose();
        frame.Storage.Unlock();
    }
}
