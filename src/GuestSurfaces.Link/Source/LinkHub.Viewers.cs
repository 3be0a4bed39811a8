// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link.Source;
using GuestSurfaces.Link.Wire;
using Microsoft.Extensions.Logging;

namespace GuestSurfaces.Link;

/// <summary>Who is in charge, and what it says.</summary>
public sealed partial class LinkHub
{
    private static readonly RungReport s_nobody = new(Rung.None, "nobody looks");

    /// <summary>A viewer has said hello: from now on it is told everything.</summary>
    internal void OnGreeted(HubViewer viewer)
    {
        _logger.LogInformation("link: {Viewer} has connected", viewer.Name);
        ArmFlush();
        if (InCharge is null && viewer.WantsControl)
            PutInCharge(viewer);
        if (viewer.WantsControl)
            Events.Opened();
    }

    /// <summary>A viewer is gone, or is sent away: its locks come back, and its frames are answered by others.</summary>
    internal void Remove(HubViewer viewer, string? why, ByeCode? code)
    {
        if (!_viewers.Remove(viewer))
            return;
        if (why is null)
            _logger.LogInformation("link: {Viewer} is gone", viewer.Name);
        else
            _logger.LogWarning("link: {Viewer} is disconnected: {Reason}", viewer.Name, why);
        viewer.Close(code, why ?? string.Empty);
        var wasInCharge = InCharge == viewer;
        if (wasInCharge)
        {
            InCharge = null;
            foreach (var kind in Enum.GetValues<InputKind>())
                Events.InputLeft(kind);
        }

        viewer.Storages.Abandon();
        if (!wasInCharge || _isDisposed)
            return;
        if (InCharge is null && _viewers.Find(static v => v.WantsControl) is { } next)
            PutInCharge(next);
        if (InCharge is null)
            Statistics.ForgetDisplay(s_nobody);
        for (var i = 0; i < _surfaces.Length && !_isDisposed; i++)
            AnswerFor(i);
    }

    internal void OnLatched(HubViewer viewer, int scanout, in LatchedBody body)
    {
        ArmFlush(); // it has credit again
        if (viewer != InCharge || !_surfaces[scanout].Unanswered.RemoveUpTo(body.Serial))
            return;
        var now = (ulong)_timers.Clock.NowNs;
        if (body.CommittedNs != 0)
            Events.CommittedAt(scanout, body.Serial, (long)Math.Min(body.CommittedNs, now));
        Events.Latched(scanout, body.Serial, (long)Math.Min(body.LatchedNs, now));
    }

    internal void OnPresented(int scanout, in PresentedBody body)
    {
        var now = (ulong)_timers.Clock.NowNs;
        var presentation = new FramePresentation((long)Math.Min(body.TimeNs, now), body.RefreshNs, (body.Flags & PresentedBody.ZeroCopy) != 0);
        Events.Presented(scanout, body.Serial, in presentation);
    }

    internal void OnSuperseded(HubViewer viewer, int scanout, ulong serial)
    {
        ArmFlush();
        if (viewer == InCharge && _surfaces[scanout].Unanswered.Remove(serial))
            Events.Superseded(scanout, serial);
    }

    /// <summary>What the viewer in charge wants becomes what the guest sees. Of many wishes in a packet, the last one counts.</summary>
    internal void HearWishes(HubViewer viewer)
    {
        for (var i = 0; i < _surfaces.Length && viewer == InCharge; i++)
        {
            ref var said = ref viewer.Surface(i);
            var unheard = said.Unheard;
            said.Unheard = Wishes.None;
            if ((unheard & Wishes.Refresh) != 0)
            {
                _surfaces[i].RefreshMilliHz = said.RefreshMilliHz;
                Events.RefreshKnown(i, said.RefreshMilliHz);
            }

            if ((unheard & Wishes.Mode) != 0)
            {
                var mode = said.Mode;
                if (mode.RefreshMilliHz > 0)
                    _surfaces[i].RefreshMilliHz = mode.RefreshMilliHz;
                Events.ModeWanted(i, in mode);
            }

            if ((unheard & Wishes.Close) != 0)
                Events.CloseWanted(i);
        }
    }

    private void PutInCharge(HubViewer viewer)
    {
        InCharge = viewer;
        ArmFlush();
        Events.DisplayChanged();
        HearWishes(viewer);
    }

    /// <summary>The viewer in charge is gone: what it had is answered; the newest frame is the next one's to answer, if that hasn't had it yet.</summary>
    private void AnswerFor(int scanout)
    {
        ref var surface = ref _surfaces[scanout];
        while (surface.Unanswered.Count > 0 && (surface.Content != SurfaceContent.Frame || surface.Unanswered.First != surface.Newest.Serial))
        {
            var serial = surface.Unanswered.First;
            surface.Unanswered.Remove(serial);
            Events.Superseded(scanout, serial);
        }

        if (surface.Unanswered.Count > 0 && InCharge?.WillAnswer(scanout, surface.Newest.Serial) != true)
            ArmPace(ref surface);
    }
}
