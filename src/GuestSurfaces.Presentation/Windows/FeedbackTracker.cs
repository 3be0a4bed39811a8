// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>Whom the compositor's word about a commit reaches.</summary>
internal interface IFeedbackOwner
{
    /// <summary>The commit was shown.</summary>
    /// <param name="serial">Its frame's.</param>
    /// <param name="presentation">When and how.</param>
    void OnPresented(ulong serial, in FramePresentation presentation);

    /// <summary>The commit was never shown.</summary>
    /// <param name="serial">Its frame's.</param>
    void OnDiscarded(ulong serial);
}

/// <summary>Asks what became of each commit, where there is wp_presentation. The few objects that are under way at a time are used again.</summary>
internal sealed class FeedbackTracker(Compositor compositor, IFeedbackOwner owner)
{
    private readonly List<Slot> _slots = [];

    /// <summary>Asks about the surface's next commit.</summary>
    /// <param name="surface">The surface.</param>
    /// <param name="serial">The frame that it carries.</param>
    public void Ask(WlSurface surface, ulong serial)
    {
        if (compositor.Presentation is not { } presentation)
            return;
        foreach (var slot in _slots)
        {
            if (slot.Feedback.IsAlive)
                continue;
            slot.Serial = serial;
            presentation.Feedback(surface, slot.Feedback);
            return;
        }

        var added = new Slot(this) { Serial = serial };
        _slots.Add(added);
        presentation.Feedback(surface, added.Feedback);
    }

    /// <summary>The surface goes: whatever is answered now reaches nobody.</summary>
    public void Forget()
    {
        foreach (var slot in _slots)
            slot.Serial = 0;
    }

    private void Presented(ulong serial, long timeNs, uint refreshNs, bool isZeroCopy)
    {
        if (serial != 0)
            owner.OnPresented(serial, new FramePresentation(compositor.PresentationClock.ToMonotonic(timeNs), refreshNs, isZeroCopy));
    }

    private void Discarded(ulong serial)
    {
        if (serial != 0)
            owner.OnDiscarded(serial);
    }

    private sealed class Slot : IWpPresentationFeedbackListener
    {
        private readonly FeedbackTracker _tracker;

        public Slot(FeedbackTracker tracker)
        {
            _tracker = tracker;
            Feedback = new WpPresentationFeedback { Listener = this };
        }

        public WpPresentationFeedback Feedback { get; }

        public ulong Serial { get; set; }

        void IWpPresentationFeedbackListener.OnPresented(
            WpPresentationFeedback sender, uint tvSecHi, uint tvSecLo, uint tvNsec, uint refresh, uint seqHi, uint seqLo, WpPresentationFeedbackKind flags) =>
            _tracker.Presented(
                Serial, (long)((((ulong)tvSecHi << 32) | tvSecLo) * 1_000_000_000) + tvNsec, refresh, (flags & WpPresentationFeedbackKind.ZeroCopy) != 0);

        void IWpPresentationFeedbackListener.OnDiscarded(WpPresentationFeedback sender) => _tracker.Discarded(Serial);
    }
}
