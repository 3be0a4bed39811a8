// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Viewer;

/// <summary>A view that the source announced.</summary>
/// <param name="Storage">Its pixels.</param>
/// <param name="View">How to read them; inside the storage.</param>
internal sealed record ReceivedView(ReceivedStorage Storage, BufferView View);

/// <summary>
/// The storages and views of one connection. Nothing is believed about a descriptor: its kind, its length and its seals are looked up here, and every view is measured
/// against that.
/// </summary>
/// <param name="onNews">There are locks to send back, or refusals.</param>
internal sealed class ReceivedStorages(Action onNews)
{
    private readonly Dictionary<uint, ReceivedStorage> _storages = [];
    private readonly Dictionary<uint, ReceivedView> _views = [];
    private readonly List<ReceivedStorage> _news = new(LinkLimits.Storages);
    private uint _lastStorageId;
    private uint _lastViewId;

    /// <summary>How many storages are kept, those included that were dropped while their locks are with the display.</summary>
    public int Count => _storages.Count;

    /// <summary>STORAGE_ADD.</summary>
    /// <param name="id">The source's word.</param>
    /// <param name="body">Likewise.</param>
    /// <param name="fds">What came with the packet.</param>
    /// <returns>Which rule was broken; null if none.</returns>
    public string? Add(uint id, in StorageAddBody body, DescriptorQueue fds)
    {
        if (id <= _lastStorageId)
            return $"storage {id} comes after {_lastStorageId}: ids rise";
        if (_storages.Count == LinkLimits.Storages)
            return $"it has more than {LinkLimits.Storages} storages";
        if (body.Kind is not (StorageAddBody.Dmabuf or StorageAddBody.Memory) || body.Planes is 0 or > PlaneLayouts.MaxPlanes || (body.Kind == StorageAddBody.Memory && body.Planes != 1))
            return $"storage {id} is of kind {body.Kind} and has {body.Planes} planes";
        if (fds.Left < body.Planes)
            return $"storage {id} lacks descriptors";

        _lastStorageId = id;
        var entry = new ReceivedStorage(id, this);
        var pixels = body.Kind == StorageAddBody.Memory ? TakeMemory(fds.TryTake()!, entry, out var why) : TakeDmabufs(fds, body.Planes, entry, out why);
        if (pixels is null)
            return $"storage {id}: {why}";
        entry.Begin(pixels);
        _storages.Add(id, entry);
        return null;
    }

    /// <summary>STORAGE_DROP.</summary>
    /// <param name="id">The source's word.</param>
    /// <returns>Which rule was broken; null if none.</returns>
    public string? Drop(uint id)
    {
        if (!_storages.TryGetValue(id, out var storage) || storage.IsDropped)
            return $"it drops storage {id}, which isn't there";
        foreach (var view in storage.Views)
            _views.Remove(view);
        storage.Views.Clear();
        storage.Pixels.Drop();
        RemoveIfDone(storage);
        return null;
    }

    /// <summary>VIEW_ADD.</summary>
    /// <param name="id">The source's word.</param>
    /// <param name="body">Likewise.</param>
    /// <param name="planes">Four.</param>
    /// <returns>Which rule was broken; null if none.</returns>
    public string? AddView(uint id, in ViewAddBody body, ReadOnlySpan<ViewPlane> planes)
    {
        if (id <= _lastViewId)
            return $"view {id} comes after {_lastViewId}: ids rise";
        if (_views.Count == LinkLimits.Views)
            return $"it has more than {LinkLimits.Views} views";
        if (!_storages.TryGetValue(body.Storage, out var storage) || storage.IsDropped)
            return $"view {id} is of storage {body.Storage}, which isn't there";
        if (body.Width is 0 or > LinkLimits.Dimension || body.Height is 0 or > LinkLimits.Dimension || body.Planes is 0 or > PlaneLayouts.MaxPlanes)
            return $"view {id} has {body.Width}x{body.Height} pixels in {body.Planes} planes";
        var size = new BufferSize((int)body.Width, (int)body.Height);
        Span<PlaneLayout> layouts = stackalloc PlaneLayout[(int)body.Planes];
        for (var i = 0; i < layouts.Length; i++)
        {
            if (planes[i].StoragePlane >= (uint)storage.Pixels.PlaneCount)
                return $"plane {i} of view {id} is in a plane that its storage lacks";
            layouts[i] = new PlaneLayout((int)planes[i].StoragePlane, planes[i].OffsetBytes, planes[i].StrideBytes);
        }

        var view = new BufferView(size, new DrmFormat(body.Fourcc), new DrmModifier(body.Modifier), layouts);
        if (ViewCheck.WhatIsWrong(view, storage.Pixels) is { } why)
            return $"view {id}: {why}";
        _lastViewId = id;
        _views.Add(id, new ReceivedView(storage, view));
        storage.Views.Add(id);
        return null;
    }

