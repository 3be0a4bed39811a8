// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// Shared memory: the memfd goes to the compositor once per storage, and a wl_buffer is a cut out of that pool. So a part of a picture is a
/// buffer of its own, by offset and stride, and nothing is copied.
/// </summary>
internal sealed class ShmImporter : IBufferImporter, IWlShmListener
{
    private readonly WlShm _shm;
    private readonly bool _canCrop;
    private readonly RungReport _report;
    private readonly HashSet<uint> _formats = [(uint)WlShmFormat.Argb8888, (uint)WlShmFormat.Xrgb8888];
    private readonly Dictionary<BufferStorage, WlShmPool> _pools = [];

    /// <summary>Makes the importer of a connection.</summary>
    /// <param name="shm">Just bound: its formats are still to come.</param>
    /// <param name="canCrop">Whether there is wp_viewporter.</param>
    /// <param name="reason">Why this rung isn't a higher one.</param>
    public ShmImporter(WlShm shm, bool canCrop, string reason)
    {
        _shm = shm;
        _canCrop = canCrop;
        _report = new RungReport(Rung.Copy, reason);
        shm.Listener = this;
    }

    /// <summary>Whether the compositor reads these pixels: only two formats are sure.</summary>
    /// <param name="view">The pixels.</param>
    public bool Knows(BufferView view) => view.PlaneCount == 1 && view.Modifier == DrmModifier.Linear && _formats.Contains(CodeOf(view.Format.Opaque));

    /// <inheritdoc/>
    public BufferRect Cover(BufferStorage storage, BufferView view, BufferRect source)
    {
        // wl_shm counts the last row whole: the lower right part of a picture would end beyond the pool.
        var limit = Math.Min(storage.SizeBytes, int.MaxValue);
        if (PixelLayout.BytesPerPixel(view.Format) != 0 && PixelLayout.RowsFit(view, source, limit))
            return source;
        return (_canCrop || source == view.Size.Whole) && PixelLayout.RowsFit(view, view.Size.Whole, limit) ? view.Size.Whole : default;
    }

    /// <inheritdoc/>
    public void Import(SurfaceBuffer buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        if (!_pools.TryGetValue(buffer.Storage, out var pool))
        {
            pool = _shm.CreatePool(buffer.Storage.Plane(0), (int)Math.Min(buffer.Storage.SizeBytes, int.MaxValue));
            _pools.Add(buffer.Storage, pool);
        }

        var view = buffer.View;
        var code = (WlShmFormat)CodeOf(buffer.IsOpaque ? view.Format.Opaque : view.Format);
        var proxy = pool.CreateBuffer(
            (int)PixelLayout.OffsetBytes(view, buffer.Covers), buffer.Covers.Width, buffer.Covers.Height, (int)view.Plane(0).StrideBytes, code);
        buffer.MarkReady(proxy, _report);
    }

    /// <inheritdoc/>
    public void Cancel(SurfaceBuffer buffer)
    {
    }

    /// <inheritdoc/>
    public void Forget(BufferStorage storage)
    {
        if (_pools.Remove(storage, out var pool))
            pool.Destroy();
    }

    void IWlShmListener.OnFormat(WlShm sender, WlShmFormat format) => _formats.Add((uint)format);

    // The two formats that are older than DRM's names have numbers of their own.
    private static uint CodeOf(DrmFormat format) =>
        format == DrmFormat.Argb8888 ? (uint)WlShmFormat.Argb8888 : format == DrmFormat.Xrgb8888 ? (uint)WlShmFormat.Xrgb8888 : format.Fourcc;
}
