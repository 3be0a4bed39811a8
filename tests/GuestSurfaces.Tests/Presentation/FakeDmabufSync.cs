// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Testing.Presentation;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>A GPU for tests: it is at work in a dma-buf until the test says that it is done.</summary>
internal sealed class FakeDmabufSync : IDmabufSync
{
    private readonly HashSet<FdHandle> _busy = [];
    private readonly List<Watch> _watches = [];

    /// <summary>How often the kernel would have been asked.</summary>
    public int Polls { get; private set; }

    /// <summary>How many planes were published.</summary>
    public int Published { get; private set; }

    /// <summary>The kernel's fences; null: it knows none.</summary>
    public FakeFences? Fences { get; set; }

    /// <summary>Whether it puts them into dma-bufs.</summary>
    public bool CanAddFences { get; set; } = true;

    /// <summary>What was put into dma-bufs.</summary>
    public List<DmabufAccess> Added { get; } = [];

    /// <summary>Whether the event loop takes dma-bufs.</summary>
    public bool CanWatch { get; set; } = true;

    public int Watches => _watches.Count;

    public int ArmedWatches => _watches.Count(static w => w.IsArmed);

    public void Begin(BufferStorage storage, int plane = 0) => _busy.Add(storage.Plane(plane));

    /// <summary>Whether a fence is pending in it: for whoever reads it, too.</summary>
    public bool IsBusy(BufferStorage storage, int plane = 0) => _busy.Contains(storage.Plane(plane));

    /// <summary>The GPU is done; who waits for it hears of it.</summary>
    public void End(BufferStorage storage, int plane = 0)
    {
        if (_busy.Remove(storage.Plane(plane)))
            Wake(storage, plane);
    }

    /// <summary>Whoever watches is told, whatever there is to tell.</summary>
    public void Wake(BufferStorage storage, int plane = 0) => Wake(storage.Plane(plane));

    private void Wake(FdHandle dmabuf)
    {
        for (var i = _watches.Count - 1; i >= 0; i--)
        {
            if (_watches[i].IsArmed && _watches[i].Dmabuf == dmabuf)
                _watches[i].Handler.OnReady(EpollEvents.Out);
        }
    }

    bool IDmabufSync.HasPendingFences(DmabufHandle dmabuf)
    {
        Polls++;
        return _busy.Contains(dmabuf);
    }

    void IDmabufSync.PublishCpuWrites(DmabufHandle dmabuf) => Published++;

    bool IDmabufSync.TryAddFence(DmabufHandle dmabuf, SyncFileHandle fence, DmabufAccess access)
    {
        if (!CanAddFences || Fences?.Find(fence) is not { } fake)
            return false;
        Added.Add(access);
        if (fake.IsSignalled)
            return true;
        _busy.Add(dmabuf);
        fake.Waiting.Add(() =>
        {
            if (_busy.Remove(dmabuf))
                Wake(dmabuf);
        });
        return true;
    }

    IFenceWatch? IDmabufSync.TryWatch(SyncFileHandle fence, IFdHandler handler)
    {
        if (Fences?.Find(fence) is not { } fake)
            return null;
        var watch = new FenceWatch();
        fake.Waiting.Add(() =>
        {
            if (watch.IsArmed)
                handler.OnReady(EpollEvents.In);
        });
        return watch;
    }

    IFenceWatch? IDmabufSync.TryWatch(DmabufHandle dmabuf, IFdHandler handler)
    {
        if (!CanWatch)
            return null;
        var watch = new Watch(this, dmabuf, handler);
        _watches.Add(watch);
        return watch;
    }

    private sealed class Watch(FakeDmabufSync owner, DmabufHandle dmabuf, IFdHandler handler) : IFenceWatch
    {
        public DmabufHandle Dmabuf => dmabuf;

        public IFdHandler Handler => handler;

        public bool IsArmed { get; private set; }

        public void Arm(bool isArmed)
        {
            ObjectDisposedException.ThrowIf(!owner._watches.Contains(this) || dmabuf.IsClosed, this);
            IsArmed = isArmed;
        }

        public void Dispose()
        {
            ObjectDisposedException.ThrowIf(dmabuf.IsClosed, dmabuf); // it has to leave the epoll set first
            owner._watches.Remove(this);
        }
    }

    private sealed class FenceWatch : IFenceWatch
    {
        public bool IsArmed { get; private set; } = true;

        public void Arm(bool isArmed) => IsArmed = isArmed;

        public void Dispose() => IsArmed = false;
    }
}
