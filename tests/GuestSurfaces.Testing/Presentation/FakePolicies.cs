// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>The fake compositor's fifo, commit-timing and tearing-control, to the letter.</summary>
internal sealed class FakePolicies : IWpFifoManagerV1Requests, IWpCommitTimingManagerV1Requests, IWpTearingControlManagerV1Requests
{
    private readonly FakeCompositor _compositor;

    public FakePolicies(FakeCompositor compositor)
    {
        _compositor = compositor;
        if (compositor.Options.Fifo)
            compositor.Server.AddGlobal<WpFifoManagerV1Resource>(1, r => r.Handler = this);
        if (compositor.Options.CommitTiming)
            compositor.Server.AddGlobal<WpCommitTimingManagerV1Resource>(1, r => r.Handler = this);
        if (compositor.Options.Tearing)
            compositor.Server.AddGlobal<WpTearingControlManagerV1Resource>(1, r => r.Handler = this);
    }

    void IWpFifoManagerV1Requests.OnGetFifo(WpFifoManagerV1Resource sender, WpFifoV1Resource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.HasFifo)
            _compositor.Violation(sender, (uint)WpFifoManagerV1Error.AlreadyExists, "the surface has a barrier already");
        fake.HasFifo = true;
        id.Handler = new Fifo(_compositor, fake);
        id.Destroyed += _ => fake.HasFifo = false;
    }

    void IWpCommitTimingManagerV1Requests.OnGetTimer(WpCommitTimingManagerV1Resource sender, WpCommitTimerV1Resource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.HasTimer)
            _compositor.Violation(sender, (uint)WpCommitTimingManagerV1Error.CommitTimerExists, "the surface has a timer already");
        fake.HasTimer = true;
        id.Handler = new Timer(_compositor, fake);
        id.Destroyed += _ => fake.HasTimer = false;
    }

    void IWpTearingControlManagerV1Requests.OnGetTearingControl(WpTearingControlManagerV1Resource sender, WpTearingControlV1Resource id, WlSurfaceResource surface)
    {
        var fake = (FakeSurface)surface.Tag!;
        if (fake.HasTearingControl)
            _compositor.Violation(sender, (uint)WpTearingControlManagerV1Error.TearingControlExists, "the surface has a tearing control already");
        fake.HasTearingControl = true;
        id.Handler = new Tearing(fake);
        id.Destroyed += _ => fake.HasTearingControl = false;
    }

    private sealed class Fifo(FakeCompositor compositor, FakeSurface surface) : IWpFifoV1Requests
    {
        void IWpFifoV1Requests.OnSetBarrier(WpFifoV1Resource sender)
        {
            Check(sender);
            surface.NextPolicy.SetsBarrier = true;
        }

        void IWpFifoV1Requests.OnWaitBarrier(WpFifoV1Resource sender)
        {
            Check(sender);
            surface.NextPolicy.WaitsForBarrier = true;
        }

        private void Check(WpFifoV1Resource sender)
        {
            if (!surface.Resource.IsAlive)
                compositor.Violation(sender, (uint)WpFifoV1Error.SurfaceDestroyed, "the surface is gone");
        }
    }

    private sealed class Timer(FakeCompositor compositor, FakeSurface surface) : IWpCommitTimerV1Requests
    {
        void IWpCommitTimerV1Requests.OnSetTimestamp(WpCommitTimerV1Resource sender, uint tvSecHi, uint tvSecLo, uint tvNsec)
        {
            if (!surface.Resource.IsAlive)
                compositor.Violation(sender, (uint)WpCommitTimerV1Error.SurfaceDestroyed, "the surface is gone");
            if (tvNsec >= 1_000_000_000)
                compositor.Violation(sender, (uint)WpCommitTimerV1Error.InvalidTimestamp, $"{tvNsec} ns");
            if (surface.NextPolicy.DueNs != 0)
                compositor.Violation(sender, (uint)WpCommitTimerV1Error.TimestampExists, "a second time for one commit");
            surface.NextPolicy.DueNs = ((((long)tvSecHi << 32) | tvSecLo) * 1_000_000_000) + tvNsec;
        }
    }

    private sealed class Tearing(FakeSurface surface) : IWpTearingControlV1Requests
    {
        void IWpTearingControlV1Requests.OnSetPresentationHint(WpTearingControlV1Resource sender, WpTearingControlV1PresentationHint hint) =>
            surface.NextPolicy.MayTear = hint == WpTearingControlV1PresentationHint.Async;
    }
}

/// <summary>When a commit counts, and how it is shown.</summary>
public struct FakePolicy
{
    public bool WaitsForBarrier;
    public bool SetsBarrier;

    /// <summary>Not before this; 0: at once.</summary>
    public long DueNs;

    /// <summary>Stays for later commits, as the others don't.</summary>
    public bool MayTear;
}
