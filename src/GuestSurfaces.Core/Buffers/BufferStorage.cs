// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Buffers;

/// <summary>Told by a storage when its last lock is gone: its bytes may be written again.</summary>
public interface IBufferProducer
{
    /// <summary>The storage is not being read any more. Called on the loop's thread, from the consumer's Unlock.</summary>
    /// <param name="storage">The storage.</param>
    void OnUnlocked(BufferStorage storage);
}

/// <summary>Told by a storage that nobody reads it any more: whoever waits for that before the guest hears that it may draw.</summary>
public interface IBufferWatcher
{
    /// <summary>The last lock is gone. Called on the loop's thread, from the consumer's Unlock, when that is done with all else: the storage may be closed by now.</summary>
    /// <param name="storage">The storage.</param>
    void OnFree(BufferStorage storage);
}

/// <summary>Told by a storage that it is on its way out: what was made from it (wl_buffers, EGL images) can go.</summary>
public interface IBufferConsumer
{
    /// <summary>The storage is dropped and not locked; its descriptors close when this returns.</summary>
    /// <param name="storage">The storage.</param>
    void OnClosed(BufferStorage storage);
}

/// <summary>
/// Where pixels live: one to four dma-buf planes, or a sealed memfd. Two parties share it.
/// <para>
/// The producer makes it, writes it while it is unlocked, and calls <see cref="Drop"/> once. The consumer calls <see cref="Lock"/> while it
/// reads (a compositor may read until it says otherwise) and <see cref="Unlock"/> after. The producer hears when the last lock goes; the
/// descriptors close when the storage is dropped <b>and</b> unlocked, in whichever order that happens.
/// </para>
/// Thread: the loop's.
/// </summary>
public sealed class BufferStorage
{
    private static ulong s_lastId;

    private readonly FdHandle[] _planes;
    private readonly SharedRegion? _pixels;
    private readonly IBufferProducer? _producer;
    private readonly List<IBufferConsumer> _consumers = [];
    private IBufferWatcher? _watcher;

    private BufferStorage(FdHandle[] planes, SharedRegion? pixels, bool isDmabuf, ulong sizeBytes, IBufferProducer? producer)
    {
        _planes = planes;
        _pixels = pixels;
        _producer = producer;
        IsDmabuf = isDmabuf;
        SizeBytes = sizeBytes;
        Id = ++s_lastId;
    }

    /// <summary>Unique in this process, never reused: for caches and traces.</summary>
    public ulong Id { get; }

    /// <summary>Whether its planes are dma-bufs (the direct and convert rungs); else plane 0 is a sealed memfd (wl_shm).</summary>
    public bool IsDmabuf { get; }

    /// <summary>Bytes in plane 0.</summary>
    public ulong SizeBytes { get; }

    /// <summary>1 to 4.</summary>
    public int PlaneCount => _planes.Length;

    /// <summary>The bytes, where this process may touch them: the copy rung's own memory. Null for guest memory.</summary>
    public SharedRegion? Pixels => _pixels;

    /// <summary>How many readers there are.</summary>
    public int LockCount { get; private set; }

    /// <summary>Whether anybody ever read it: only then can another process have its descriptors.</summary>
    public bool WasLocked { get; private set; }

    /// <summary>Whether the producer has given it up.</summary>
    public bool IsDropped { get; private set; }

    /// <summary>Whether its descriptors are closed.</summary>
    public bool IsClosed => IsDropped && LockCount == 0;

    /// <summary>Makes storage of our own: a memfd that nobody can cut.</summary>
    /// <param name="name">Shown in /proc/PID/maps.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="producer">Hears of unlocks; may be null.</param>
    /// <param name="errno">EMFILE or ENOMEM: the guest asked for more than there is.</param>
    public static BufferStorage? TryAllocate(string name, ulong sizeBytes, IBufferProducer? producer, out Errno errno)
    {
        var memFd = MemFdHandle.TryCreateSealed(name, sizeBytes, out errno);
        if (memFd is null)
            return null;
        var pixels = SharedRegion.TryOpen(memFd, 0, sizeBytes, mayMap: true, out errno);
        return pixels is null ? null : new BufferStorage([memFd], pixels, isDmabuf: false, sizeBytes, producer);
    }

