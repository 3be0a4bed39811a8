// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Loop;

/// <summary>
/// The timers of one loop, on its clock. Few (tens), so a plain list: arming and firing allocate nothing. Tests run one with a clock of their own,
/// without any loop. Thread: the loop's.
/// </summary>
/// <param name="clock">What time it is.</param>
public sealed class TimerQueue(IClock clock)
{
    private readonly List<LoopTimer> _armed = [];
    private uint _round;

    /// <summary>What time it is.</summary>
    public IClock Clock { get; } = clock;

    /// <summary>When the next timer is due; <see cref="long.MaxValue"/> if none is armed.</summary>
    public long NextDueNs
    {
        get
        {
            var next = long.MaxValue;
            foreach (var timer in _armed)
                next = Math.Min(next, timer.DueNs);
            return next;
        }
    }

    /// <summary>Makes a timer that is off.</summary>
    /// <param name="onDue">Called once each time it comes due, from <see cref="RunDue"/>.</param>
    public LoopTimer Create(Action onDue) => new(this, onDue);

    /// <summary>Calls every timer that is due, in the order of their times; each at most once, so a timer that arms itself for now can't hold the loop.</summary>
    public void RunDue()
    {
        var now = Clock.NowNs;
        _round++; // first, so that one that throws leaves nobody out of the next
        while (true)
        {
            LoopTimer? first = null;
            foreach (var timer in _armed)
            {
                if (timer.DueNs <= now && (first is null || timer.DueNs < first.DueNs) && timer.Round != _round)
                    first = timer;
            }

            if (first is null)
                break;
            first.Fire(_round);
        }
    }

    internal void Add(LoopTimer timer) => _armed.Add(timer);

    internal void Remove(LoopTimer timer) => _armed.Remove(timer);
}

/// <summary>A timer of a <see cref="TimerQueue"/>.</summary>
public sealed class LoopTimer
{
    private readonly TimerQueue _queue;
    private readonly Action _onDue;

    internal LoopTimer(TimerQueue queue, Action onDue)
    {
        _queue = queue;
        _onDue = onDue;
    }

    /// <summary>Whether it will fire.</summary>
    public bool IsArmed { get; private set; }

    /// <summary>When it fires, on the queue's clock.</summary>
    public long DueNs { get; private set; } = long.MaxValue;

    internal uint Round { get; private set; }

    /// <summary>Lets it fire once at a time; a time set before is forgotten.</summary>
    /// <param name="dueNs">On the queue's clock.</param>
    public void ArmAt(long dueNs)
    {
        DueNs = dueNs;
        if (IsArmed)
            return;
        IsArmed = true;
        _queue.Add(this);
    }

    /// <summary>Lets it fire once after a while.</summary>
    /// <param name="delayNs">From now.</param>
    public void ArmIn(long delayNs) => ArmAt(_queue.Clock.NowNs + delayNs);

    /// <summary>Turns it off.</summary>
    public void Cancel()
    {
        if (!IsArmed)
            return;
        IsArmed = false;
        DueNs = long.MaxValue;
        _queue.Remove(this);
    }

    internal void Fire(uint round)
    {
        Cancel();
        Round = round;
        _onDue();
    }
}
