// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>What the CPU's side and devices have to tell each other about a dma-buf. The kernel, or a test.</summary>
internal interface IDmabufSync
{
    /// <summary>Whether a device is still at work in it. Doesn't wait.</summary>
    /// <param name="dmabuf">Borrowed.</param>
    bool HasPendingFences(DmabufHandle dmabuf);

    /// <summary>A CPU has drawn, a device is about to read.</summary>
    /// <param name="dmabuf">Borrowed.</param>
    void PublishCpuWrites(DmabufHandle dmabuf);

    /// <summary>Lets everybody who looks at a dma-buf's fences wait for one more. Doesn't wait.</summary>
    /// <param name="dmabuf">Borrowed.</param>
    /// <param name="fence">Borrowed.</param>
    /// <param name="access">What goes on until it signals.</param>
    /// <returns>False if the kernel can't: one before 6.0.</returns>
    bool TryAddFence(DmabufHandle dmabuf, SyncFileHandle fence, DmabufAccess access);

    /// <summary>Tells when a fence has signalled. Armed at once.</summary>
    /// <param name="fence">Borrowed; stays open until the watch is disposed.</param>
    /// <param name="handler">Who is told, perhaps too often.</param>
    /// <returns>The watch, or null if that is no fence.</returns>
    IFenceWatch? TryWatch(SyncFileHandle fence, IFdHandler handler);

    /// <summary>Prepares for being told when it's worth asking again. Not armed yet.</summary>
    /// <param name="dmabuf">Borrowed; stays open until the watch is disposed.</param>
    /// <param name="handler">Who is told, perhaps too often.</param>
    /// <returns>The watch, or null if there can't be one.</returns>
    IFenceWatch? TryWatch(DmabufHandle dmabuf, IFdHandler handler);
}

/// <summary>A dma-buf that is being watched, or could be: arming it allocates nothing.</summary>
internal interface IFenceWatch : IDisposable
{
    /// <summary>Starts or stops telling.</summary>
    /// <param name="isArmed">Which.</param>
    void Arm(bool isArmed);
}

/// <summary>The kernel's dma-bufs in an event loop.</summary>
internal sealed class LoopDmabufSync(EventLoop loop) : IDmabufSync
{
    // x86 keeps its caches coherent; what else there may be isn't told to programs.
    private static readonly bool s_mayBeIncoherent = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <inheritdoc/>
    public bool HasPendingFences(DmabufHandle dmabuf) => dmabuf.HasPendingFences();

    /// <inheritdoc/>
    public void PublishCpuWrites(DmabufHandle dmabuf)
    {
        if (s_mayBeIncoherent)
            _ = dmabuf.SyncCpuWrites(); // an exporter that can't has coherent memory
    }

    /// <inheritdoc/>
    public bool TryAddFence(DmabufHandle dmabuf, SyncFileHandle fence, DmabufAccess access) => dmabuf.ImportFence(fence, access) == Errno.None;

    /// <inheritdoc/>
    public IFenceWatch? TryWatch(SyncFileHandle fence, IFdHandler handler) =>
        loop.TryWatch(fence, EpollEvents.In, handler, out _) is { } watch ? new Watch(watch, EpollEvents.In) : null;

    /// <inheritdoc/>
    public IFenceWatch? TryWatch(DmabufHandle dmabuf, IFdHandler handler) =>
        loop.TryWatch(dmabuf, EpollEvents.None, handler, out _) is { } watch ? new Watch(watch, EpollEvents.Out) : null;

    private sealed class Watch(FdWatch watch, EpollEvents events) : IFenceWatch
    {
        public void Arm(bool isArmed) => watch.Modify(isArmed ? events : EpollEvents.None);

        public void Dispose() => watch.Dispose();
    }
}
