// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Source;

/// <summary>What the viewer says.</summary>
internal sealed partial class HubViewer
{
    private int _credit;

    /// <inheritdoc/>
    public string? OnPacket(ReadOnlySpan<byte> packet, DescriptorQueue fds)
    {
        var reader = new LinkReader(packet);
        while (reader.TryNext(out var head))
        {
            var why = IsGreeted ? Handle(in head, ref reader) : OnHello(in head, ref reader);
            if (why is not null)
                return why;
            if (_isGone)
                return null;
        }

        if (reader.IsMalformed)
            return "its packet ends in something that is no message";
        _hub.HearWishes(this);
        return null;
    }

    private string? OnHello(in MessageHead head, ref LinkReader reader)
    {
        if (head.Opcode == LinkOpcode.ViewerBye)
            return OnBye(ref reader);
        if (Hello.Read(in head, LinkOpcode.ViewerHello, ref reader, out var hello, out var name, out var code) is { } why)
        {
            OnLost(why, code);
            return null;
        }

        _credit = (int)(hello.Wishes >> HelloBody.CreditShift) & 0xff;
        if (_credit is 0 or > LinkLimits.MaxCredit)
            return $"it gives credit for {_credit} frames";
        WantsControl = (hello.Wishes & HelloBody.WantsControl) != 0;
        _kinds = HelloBody.KindsOf(hello.Features) & _hub.Takes;
        Name = name;
        _helloTimer.Cancel();
        _hub.OnGreeted(this);
        return null;
    }

    private string? Handle(in MessageHead head, ref LinkReader reader) => head.Opcode switch
    {
        LinkOpcode.Latched => OnLatched(in head, ref reader),
        LinkOpcode.Presented => OnPresented(in head, ref reader),
        LinkOpcode.Superseded => OnSuperseded(in head, ref reader),
        LinkOpcode.Released => OnReleased(in head, ref reader),
        LinkOpcode.Refused => OnRefused(in head, ref reader),
        LinkOpcode.DisplayChanged => OnDisplayChanged(in reader),
        LinkOpcode.Mode => OnMode(in head, ref reader),
        LinkOpcode.Refresh => OnRefresh(in head, ref reader),
        LinkOpcode.Close => OnClose(in head, in reader),
        LinkOpcode.ViewerReport => OnReport(ref reader),
        LinkOpcode.Tally => OnTally(ref reader),
        LinkOpcode.Input => OnInput(in head, ref reader),
        LinkOpcode.ViewerPolicy => OnPolicy(ref reader),
        LinkOpcode.ViewerPlacement => OnPlacement(ref reader),
        LinkOpcode.ViewerBye => OnBye(ref reader),
        _ => LinkOpcodes.IsSkippable(head.Opcode) ? null : $"opcode 0x{(ushort)head.Opcode:x4} is not a viewer's",
    };

    private string? OnLatched(in MessageHead head, ref LinkReader reader)
    {
        if (head.Id >= LinkLimits.Surfaces || !reader.TryTakeAll(out LatchedBody body))
            return "a LATCHED is malformed";
        ref var outstanding = ref _surfaces[head.Id].Outstanding;
        if (!outstanding.Contains(body.Serial))
            return $"it answers frame {body.Serial}, which waits for no answer";
        outstanding.RemoveUpTo(body.Serial);
        _hub.OnLatched(this, (int)head.Id, in body);
        return null;
    }

    // A word about a frame of long ago harms nobody.
    private string? OnPresented(in MessageHead head, ref LinkReader reader)
    {
        if (head.Id >= LinkLimits.Surfaces || !reader.TryTakeAll(out PresentedBody body))
            return "a PRESENTED is malformed";
        if (_hub.InCharge == this)
            _hub.OnPresented((int)head.Id, in body);
        return null;
    }

    private string? OnSuperseded(in MessageHead head, ref LinkReader reader)
    {
        if (head.Id >= LinkLimits.Surfaces || !reader.TryTakeAll(out SupersededBody body))
            return "a SUPERSEDED is malformed";
        if (!_surfaces[head.Id].Outstanding.Remove(body.Serial))
            return $"it answers frame {body.Serial}, which waits for no answer";
        _hub.OnSuperseded(this, (int)head.Id, body.Serial);
        return null;
    }

    private string? OnReleased(in MessageHead head, ref LinkReader reader)
    {
        if (!reader.TryTakeAll(out ReleasedBody body))
            return "a RELEASED is malformed";
        if (Storages.Find(head.Id) is not { } storage || !storage.TryUnlock(body.Locks))
            return $"it gives back {body.Locks} locks on storage {head.Id}, which it doesn't have";
        _hub.ArmFlush(); // there may have been too many locks for a frame
        return null;
    }

    private string? OnRefused(in MessageHead head, ref LinkReader reader)
    {
        if (!reader.TryTake(out RefusedBody body) || body.Surface >= LinkLimits.Surfaces || !reader.TryTakeText(out var reason) || !reader.IsDone)
            return "a REFUSED is malformed";
        if (_hub.InCharge == this && Storages.Find(head.Id) is { } storage) // it may have closed since
            _hub.Events.BufferRefused((int)body.Surface, storage.Storage, reason);
        return null;
    }

    private string? OnDisplayChanged(in LinkReader reader)
    {
        if (!reader.IsDone)
            return "a DISPLAY_CHANGED is malformed";
        if (_hub.InCharge == this)
            _hub.Events.DisplayChanged();
        return null;
    }