    /// <summary>
    /// Wraps a memfd that somebody else made and writes. One that can still be cut is read by system calls, which then fail; it is never mapped here, where it
    /// would kill the process.
    /// </summary>
    /// <param name="memory">Adopted, also on failure.</param>
    /// <param name="producer">Hears of unlocks; may be null.</param>
    /// <param name="errno">EINVAL if it is empty; what mmap says otherwise.</param>
    public static BufferStorage? TryAdopt(MemFdHandle memory, IBufferProducer? producer, out Errno errno)
    {
        var sizeBytes = memory.GetSizeBytes();
        var pixels = SharedRegion.TryOpen(memory, 0, sizeBytes, mayMap: (memory.GetSeals() & FileSeals.Shrink) != 0, out errno);
        return pixels is null ? null : new BufferStorage([memory], pixels, isDmabuf: false, sizeBytes, producer);
    }

    /// <summary>Wraps dma-bufs.</summary>
    /// <param name="planes">Adopted; one per storage plane.</param>
    /// <param name="producer">Hears of unlocks; may be null.</param>
    public static BufferStorage FromDmabufs(ReadOnlySpan<DmabufHandle> planes, IBufferProducer? producer)
    {
        if (planes.Length is 0 or > PlaneLayouts.MaxPlanes)
            throw new ArgumentException("a storage has one to four planes", nameof(planes));
        var handles = new FdHandle[planes.Length];
        for (var i = 0; i < planes.Length; i++)
            handles[i] = planes[i];
        return new BufferStorage(handles, null, isDmabuf: true, planes[0].GetSizeBytes(), producer);
    }

    /// <summary>A plane's file; borrowed.</summary>
    /// <param name="index">Below <see cref="PlaneCount"/>.</param>
    public FdHandle Plane(int index) => _planes[index];

    /// <summary>Adds a reader. Not after <see cref="IsClosed"/>.</summary>
    public void Lock()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        LockCount++;
        WasLocked = true;
    }

    /// <summary>Removes a reader.</summary>
    public void Unlock()
    {
        if (LockCount == 0)
            throw new InvalidOperationException("unlocked more often than locked");
        if (--LockCount > 0)
            return;
        if (IsDropped)
            Close();
        else
            _producer?.OnUnlocked(this);
        if (LockCount > 0)
            return; // the producer has shown it again already
        var watcher = _watcher;
        _watcher = null;
        watcher?.OnFree(this);
    }

    /// <summary>The producer gives it up; it lives on while somebody reads it. Idempotent.</summary>
    public void Drop()
    {
        if (IsDropped)
            return;
        IsDropped = true;
        if (LockCount == 0)
            Close();
    }

    /// <summary>Asks to hear, once, when the last lock goes. Asked while it is locked; asking again changes nothing.</summary>
    /// <param name="watcher">Who asks: the one session that the storage's frames go through.</param>
    public void Watch(IBufferWatcher watcher) => _watcher = watcher;

    /// <summary>Asks to hear when the storage closes. Consumers call it once, when they make something from it.</summary>
    /// <param name="consumer">Who asks.</param>
    public void Subscribe(IBufferConsumer consumer)
    {
        if (!_consumers.Contains(consumer))
            _consumers.Add(consumer);
    }

    /// <summary>Stops asking.</summary>
    /// <param name="consumer">Who asked.</param>
    public void Unsubscribe(IBufferConsumer consumer) => _consumers.Remove(consumer);

    private void Close()
    {
        foreach (var consumer in _consumers)
            consumer.OnClosed(this);
        _consumers.Clear();
        _pixels?.Dispose();
        foreach (var plane in _planes)
            plane.Dispose();
    }
}
