// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Sessions;

/// <summary>
/// Whether a scanout's flips come out well while the guest's own pages are shown. A run of unprotected ones says no: the guest draws into what is on the screen. Then
/// copies are shown, until flips are taken in time for a while; how that while grows with each relapse keeps a compositor that is always late from making the guest
/// go to and fro.
/// </summary>
internal struct PageTrust
{
    /// <summary>How many flips more must have been unprotected than protected: a second's worth where the window is hidden, as guests flip on between two buffers there.</summary>
    public const int Run = 6;

    /// <summary>How long flips have to be taken in time before the pages are tried again.</summary>
    public const long FirstTrialNs = 1_000_000_000;

    /// <summary>The same after many relapses.</summary>
    public const long LongestTrialNs = 64_000_000_000;

    private const int RelapseTrials = 8;

    private int _balance;
    private int _inTime;
    private long _inTimeSinceNs;
    private long _trialNs;
    private long _restoredNs;

    /// <summary>Whether copies are to be shown.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Frames that a guest waited for were answered because the display was done with them.</summary>
    /// <param name="count">How many.</param>
    /// <param name="nowNs">Of any clock that doesn't jump.</param>
    /// <returns>Whether the pages may be shown again.</returns>
    public bool AddProtected(int count, long nowNs)
    {
        _balance = Math.Max(_balance - count, 0);
        if (!IsLost || count == 0)
            return false;
        if (_inTime == 0)
            _inTimeSinceNs = nowNs;
        _inTime += count;
        if (_inTime <= Run || nowNs - _inTimeSinceNs < _trialNs)
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
        _inTime = 0;
        _balance += unprotected;
        if (IsLost || _balance < Run)
            return false;
        var isRelapse = _trialNs > 0 && nowNs - _restoredNs < RelapseTrials * _trialNs;
        _trialNs = isRelapse ? Math.Min(2 * _trialNs, LongestTrialNs) : FirstTrialNs;
        IsLost = true;
        return true;
    }
}
