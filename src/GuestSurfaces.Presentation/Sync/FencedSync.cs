// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Sync;

/// <summary>
/// A surface with zwp_linux_explicit_synchronization_v1: every commit of a dma-buf asks for its own release, and brings a fence if there is one. Commits of anything else are left
/// as they are, which the protocol allows.
/// </summary>
internal sealed class FencedSync(ZwpLinuxExplicitSynchronizationV1 manager, WlSurface surface, ConnectionSync connection) : ISurfaceSync
{
    private readonly ZwpLinuxSurfaceSynchronizationV1 _surface = manager.GetSynchronization(surface);

    /// <inheritdoc/>
    public void Attach(SurfaceBuffer buffer, in GuestFrame frame)
    {
        if (!buffer.Storage.IsDmabuf || connection.Report.Mode != SyncMode.Fences)
        {
            connection.Implicit.Attach(buffer, in frame);
            return;
        }

        if (frame.Acquire.Fence is { } fence)
            _surface.SetAcquireFence(fence);
        if (buffer.Releases is not BufferReleases releases)
        {
            releases = new BufferReleases(buffer, connection);
            buffer.Releases = releases;
        }

        _surface.GetRelease(releases.Next());
        buffer.TakeExplicitCommit();
    }

    /// <inheritdoc/>
    public void AttachOther()
    {
    }

    /// <inheritdoc/>
    public bool CanWaitFor(SurfaceBuffer buffer, ref GuestFrame frame) =>
        connection.Report.Mode == SyncMode.Fences ? buffer.Storage.IsDmabuf : connection.Implicit.CanWaitFor(buffer, ref frame);

    /// <inheritdoc/>
    public void Destroy() => _surface.Destroy();

    /// <summary>The releases of one buffer's commits: as many objects as were ever under way, each used again when it has come.</summary>
    private sealed class BufferReleases(SurfaceBuffer buffer, ConnectionSync connection) : IZwpLinuxBufferReleaseV1Listener, IBufferReleases
    {
        private readonly List<ZwpLinuxBufferReleaseV1> _all = [];

        public ZwpLinuxBufferReleaseV1 Next()
        {
            foreach (var release in _all)
            {
                if (!release.IsAlive)
                    return release;
            }

            var added = new ZwpLinuxBufferReleaseV1 { Listener = this };
            _all.Add(added);
            return added;
        }

        public void Destroy()
        {
            // None is under way, and those that have come are gone.
        }

        void IZwpLinuxBufferReleaseV1Listener.OnImmediateRelease(ZwpLinuxBufferReleaseV1 sender) => buffer.ReleaseCommits(1);

        void IZwpLinuxBufferReleaseV1Listener.OnFencedRelease(ZwpLinuxBufferReleaseV1 sender, ReceivedFd fence)
        {
            // Into the dma-buf with it, which is watched for fences anyway: no file to watch for each release.
            using var file = fence.Take<SyncFileHandle>();
            connection.AddReader(buffer.Storage, file);
            buffer.ReleaseCommits(1, isFenced: true);
        }
    }
}