    /// <summary>VIEW_DROP.</summary>
    /// <param name="id">The source's word.</param>
    /// <returns>Which rule was broken; null if none.</returns>
    public string? DropView(uint id)
    {
        if (!_views.Remove(id, out var view))
            return $"it drops view {id}, which isn't there";
        view.Storage.Views.Remove(id);
        return null;
    }

    /// <summary>A view by its id.</summary>
    /// <param name="id">The source's word.</param>
    public ReceivedView? FindView(uint id) => _views.GetValueOrDefault(id);

    /// <summary>A storage as the display knows it.</summary>
    /// <param name="pixels">The display's.</param>
    public ReceivedStorage? Find(BufferStorage pixels)
    {
        foreach (var (_, storage) in _storages)
        {
            if (storage.Pixels == pixels)
                return storage;
        }

        return null;
    }

    /// <summary>Writes refusals and the locks that go back.</summary>
    /// <param name="writer">The packet.</param>
    /// <returns>False if some didn't fit.</returns>
    public bool WriteNews(LinkWriter writer)
    {
        while (_news.Count > 0)
        {
            var storage = _news[^1];
            if (!writer.HasRoom((2 * MessageHead.Bytes) + Unsafe.SizeOf<RefusedBody>() + LinkText.MaxBytes(LinkLimits.TextBytes) + Unsafe.SizeOf<ReleasedBody>()))
                return false;
            _news.RemoveAt(_news.Count - 1);
            if (storage.Refusal is { } reason)
            {
                writer.Begin(LinkOpcode.Refused, storage.Id);
                writer.Put(new RefusedBody { Surface = (uint)storage.RefusedOn });
                writer.PutText(reason);
                writer.End();
            }

            if (storage.Returned > 0)
                writer.Write(LinkOpcode.Released, storage.Id, new ReleasedBody { Locks = storage.Returned });
            storage.TakeNews();
            RemoveIfDone(storage);
        }

        return true;
    }

    /// <summary>The connection is gone.</summary>
    public void Abandon()
    {
        foreach (var (_, storage) in _storages)
            storage.Detach();
        _storages.Clear();
        _views.Clear();
        _news.Clear();
    }

    /// <summary>A storage has something to tell.</summary>
    internal void OnNews(ReceivedStorage storage)
    {
        if (!storage.HasNews || _news.Contains(storage))
            return;
        _news.Add(storage);
        onNews();
    }

    private void RemoveIfDone(ReceivedStorage storage)
    {
        if (storage.Pixels.IsClosed && !storage.HasNews)
            _storages.Remove(storage.Id);
    }

    private static BufferStorage? TakeMemory(ReceivedFd fd, ReceivedStorage entry, out string? why)
    {
        var kind = fd.GetKind();
        var memory = fd.Take<MemFdHandle>();
        why = kind != FileKind.Memory ? "the file is no memfd"
            : !memory.IsWritable() ? "the memfd can't be written: a compositor wants to map it so"
            : memory.IsHuge() ? "the memfd has huge pages"
            : memory.GetSizeBytes() is 0 or > LinkLimits.MemoryBytes ? $"the memfd has {memory.GetSizeBytes()} bytes"
            : null;
        if (why is not null)
        {
            memory.Dispose();
            return null;
        }

        var pixels = BufferStorage.TryAdopt(memory, entry, out var errno);
        why = pixels is null ? $"the memfd can't be mapped ({errno})" : null;
        return pixels;
    }

    private static BufferStorage? TakeDmabufs(DescriptorQueue fds, int count, ReceivedStorage entry, out string? why)
    {
        var planes = new DmabufHandle[count];
        why = null;
        for (var i = 0; i < count; i++)
        {
            var fd = fds.TryTake()!;

            // A memfd is let through: it answers at once, and whether it is fit for a screen is the compositor's to say. Other files might never answer.
            if (fd.GetKind() is not (FileKind.Dmabuf or FileKind.Memory))
                why = $"the file of plane {i} is no dma-buf";
            planes[i] = fd.Take<DmabufHandle>();
        }

        if (why is null)
            return BufferStorage.FromDmabufs(planes, entry);
        foreach (var plane in planes)
            plane.Dispose();
        return null;
    }
}
