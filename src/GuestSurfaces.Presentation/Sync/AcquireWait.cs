// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>Waits for a frame's fence where the compositor can't: for a CPU that is to read the pixels, and for kernels that put no fences into dma-bufs. One fence at a time.</summary>
/// <param name="kernel">Tells when it has signalled.</param>
/// <param name="signalled">Told when it's worth asking again.</param>
internal sealed class AcquireWait(IDmabufSync kernel, Action signalled) : IFdHandler
{
    // Of our own: the frame and its fence may go meanwhile.
    private SyncFileHandle? _fence;
    private IFenceWatch? _watch;

    /// <summary>Whether the pixels are complete. If they aren't, it is told when they are; only of the fence that was asked about last.</summary>
    /// <param name="acquire">Its fence is disposed if it has signalled.</param>
    public bool IsOver(ref SyncPoint acquire)
    {
        Stop();
        if (acquire.Fence is not { } fence)
            return true;
        if (!fence.Wait(0))
        {
            _fence = fence.Duplicate<SyncFileHandle>();
            _watch = kernel.TryWatch(_fence, this);
            if (_watch is not null)
                return false;
            Stop(); // no fence at all: a peer sent something else
        }

        fence.Dispose();
        acquire = SyncPoint.Signalled;
        return true;
    }

    /// <summary>Nobody asks any more.</summary>
    public void Stop()
    {
        _watch?.Dispose();
        _watch = null;
        _fence?.Dispose();
        _fence = null;
    }

    void IFdHandler.OnReady(EpollEvents events)
    {
        Stop();
        signalled();
    }
}
