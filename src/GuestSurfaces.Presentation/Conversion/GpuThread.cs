// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>
/// The presenter's one helper thread: drivers block, and a loop mustn't. It starts with the first job, and has the GPU to itself. Jobs are handed over by two lists
/// that are swapped whole, and an eventfd wakes either side: no locks, nothing allocated.
/// </summary>
internal sealed class GpuThread : IGpuRunner, IFdHandler
{
    private readonly EventLoop _loop;
    private readonly Func<(IGpuDevice? Device, GpuFailure? Failure)> _open;
    private readonly EventFdHandle _wake = EventFdHandle.Create();
    private readonly EventFdHandle _done = EventFdHandle.Create();
    private FdWatch? _watch;
    private GpuJob? _submitted;
    private GpuJob? _finished;
    private int _users = 1;
    private bool _isClosing;

    /// <summary>Makes a thread that isn't started yet.</summary>
    /// <param name="loop">Hears of finished jobs.</param>
    /// <param name="open">Opens the GPU. Called on the helper's thread, once.</param>
    public GpuThread(EventLoop loop, Func<(IGpuDevice? Device, GpuFailure? Failure)> open)
    {
        _loop = loop;
        _open = open;
    }

    /// <inheritdoc/>
    public Action<GpuJob>? Finished { get; set; }

    /// <inheritdoc/>
    public void Start(GpuJob job)
    {
        if (_watch is null)
        {
            _watch = _loop.Watch(_done, EpollEvents.In, this);
            _users = 2;

            // In the background: a hung driver doesn't keep the program from ending.
            new Thread(Run) { IsBackground = true, Name = "gpu" }.Start();
        }

        Push(ref _submitted, job);
        _ = _wake.Signal(); // our own eventfd: a full counter is awake too
    }

    /// <inheritdoc/>
    public void Close()
    {
        if (Volatile.Read(ref _isClosing))
            return;
        _watch?.Dispose();
        Volatile.Write(ref _isClosing, true);
        _ = _wake.Signal();
        Leave();
    }

    void IFdHandler.OnReady(EpollEvents events)
    {
        _ = _done.Drain(out _); // our own eventfd: reading it can't fail
        for (var job = TakeAll(ref _finished); job is not null && !_isClosing;)
        {
            var next = job.Next;
            job.Next = null;
            Finished?.Invoke(job);
            job = next;
        }
    }

    private static void Push(ref GpuJob? list, GpuJob job)
    {
        var head = Volatile.Read(ref list);
        while (true)
        {
            job.Next = head;
            var seen = Interlocked.CompareExchange(ref list, job, head);
            if (seen == head)
                return;
            head = seen;
        }
    }

    /// <summary>Empties a list.</summary>
    /// <returns>Its jobs, oldest first.</returns>
    private static GpuJob? TakeAll(ref GpuJob? list)
    {
        GpuJob? oldest = null;
        for (var job = Interlocked.Exchange(ref list, null); job is not null;)
        {
            var next = job.Next;
            job.Next = oldest;
            oldest = job;
            job = next;
        }

        return oldest;
    }

    private void Run()
    {
        var (device, failure) = Open();
        using (var epoll = EpollHandle.Create())
        {
            var results = new EpollResult[1];
            _ = epoll.Add(_wake, EpollEvents.In, 0);
            while (!Volatile.Read(ref _isClosing))
            {
                epoll.Wait(results, -1);
                _ = _wake.Drain(out _);
                RunAll(device, ref failure);
            }

            RunAll(device, ref failure); // what is to be released
            _ = epoll.Remove(_wake);
        }

        device?.Dispose();
        for (var job = TakeAll(ref _finished); job is not null; job = job.Next)
            job.Discard();
        Leave();
    }

    private void RunAll(IGpuDevice? device, ref GpuFailure? failure)
    {
        for (var job = TakeAll(ref _submitted); job is not null;)
        {
            var next = job.Next;
            try
            {
                job.Failure = failure ?? job.Run(device!);
            }
            catch (Exception e)
            {
                // A bug of ours, or a driver's: it costs the conversion, not the program.
                failure = job.Failure = new GpuFailure($"drawing has failed: {e.Message}");
            }

            Push(ref _finished, job);
            _ = _done.Signal();
            job = next;
        }
    }

    private (IGpuDevice? Device, GpuFailure? Failure) Open()
    {
        try
        {
            return _open();
        }
        catch (Exception e)
        {
            return (null, new GpuFailure($"starting the GPU has failed: {e.Message}"));
        }
    }

    // Whoever leaves last closes what both use.
    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;
        _wake.Dispose();
        _done.Dispose();
    }
}
