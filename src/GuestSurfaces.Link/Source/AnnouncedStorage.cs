// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Source;

/// <summary>A storage that a viewer knows: by which id, which views of it, and how many locks the viewer has.</summary>
internal sealed class AnnouncedStorage(uint id, BufferStorage storage)
{
    private const int ViewSlots = LinkLimits.Views / LinkLimits.Storages;

    private Slots _views;
    private int _lastView;

    /// <summary>Its id in this connection.</summary>
    public uint Id { get; } = id;

    /// <summary>Its pixels; locked once while <see cref="Locks"/> isn't 0.</summary>
    public BufferStorage Storage { get; } = storage;

    /// <summary>Locks that the viewer has to give back.</summary>
    public uint Locks { get; private set; }

    /// <summary>When it was last sent, in sends: the least recent one makes room.</summary>
    public ulong LastUse { get; set; }

    /// <summary>Since when the viewer keeps it although something newer is there; 0: it may.</summary>
    public long StaleSinceNs { get; set; }

    /// <summary>One more lock for the viewer.</summary>
    public void Lock()
    {
        if (Locks++ == 0)
            Storage.Lock();
        StaleSinceNs = 0;
    }

    /// <summary>Locks come back. The producer may hear of it before this returns.</summary>
    /// <param name="locks">At least 1.</param>
    /// <returns>False if the viewer doesn't have so many.</returns>
    public bool TryUnlock(uint locks)
    {
        if (locks == 0 || locks > Locks)
            return false;
        Locks -= locks;
        if (Locks == 0)
        {
            StaleSinceNs = 0;
            Storage.Unlock();
        }

        return true;
    }

    /// <summary>The id of a view, which is announced first if it has to be.</summary>
    /// <param name="view">A view of this storage.</param>
    /// <param name="writer">With room for <see cref="MaxBytes"/>.</param>
    /// <param name="lastId">The connection's counter.</param>
    public uint Announce(BufferView view, LinkWriter writer, ref uint lastId)
    {
        for (var i = 0; i < ViewSlots; i++)
        {
            if (_views[i].View == view)
                return _views[i].Id;
        }

        ref var slot = ref _views[_lastView = (_lastView + 1) % ViewSlots];
        if (slot.View is not null)
            writer.Write(LinkOpcode.ViewDrop, slot.Id);
        slot = (++lastId, view);
        WriteView(view, slot.Id, writer);
        return slot.Id;
    }

    /// <summary>The id of a cursor's view: pixels without gaps.</summary>
    /// <param name="size">In pixels.</param>
    /// <param name="writer">With room for <see cref="MaxBytes"/>.</param>
    /// <param name="lastId">The connection's counter.</param>
    public uint AnnounceCursor(BufferSize size, LinkWriter writer, ref uint lastId)
    {
        for (var i = 0; i < ViewSlots; i++)
        {
            if (_views[i].View is { } view && view.Size == size && view.Format == DrmFormat.Argb8888 && view.Plane(0) == CursorPlane(size) && view.PlaneCount == 1)
                return _views[i].Id;
        }

        return Announce(new BufferView(size, DrmFormat.Argb8888, DrmModifier.Linear, [CursorPlane(size)]), writer, ref lastId);
    }

    /// <summary>The most that announcing a view takes.</summary>
    public static int MaxBytes { get; } = (2 * MessageHead.Bytes) + Unsafe.SizeOf<ViewAddBody>() + (PlaneLayouts.MaxPlanes * Unsafe.SizeOf<ViewPlane>());

    private static PlaneLayout CursorPlane(BufferSize size) => new(0, 0, (uint)size.Width * 4);

    private void WriteView(BufferView view, uint id, LinkWriter writer)
    {
        writer.Begin(LinkOpcode.ViewAdd, id);
        writer.Put(new ViewAddBody
        {
            Storage = Id,
            Width = (uint)view.Size.Width,
            Height = (uint)view.Size.Height,
            Fourcc = view.Format.Fourcc,
            Modifier = view.Modifier.Value,
            Planes = (uint)view.PlaneCount,
        });
        for (var i = 0; i < PlaneLayouts.MaxPlanes; i++)
        {
            var plane = i < view.PlaneCount ? view.Plane(i) : default;
            writer.Put(new ViewPlane { StoragePlane = (uint)plane.StoragePlane, OffsetBytes = plane.OffsetBytes, StrideBytes = plane.StrideBytes });
        }

        writer.End();
    }

    [InlineArray(ViewSlots)]
    private struct Slots
    {
        private (uint Id, BufferView? View) _slot0;
    }
}