    private string? OnMode(in MessageHead head, ref LinkReader reader)
    {
        if (head.Id >= LinkLimits.Surfaces || !reader.TryTakeAll(out ModeBody body))
            return "a MODE is malformed";
        if (body.Width > LinkLimits.Dimension || body.Height > LinkLimits.Dimension || body.Width == 0 != (body.Height == 0) || body.RefreshMilliHz > LinkLimits.RefreshMilliHz
            || body.WidthMm > LinkLimits.SideMm || body.HeightMm > LinkLimits.SideMm || body.Enabled > 1)
        {
            return $"it wants a mode of {body.Width}x{body.Height} at {body.RefreshMilliHz} mHz";
        }

        ref var surface = ref _surfaces[head.Id];
        surface.Mode = new OutputMode(new BufferSize((int)body.Width, (int)body.Height), (int)body.RefreshMilliHz, (int)body.WidthMm, (int)body.HeightMm, body.Enabled == 1);
        surface.Unheard |= Wishes.Mode;
        return null;
    }

    private string? OnRefresh(in MessageHead head, ref LinkReader reader)
    {
        if (head.Id >= LinkLimits.Surfaces || !reader.TryTakeAll(out RefreshBody body) || body.RefreshMilliHz is 0 or > LinkLimits.RefreshMilliHz)
            return "a REFRESH is malformed";
        _surfaces[head.Id].RefreshMilliHz = (int)body.RefreshMilliHz;
        _surfaces[head.Id].Unheard |= Wishes.Refresh;
        return null;
    }

    private string? OnClose(in MessageHead head, in LinkReader reader)
    {
        if (head.Id >= LinkLimits.Surfaces || !reader.IsDone)
            return "a CLOSE is malformed";
        if (_hub.InCharge == this) // a moment's wish: it isn't kept for later
            _surfaces[head.Id].Unheard |= Wishes.Close;
        return null;
    }

    private string? OnReport(ref LinkReader reader)
    {
        if (!reader.TryTake(out ReportBody body) || body.Rung > (uint)Rung.Direct
            || !reader.TryTakeText(out var reason) || !reader.TryTakeText(out var remedy) || !reader.TryTakeText(out var composited)
            || !reader.TryTakeText(out var syncMode) || !reader.TryTakeText(out var syncReason) || !reader.IsDone)
        {
            return "a REPORT is malformed";
        }

        if (_hub.InCharge != this)
            return null;
        _hub.Statistics.DisplayRung = new RungReport((Rung)body.Rung, reason, remedy);
        _hub.Statistics.CompositedBecause = composited;
        (_hub.Statistics.SyncMode, _hub.Statistics.SyncReason) = (syncMode, syncReason);
        return null;
    }

    private string? OnPolicy(ref LinkReader reader)
    {
        if (!reader.TryTakeText(out var policy) || !reader.TryTakeText(out var reason) || !reader.IsDone)
            return "a POLICY is malformed";
        if (_hub.InCharge == this)
            (_hub.Statistics.Policy, _hub.Statistics.PolicyReason) = (policy, reason);
        return null;
    }

    private string? OnPlacement(ref LinkReader reader)
    {
        if (!reader.TryTakeText(out var placement) || !reader.TryTakeText(out var reason) || !reader.IsDone)
            return "a PLACEMENT is malformed";
        if (_hub.InCharge == this)
            (_hub.Statistics.Placement, _hub.Statistics.PlacementReason) = (placement, reason);
        return null;
    }

    private string? OnTally(ref LinkReader reader)
    {
        if (!reader.TryTakeAll(out TallyBody body) || body.ZeroCopyFrames > LinkLimits.TallyOf || body.CopiedBytes > LinkLimits.TallyOf)
            return "a TALLY is malformed";
        if (_hub.InCharge != this)
            return null;
        _hub.Statistics.ZeroCopyPresented += (long)body.ZeroCopyFrames;
        _hub.Statistics.BytesCopied += (long)body.CopiedBytes;
        return null;
    }

    private string? OnInput(in MessageHead head, ref LinkReader reader)
    {
        Span<InputEvent> frame = stackalloc InputEvent[InputCodes.MaxFrame];
        if (head.Id >= LinkLimits.Surfaces || !reader.TryTake(out InputBody body) || !IsInUse((InputKind)body.Kind) || body.Events is 0 or > InputCodes.MaxFrame)
            return "an INPUT is malformed";
        var count = (int)body.Events;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryTake(out WireInputEvent e))
                return "an INPUT is malformed";
            frame[i] = new InputEvent((InputEventType)e.Type, e.Code, e.Value);
            if (!frame[i].IsKnown)
                return $"an INPUT has an event of type {e.Type}, code {e.Code}";
        }

        if (!reader.IsDone)
            return "an INPUT is malformed";
        if (_hub.InCharge == this)
            _hub.Events.Input((int)head.Id, (InputKind)body.Kind, frame[..count]);
        return null;
    }

    // A keyboard and a pointer may be told of whoever hears it; later kinds only where both sides know them.
    private bool IsInUse(InputKind kind) => kind is InputKind.Keyboard or InputKind.Pointer || (_kinds & kind.AsSet()) != 0;

    private string? OnBye(ref LinkReader reader)
    {
        if (!reader.TryTake(out ByeBody body) || !reader.TryTakeText(out var reason) || !reader.IsDone)
            return "a BYE is malformed";
        OnLost(body.Code == ByeCode.Leaving ? null : $"it says: {reason}", null);
        return null;
    }
}
