// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Connection;

/// <summary>
/// Presentation times come on a clock of the compositor's choice (weston: CLOCK_MONOTONIC_RAW, which drifts from CLOCK_MONOTONIC by hours a
/// year). They are moved over by the distance between both clocks now: a frame's time lies milliseconds back, over which drift is nothing.
/// </summary>
internal sealed class PresentationClock(IClock clock) : IWpPresentationListener
{
    private int _id = KernelClock.Monotonic;

    /// <summary>Moves a time to CLOCK_MONOTONIC. Now, if the compositor's clock can't be read here.</summary>
    /// <param name="timeNs">On the compositor's clock.</param>
    public long ToMonotonic(long timeNs)
    {
        if (_id == KernelClock.Monotonic)
            return timeNs;
        var theirs = KernelClock.NowNs(_id);
        var ours = clock.NowNs;
        return theirs == 0 ? ours : timeNs - theirs + ours;
    }

    /// <summary>Moves a time to the compositor's clock. The same, if that can't be read here.</summary>
    /// <param name="timeNs">CLOCK_MONOTONIC.</param>
    public long FromMonotonic(long timeNs)
    {
        var theirs = _id == KernelClock.Monotonic ? 0 : KernelClock.NowNs(_id);
        return theirs == 0 ? timeNs : timeNs - clock.NowNs + theirs;
    }

    void IWpPresentationListener.OnClockId(WpPresentation sender, uint clkId) => _id = (int)clkId;
}
