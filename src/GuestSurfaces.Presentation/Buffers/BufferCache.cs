// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// The wl_buffers of one connection, by storage, view and surface: a guest flips between the same few, and importing is dear. They go when
/// their storage closes, when their surface goes, and when a guest makes too many.
/// </summary>
/// <param name="shm">Imports shared memory.</param>
/// <param name="dmabuf">Imports dma-bufs.</param>
/// <param name="releases">Gives the locks of buffers back.</param>
/// <param name="closed">Told when a storage took its wl_buffers with it: whoever closed it knows nothing of a connection, and the compositor has to hear of it soon.</param>
internal sealed class BufferCache(ShmImporter shm, DmabufImporter dmabuf, DmabufReleases releases, Action closed) : IBufferConsumer
{
    // Two or three are usual; a guest that pans around in one storage makes a new one each frame.
    private const int MaxIdlePerStorage = 8;

    private readonly Dictionary<BufferStorage, List<SurfaceBuffer>> _buffers = [];

    /// <summary>The importer for shared memory.</summary>
    public ShmImporter Shm => shm;

    /// <summary>The wl_buffer for a picture; made if it isn't there. Ready at once for shared memory.</summary>
    /// <param name="user">The surface.</param>
    /// <param name="storage">Locked by the caller.</param>
    /// <param name="view">How to read it.</param>
    /// <param name="source">The picture in it.</param>
    /// <param name="isOpaque">Whether alpha is ignored.</param>
    /// <returns>The buffer, or null if no wl_buffer can hold this view.</returns>
    public SurfaceBuffer? Get(ISurfaceBufferUser user, BufferStorage storage, BufferView view, BufferRect source, bool isOpaque)
    {
        var importer = ImporterOf(storage);
        var covers = importer.Cover(storage, view, source);
        if (covers.IsEmpty)
            return null;
        if (!_buffers.TryGetValue(storage, out var list))
        {
            list = [];
            _buffers.Add(storage, list);
            storage.Subscribe(this);
        }

        foreach (var known in list)
        {
            if (known.User == user && !known.IsRetired && ReferenceEquals(known.View, view) && known.Covers == covers)
                return known;
        }

        Trim(list);
        var buffer = new SurfaceBuffer(storage, view, covers, user, isOpaque, releases);
        list.Add(buffer);
        importer.Import(buffer);
        return buffer;
    }

    /// <summary>One buffer isn't wanted any more: it goes when the compositor has given it back.</summary>
    /// <param name="buffer">Which.</param>
    public void Retire(SurfaceBuffer buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        ImporterOf(buffer.Storage).Cancel(buffer);
        buffer.Retire();
        if (!buffer.IsBusy && _buffers.TryGetValue(buffer.Storage, out var list))
            list.Remove(buffer);
    }

    /// <summary>A surface is gone, and its wl_buffers as soon as the compositor has given them back.</summary>
    /// <param name="user">The surface.</param>
    public void RetireAll(ISurfaceBufferUser user)
    {
        foreach (var list in _buffers.Values)
        {
            for (var i = list.Count - 1; i >= 0; i--)
            {
                if (list[i].User == user)
                    Retire(list[i]);
            }
        }
    }

    /// <summary>The compositor's feedback has changed: imports that failed are tried again when their frames come again.</summary>
    public void ForgetFailures()
    {
        dmabuf.ForgetFailures();
        foreach (var list in _buffers.Values)
            list.RemoveAll(static buffer => buffer.State == ImportState.Failed);
    }

    /// <summary>The connection is gone: every lock goes back, nothing is sent.</summary>
    public void Abandon()
    {
        foreach (var storage in _buffers.Keys)
            storage.Unsubscribe(this);
        var all = _buffers.Values.ToArray();
        _buffers.Clear();
        foreach (var list in all)
        {
            foreach (var buffer in list)
                buffer.Abandon();
        }
    }

    void IBufferConsumer.OnClosed(BufferStorage storage)
    {
        if (_buffers.Remove(storage, out var list))
        {
            foreach (var buffer in list)
            {
                ImporterOf(storage).Cancel(buffer);
                buffer.Destroy();
            }
        }

        shm.Forget(storage);
        dmabuf.Forget(storage);
        closed();
    }

    private static void Trim(List<SurfaceBuffer> list)
    {
        for (var i = 0; list.Count >= MaxIdlePerStorage && i < list.Count;)
        {
            if (list[i].IsBusy || list[i].State == ImportState.Importing)
            {
                i++;
                continue;
            }

            list[i].Retire();
            list.RemoveAt(i);
        }
    }

    private IBufferImporter ImporterOf(BufferStorage storage) => storage.IsDmabuf ? dmabuf : shm;
}
