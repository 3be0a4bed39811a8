// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Link.Viewer;

/// <summary>
/// A storage that the source announced. Frames bring locks; they go back, counted, when whoever shows them has unlocked the last of them.
/// </summary>
/// <param name="id">The source's.</param>
/// <param name="table">Where it is listed.</param>
internal sealed class ReceivedStorage(uint id, ReceivedStorages table) : IBufferProducer, IBufferConsumer
{
    private ReceivedStorages? _table = table;

    /// <summary>Its id in this connection.</summary>
    public uint Id { get; } = id;

    /// <summary>Its pixels. Set once, by whoever makes both.</summary>
    public BufferStorage Pixels { get; private set; } = null!;

    /// <summary>The views of it.</summary>
    public List<uint> Views { get; } = [];

    /// <summary>Locks that are with the display.</summary>
    public uint Locks { get; private set; }

    /// <summary>Locks that are to be sent back.</summary>
    public uint Returned { get; private set; }

    /// <summary>Why the display can't show it, still to be told; null: nothing is.</summary>
    public string? Refusal { get; private set; }

    /// <summary>The surface that it can't be shown on.</summary>
    public int RefusedOn { get; private set; }

    /// <summary>Whether something is to be told.</summary>
    public bool HasNews => Returned > 0 || Refusal is not null;

    /// <summary>Whether the source has dropped it.</summary>
    public bool IsDropped => Pixels.IsDropped;

    /// <summary>Gives it its pixels.</summary>
    /// <param name="pixels">Made with this as its producer.</param>
    public void Begin(BufferStorage pixels)
    {
        Pixels = pixels;
        pixels.Subscribe(this);
    }

    /// <summary>A frame brings a lock.</summary>
    public void Lock()
    {
        Locks++;
        Pixels.Lock();
    }

    /// <summary>The display can't show it.</summary>
    /// <param name="surface">Where.</param>
    /// <param name="reason">Why.</param>
    public void Refuse(int surface, string reason)
    {
        (RefusedOn, Refusal) = (surface, reason);
        _table?.OnNews(this);
    }

    /// <summary>It was told.</summary>
    public void TakeNews() => (Returned, Refusal) = (0, null);

    /// <summary>The connection is gone: it lives as long as it is shown, and nobody hears of it.</summary>
    public void Detach()
    {
        _table = null;
        Pixels.Drop();
    }

    void IBufferProducer.OnUnlocked(BufferStorage storage) => GiveBack();

    void IBufferConsumer.OnClosed(BufferStorage storage) => GiveBack();

    private void GiveBack()
    {
        Returned += Locks;
        Locks = 0;
        _table?.OnNews(this);
    }
}
