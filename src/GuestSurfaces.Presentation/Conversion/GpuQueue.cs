// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>Where jobs are done, one after the other: a helper thread, or a test. Thread: the loop's.</summary>
internal interface IGpuRunner
{
    /// <summary>Hears of each finished job, in their order; on the loop's thread, never from inside <see cref="Start"/>.</summary>
    Action<GpuJob>? Finished { get; set; }

    /// <summary>Takes a job.</summary>
    /// <param name="job">The runner's until it is finished.</param>
    void Start(GpuJob job);

    /// <summary>Nothing more is wanted, and nothing heard of any more. A job that hangs is left alone.</summary>
    void Close();
}

/// <summary>
/// The GPU as the loop sees it: jobs go in, and each is completed once, in time. A GPU that hangs, or takes too long, is given up for good, with all its jobs:
/// the loop never waits, and a driver that has hung once isn't trusted again on this connection. Thread: the loop's; nothing allocates in steady state.
/// </summary>
internal sealed class GpuQueue
{
    /// <summary>Time for a job: longer than any picture takes, software on an emulated machine included (1.3 s for 1080p in the lab), short enough that a user waits for it.</summary>
    public const long JobLimitNs = 5_000_000_000;

    /// <summary>Time for each until a first picture is drawn: the driver is loaded, shaders are compiled, by some drivers not before they are drawn with.</summary>
    public const long StartLimitNs = 20_000_000_000;

    private readonly IGpuRunner _runner;
    private readonly TimerQueue _timers;
    private readonly LoopTimer _lateTimer;
    private readonly Queue<GpuJob> _running = [];
    private readonly Action _changed;
    private bool _hasDrawn;
    private bool _isClosed;

    /// <summary>Makes a queue.</summary>
    /// <param name="runner">Closed with it.</param>
    /// <param name="timers">The loop's.</param>
    /// <param name="budget">For all targets together.</param>
    /// <param name="changed">Told after jobs were completed, when all is said: what came of it can be sent.</param>
    public GpuQueue(IGpuRunner runner, TimerQueue timers, TargetBudget budget, Action changed)
    {
        _runner = runner;
        _timers = timers;
        _changed = changed;
        Budget = budget;
        _lateTimer = timers.Create(OnLate);
        runner.Finished = OnFinished;
    }

    /// <summary>For all targets together.</summary>
    public TargetBudget Budget { get; }

    /// <summary>Why nothing can be done any more; null while it can.</summary>
    public GpuFailure? Failure { get; private set; }

    private long LimitNs => _hasDrawn ? JobLimitNs : StartLimitNs;

    /// <summary>Gives a job to the GPU. After a failure and after the end it is not done and not completed.</summary>
    /// <param name="job">The queue's until it is completed.</param>
    public void Submit(GpuJob job)
    {
        if (_isClosed || Failure is not null)
            return;
        job.Failure = null;
        job.DueNs = _timers.Clock.NowNs + LimitNs;
        _running.Enqueue(job);
        if (_running.Count == 1)
            _lateTimer.ArmAt(job.DueNs);
        _runner.Start(job);
    }

    /// <summary>The connection ends: nothing is completed any more.</summary>
    public void Close()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        _running.Clear();
        _lateTimer.Cancel();
        _runner.Close();
    }

    private void OnFinished(GpuJob job)
    {
        if (_isClosed || Failure is not null)
            return;
        _hasDrawn |= job is DrawJob;
        _running.Dequeue();

        // The time of the next one begins when it is its turn.
        if (_running.TryPeek(out var next))
            _lateTimer.ArmAt(next.DueNs = Math.Max(next.DueNs, _timers.Clock.NowNs + LimitNs));
        else
            _lateTimer.Cancel();
        job.Complete(givenUp: null);
        _changed();
    }

    private void OnLate()
    {
        Failure = new GpuFailure(
            $"the GPU hasn't {(_hasDrawn ? "drawn a picture" : "begun to draw")} within {LimitNs / 1_000_000} ms",
            "look for the GPU's errors in the kernel's log");
        _runner.Close();
        while (_running.TryDequeue(out var job))
            job.Complete(Failure);
        _changed();
    }
}
