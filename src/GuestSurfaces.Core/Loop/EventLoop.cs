// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Loop;

/// <summary>Hears when a watched file is ready.</summary>
public interface IFdHandler
{
    /// <summary>The file is ready, or broken. Called on the loop's thread.</summary>
    /// <param name="events">What came.</param>
    void OnReady(EpollEvents events);
}

/// <summary>
/// One epoll set, one timer queue, one thread: everything of a process happens here, in turn. Running it allocates nothing.
/// Thread: the one that calls <see cref="RunOnce"/>; only <see cref="Stop"/> may be called from others (signal handlers).
/// </summary>
public sealed class EventLoop : IDisposable
{
    private readonly EpollHandle _epoll = EpollHandle.Create();
    private readonly EventFdHandle _wake = EventFdHandle.Create();
    private readonly bool _hasRealClock;
    private readonly EpollResult[] _results = new EpollResult[64];
    private readonly List<FdWatch?> _watches = [null];
    private readonly Stack<int> _free = [];
    private volatile bool _stopped;
    private uint _generation;

    /// <summary>Makes a loop on the real clock.</summary>
    public EventLoop()
        : this(MonotonicClock.Instance) => _hasRealClock = true;

    /// <summary>Makes a loop on a clock that is turned by hand, as the loop is: no timer ends a wait.</summary>
    /// <param name="clock">What time it is.</param>
    public EventLoop(IClock clock)
    {
        Timers = new TimerQueue(clock);
        Check(_epoll.Add(_wake, EpollEvents.In, WakeToken));
    }

    /// <summary>The loop's timers.</summary>
    public TimerQueue Timers { get; }

    /// <summary>How many files are watched.</summary>
    public int WatchCount => _watches.Count - 1 - _free.Count;

    /// <summary>
    /// Hears of a handler or timer that threw: a bug of ours, survived. The handler's watch is gone by then, so that it can't throw for ever; everything else goes
    /// on. Null: what a handler throws comes out of <see cref="RunOnce"/>.
    /// </summary>
    public Action<Exception>? Failed { get; set; }

    /// <summary>Whether <see cref="Stop"/> was called.</summary>
    public bool IsStopped => _stopped;

    private const ulong WakeToken = ulong.MaxValue;

    /// <summary>Watches a file. The watch must be disposed before the file is closed.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <param name="events">What to report; errors and hang-ups always are.</param>
    /// <param name="handler">Who hears it.</param>
    /// <param name="errno">EPERM if the file can't be polled: a peer may send any file.</param>
    /// <returns>The watch, or null.</returns>
    public FdWatch? TryWatch(FdHandle fd, EpollEvents events, IFdHandler handler, out Errno errno)
    {
        var slot = _free.Count > 0 ? _free.Pop() : _watches.Count;
        if (slot == _watches.Count)
            _watches.Add(null);
        var watch = new FdWatch(this, fd, handler, ((ulong)++_generation << 32) | (uint)slot);
        errno = _epoll.Add(fd, events, watch.Token);
        if (errno != Errno.None)
        {
            _free.Push(slot);
            return null;
        }

        _watches[slot] = watch;
        return watch;
    }

    /// <summary>Watches a file of our own, which can be polled.</summary>
    /// <param name="fd">Borrowed.</param>
    /// <param name="events">What to report.</param>
    /// <param name="handler">Who hears it.</param>
    public FdWatch Watch(FdHandle fd, EpollEvents events, IFdHandler handler) =>
        TryWatch(fd, events, handler, out var errno) ?? throw new SyscallException("watching a file", errno);

    /// <summary>Waits for something to happen and handles it, timers first.</summary>
    /// <param name="maxWaitMs">-1: as long as it takes.</param>
    /// <returns>Whether a file was ready.</returns>
    public bool RunOnce(int maxWaitMs = -1)
    {
        RunTimers();
        var n = Wait(_stopped ? 0 : maxWaitMs);
        for (var i = 0; i < n; i++)
        {
            var (events, token) = _results[i];
            if (token == WakeToken)
            {
                _ = _wake.Drain(out _); // our own eventfd: reading it can't fail
                continue;
            }

            // A watch disposed by an earlier handler of this batch is not there any more, or is another one with another token.
            if (_watches[(int)(uint)token] is { } watch && watch.Token == token)
                Handle(watch, events);
        }

        RunTimers();
        return n > 0;
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (!_stopped)
            RunOnce();
    }

    /// <summary>Ends <see cref="Run"/>. Thread: any.</summary>
    public void Stop()
    {
        _stopped = true;
        _ = _wake.Signal(); // our own eventfd: a full counter is awake too
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _wake.Dispose();
        _epoll.Dispose();
    }

    // The wait itself ends in time: a timer's file would have to be armed anew twice a frame.
    private int Wait(int maxWaitMs)
    {
        var dueNs = _hasRealClock ? Timers.NextDueNs : long.MaxValue;
        if (dueNs == long.MaxValue || maxWaitMs == 0)
            return _epoll.Wait(_results, maxWaitMs);
        return _epoll.WaitUntil(_results, maxWaitMs < 0 ? dueNs : Math.Min(dueNs, Timers.Clock.NowNs + (maxWaitMs * 1_000_000L)));
    }

    private void Handle(FdWatch watch, EpollEvents events)
    {
        try
        {
            watch.Handler.OnReady(events);
        }
        catch (Exception e) when (Failed is not null)
        {
            watch.Dispose();
            Failed(e);
        }
    }

    private void RunTimers()
    {
        try
        {
            Timers.RunDue();
        }
        catch (Exception e) when (Failed is not null)
        {
            Failed(e); // the timer is off; the others run in the next round
        }
    }

    internal Errno Modify(FdWatch watch, EpollEvents events) => _epoll.Modify(watch.Fd, events, watch.Token);

    internal void Remove(FdWatch watch)
    {
        Check(_epoll.Remove(watch.Fd));
        var slot = (int)(uint)watch.Token;
        _watches[slot] = null;
        _free.Push(slot);
    }

    private static void Check(Errno errno)
    {
        if (errno != Errno.None)
            throw new SyscallException("changing the epoll set", errno);
    }
}

/// <summary>A file being watched by a loop. Dispose it before the file is closed.</summary>
public sealed class FdWatch : IDisposable
{
    private readonly EventLoop _loop;
    private bool _disposed;

    internal FdWatch(EventLoop loop, FdHandle fd, IFdHandler handler, ulong token)
    {
        _loop = loop;
        Fd = fd;
        Handler = handler;
        Token = token;
    }

    internal FdHandle Fd { get; }

    internal IFdHandler Handler { get; }

    internal ulong Token { get; }

    /// <summary>Changes what is reported.</summary>
    /// <param name="events">From now on.</param>
    public void Modify(EpollEvents events)
    {
        var errno = _loop.Modify(this, events);
        if (errno != Errno.None)
            throw new SyscallException("changing what is watched", errno);
    }

    /// <summary>Stops watching.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _loop.Remove(this);
    }
}
