// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>
/// What one surface tells the compositor about the buffers that it attaches, in one of three ways. Whoever attaches a buffer calls one of the two
/// Attach methods for it, right before wl_surface.attach, and nobody else calls them: so there is no commit that brings a buffer without what its mode asks for,
/// nor the other way round.
/// </summary>
internal interface ISurfaceSync
{
    /// <summary>A buffer of the guest's is about to be attached.</summary>
    /// <param name="buffer">Ready. Its storage's lock for this commit is the buffer's from here on.</param>
    /// <param name="frame">Whose acquire point counts; its fence stays the caller's.</param>
    void Attach(SurfaceBuffer buffer, in GuestFrame frame);

    /// <summary>A buffer of ours that is no dma-buf is about to be attached.</summary>
    void AttachOther();

    /// <summary>Whether the compositor waits for a frame's fence if it gets it. Else this side waits before it commits.</summary>
    /// <param name="buffer">What the frame is shown from.</param>
    /// <param name="frame">The frame, with a fence that may be pending. Where only the kernel can tell the compositor, the fence is handed over here.</param>
    bool CanWaitFor(SurfaceBuffer buffer, ref GuestFrame frame);

    /// <summary>The surface is about to be destroyed.</summary>
    void Destroy();
}
