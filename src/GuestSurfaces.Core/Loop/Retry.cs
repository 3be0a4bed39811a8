// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Loop;

/// <summary>
/// Begins something again that ends. Two beginnings are at least a pause apart, which doubles each time until it has gone well for a while; what was there for longer
/// than its pause is begun again at once. Thread: the loop's.
/// </summary>
public sealed class Retry
{
    private readonly TimerQueue _timers;
    private readonly long _firstNs;
    private readonly long _longestNs;
    private readonly long _steadyNs;
    private readonly Func<bool> _attempt;
    private readonly LoopTimer _timer;
    private long _pauseNs;
    private long _triedNs;
    private bool _hasBegun;

    /// <summary>Makes one that rests.</summary>
    /// <param name="timers">The loop's.</param>
    /// <param name="firstNs">The shortest pause, from one beginning to the next.</param>
    /// <param name="longestNs">The longest.</param>
    /// <param name="steadyNs">How long it must have gone well for the next beginning to count as the first.</param>
    /// <param name="attempt">Begins; false if it can't now, and another attempt is due.</param>
    public Retry(TimerQueue timers, long firstNs, long longestNs, long steadyNs, Func<bool> attempt)
    {
        _timers = timers;
        _firstNs = firstNs;
        _longestNs = longestNs;
        _steadyNs = steadyNs;
        _attempt = attempt;
        _timer = timers.Create(Attempt);
    }

    /// <summary>It is to begin, or has ended and is to begin again.</summary>
    public void Start()
    {
        if (_timer.IsArmed)
            return;
        if (_hasBegun && _timers.Clock.NowNs - _triedNs >= _steadyNs)
            _pauseNs = 0;
        _hasBegun = false;
        _timer.ArmAt(_triedNs + _pauseNs);
        _pauseNs = Math.Clamp(_pauseNs * 2, _firstNs, _longestNs);
    }

    /// <summary>It isn't wanted any more.</summary>
    public void Cancel() => _timer.Cancel();

    private void Attempt()
    {
        _triedNs = _timers.Clock.NowNs;
        _hasBegun = _attempt();
        if (!_hasBegun)
            Start();
    }
}
