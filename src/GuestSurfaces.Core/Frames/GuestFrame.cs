// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sync;

namespace GuestSurfaces.Core.Frames;

/// <summary>
/// One picture of one scanout, on its way to the screen. A struct with one owner: it carries one lock on its storage and the fence of its acquire
/// point; whoever takes the frame takes both, and unlocks when the picture isn't read any more.
/// </summary>
public struct GuestFrame
{
    /// <summary>Where the pixels are; locked once for this frame.</summary>
    public BufferStorage Storage;

    /// <summary>How to read them.</summary>
    public BufferView View;

    /// <summary>The part to show, in buffer pixels; inside the view.</summary>
    public BufferRect Source;

    /// <summary>What changed since the scanout's frame before, in buffer pixels of the view. Empty: nothing did.</summary>
    public DamageList Damage;

    /// <summary>Rows are stored bottom up.</summary>
    public bool FlipY;

    /// <summary>When the pixels are complete. Signalled for everything a guest's CPU drew.</summary>
    public SyncPoint Acquire;

    /// <summary>Rises with every frame of a guest, over all its scanouts; 0 is none.</summary>
    public ulong Serial;

    /// <summary>When it is to be shown at the earliest: CLOCK_MONOTONIC in ns; 0: as soon as it can be. A wish, which few sources have and few compositors grant.</summary>
    public long TargetNs;

    /// <summary>When the guest's command was popped from its ring: CLOCK_MONOTONIC in ns.</summary>
    public long PoppedNs;

    /// <summary>Whether the guest waits for this frame's answer (a fenced flush): only then is a late answer an unprotected flip.</summary>
    public bool Awaited;
}
