// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>
/// A surface without a protocol of its own: the dma-buf's fences say when it may be read, and wl_buffer.release with these when it isn't any more. One for a whole
/// connection, as there is nothing to remember.
/// </summary>
internal sealed class ImplicitSync(WlDisplay display, IDmabufSync kernel) : ISurfaceSync
{
    /// <inheritdoc/>
    public void Attach(SurfaceBuffer buffer, in GuestFrame frame) => buffer.TakeCommit(display);

    /// <inheritdoc/>
    public void AttachOther()
    {
    }

    /// <inheritdoc/>
    public bool CanWaitFor(SurfaceBuffer buffer, ref GuestFrame frame)
    {
        if (!frame.Storage.IsDmabuf || frame.Acquire.Fence is not { } fence)
            return frame.Acquire.IsSignalled;
        for (var i = 0; i < frame.Storage.PlaneCount; i++)
        {
            if (!kernel.TryAddFence((DmabufHandle)frame.Storage.Plane(i), fence, DmabufAccess.Write))
                return false;
        }

        // Whoever reads the dma-buf waits from now on, whatever becomes of the frame.
        fence.Dispose();
        frame.Acquire = SyncPoint.Signalled;
        return true;
    }

    /// <inheritdoc/>
    public void Destroy()
    {
    }
}
