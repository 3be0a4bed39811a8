// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// Gives the locks of released buffers back when they are released in full. A compositor that draws by GL sends wl_buffer.release when its CPU is done, and
/// leaves the rest to the dma-buf's fences: nobody may draw there before these have signalled.
/// <para>
/// Mostly they have, and one poll() tells. Else the dma-buf is watched, for <see cref="MaxWaitNs"/> at most: a GPU that takes longer hangs, and the guest was
/// answered long ago. Outlives the connection: the GPU may go on reading what a compositor that is gone has told it to.
/// </para>
/// </summary>
internal sealed class DmabufReleases : IBufferConsumer
{
    /// <summary>How long fences are waited for.</summary>
    public const long MaxWaitNs = 1_000_000_000;

    // One for each storage that a GPU was ever found in, until it closes: two or three, and never more than a guest can have.
    private readonly List<Wait> _waits = [];
    private readonly IDmabufSync _sync;
    private readonly IClock _clock;
    private readonly LoopTimer _timer;

    /// <summary>Makes the releases of a presenter.</summary>
    /// <param name="timers">The loop's.</param>
    /// <param name="sync">Knows about devices.</param>
    public DmabufReleases(TimerQueue timers, IDmabufSync sync)
    {
        _sync = sync;
        _clock = timers.Clock;
        _timer = timers.Create(OnOverdue);
    }

    /// <summary>A buffer is about to be committed: what the guest's CPU drew has to be where devices read.</summary>
    /// <param name="storage">The buffer's.</param>
    public void Publish(BufferStorage storage)
    {
        for (var i = 0; storage.IsDmabuf && i < storage.PlaneCount; i++)
            _sync.PublishCpuWrites((DmabufHandle)storage.Plane(i));
    }

    /// <summary>A compositor has released a buffer, or is gone: unlocks the storage, now or when devices are done with it. Call it last, it leads to upcalls.</summary>
    /// <param name="storage">The buffer's.</param>
    /// <param name="locks">How many locks; each goes back exactly once.</param>
    public void Unlock(BufferStorage storage, int locks)
    {
        if (locks == 0)
            return;
        var wait = Find(storage);
        if (wait is null && FirstBusyPlane(storage) < 0)
        {
            Free(storage, locks);
            return;
        }

        if (wait is null)
        {
            wait = new Wait(this, storage);
            _waits.Add(wait);
            storage.Subscribe(this);
        }

        if (wait.Locks == 0)
            wait.DeadlineNs = _clock.NowNs + MaxWaitNs;
        wait.Locks += locks;
        Check(wait);
    }

    /// <summary>Unlocks a storage that no device is at work in. Call it last, it leads to upcalls.</summary>
    /// <param name="storage">The buffer's.</param>
    /// <param name="locks">How many locks.</param>
    public static void Free(BufferStorage storage, int locks)
    {
        for (; locks > 0; locks--)
            storage.Unlock();
    }

    void IBufferConsumer.OnClosed(BufferStorage storage)
    {
        if (Find(storage) is not { } wait)
            return;
        wait.Close();
        _waits.Remove(wait);
    }

    private void Check(Wait wait)
    {
        if (wait.Locks == 0)
            return;
        var busy = FirstBusyPlane(wait.Storage);
        if (busy >= 0 && _clock.NowNs < wait.DeadlineNs)
        {
            wait.Listen(busy);
            if (!_timer.IsArmed)
                _timer.ArmAt(wait.DeadlineNs);
            return;
        }

        wait.Listen(Wait.Nothing);
        var locks = wait.Locks;
        wait.Locks = 0;
        Free(wait.Storage, locks);
    }

    private void OnOverdue()
    {
        while (FindOverdue() is { } overdue)
            Check(overdue); // leads to upcalls, and these to anything: each time from the start
        foreach (var wait in _waits)
        {
            if (wait.Locks > 0 && (!_timer.IsArmed || wait.DeadlineNs < _timer.DueNs))
                _timer.ArmAt(wait.DeadlineNs);
        }
    }

    private Wait? FindOverdue()
    {
        var now = _clock.NowNs;
        foreach (var wait in _waits)
        {
            if (wait.Locks > 0 && wait.DeadlineNs <= now)
                return wait;
        }

        return null;
    }

    private Wait? Find(BufferStorage storage)
    {
        foreach (var wait in _waits)
        {
            if (wait.Storage == storage)
                return wait;
        }

        return null;
    }

    private int FirstBusyPlane(BufferStorage storage)
    {
        for (var i = 0; storage.IsDmabuf && i < storage.PlaneCount; i++)
        {
            if (_sync.HasPendingFences((DmabufHandle)storage.Plane(i)))
                return i;
        }

        return Wait.Nothing;
    }

    /// <summary>The locks of one storage that wait for fences. Listens to one plane at a time: the first that is busy.</summary>
    private sealed class Wait(DmabufReleases owner, BufferStorage storage) : IFdHandler
    {
        public const int Nothing = -1;

        private readonly IFenceWatch?[] _watches = new IFenceWatch?[storage.PlaneCount];
        private int _plane = Nothing;

        public BufferStorage Storage => storage;

        public int Locks { get; set; }

        public long DeadlineNs { get; set; }

        public void Listen(int plane)
        {
            if (plane == _plane)
                return;
            if (_plane != Nothing)
                _watches[_plane]?.Arm(false);
            _plane = plane;
            if (plane == Nothing)
                return;
            _watches[plane] ??= owner._sync.TryWatch((DmabufHandle)storage.Plane(plane), this);
            _watches[plane]?.Arm(true); // else the timer remains
        }

        public void Close()
        {
            foreach (var watch in _watches)
                watch?.Dispose();
        }

        void IFdHandler.OnReady(EpollEvents events) => owner.Check(this);
    }
}
