// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Sessions;

/// <summary>
/// Whether a scanout's flips come out well while the guest's own pages are shown. A run of unprotected ones says no: the guest draws into what is on the screen. Then
/// copies are shown, until the compositor takes frames again for a while; how that while grows with each relapse keeps a compositor that is always late from making the guest
/// go to and fro. Whether it takes them in time is no question then: where nothing but the CPU draws, copies are later than the pages ever were.
/// </summary>
internal struct PageTrust
{
    /// <summary>How many flips more must have been unprotected than protected: a second's worth where the window is hidden, as guests flip on between two buffers there.</summary>
    public const int Run = 6;

    /// <summary>How long frames have to be taken before the pages are tried again.</summary>
    public const long FirstTrialNs = 1_000_000_000;

    /// <summary>The same after many relapses.</summary>
    public const long LongestTrialNs = 64_000_000_000;

    /// <summary>After so long, a second flip that is answered late and not taken says that none is.</summary>
    public const long SilenceNs = 250_000_000;

    private const int RelapseTrials = 8;

    private int _balance;
    private int _taken;
    private long _takenSinceNs;
    private long _lastTakenNs;
    private bool _isLateSince;
    private long _trialNs;
    private long _restoredNs;

    /// <summary>Whether copies are to be shown.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Frames that a guest waited for were answered because the display was done with them.</summary>
    /// <param name="count">How many.</param>
    public void AddProtected(int count) => _balance = Math.Max(_balance - count, 0);

    /// <summary>The compositor has taken a frame, in time or not.</summary>
    /// <param name="nowNs">Of any clock that doesn't jump.</param>
    /// <returns>Whether the pages may be shown again.</returns>
    public bool AddTaken(long nowNs)
    {
        (_lastTakenNs, _isLateSince) = (nowNs, false);
        if (!IsLost)
            return false;
        if (_taken++ == 0)
            _takenSinceNs = nowNs;
        if (_taken <= Run || nowNs - _takenSinceNs < _trialNs)
            return false;
        (IsLost, _balance, _restoredNs) = (false, 0, nowNs);
        return true;
    }

    /// <summary>Frames were answered because their time was up.</summary>
    /// <param name="unprotected">How many of them while something was read that their answer lets the guest draw into.</param>
    /// <param name="nowNs">Of the same clock.</param>
    /// <returns>Whether copies are to be shown from now on.</returns>
    public bool AddLate(int unprotected, long nowNs)
    {
        if (_isLateSince && nowNs - _lastTakenNs > SilenceNs)
            _taken = 0;
        _isLateSince = true;
        _balance += unprotected;
        if (IsLost || _balance < Run)
            return false;
        var isRelapse = _trialNs > 0 && nowNs - _restoredNs < RelapseTrials * _trialNs;
        _trialNs = isRelapse ? Math.Min(2 * _trialNs, LongestTrialNs) : FirstTrialNs;
        (IsLost, _taken) = (true, 0);
        return true;
    }
}
