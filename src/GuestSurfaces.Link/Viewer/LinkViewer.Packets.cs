// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Link.Viewer;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link;

/// <summary>What the source says.</summary>
public sealed partial class LinkViewer
{
    string? ILinkSpeaker.OnPacket(ReadOnlySpan<byte> packet, DescriptorQueue fds)
    {
        var reader = new LinkReader(packet);
        while (reader.TryNext(out var head))
        {
            var why = _isGreeted ? Handle(in head, ref reader, fds) : OnHello(in head, ref reader);
            if (why is not null)
                return why;
            if (_channel is null)
                return null; // it said goodbye, or the display ended us
        }

        return reader.IsMalformed ? "its packet ends in something that is no message" : null;
    }

    private string? OnHello(in MessageHead head, ref LinkReader reader)
    {
        if (head.Opcode == LinkOpcode.SourceBye)
            return OnBye(ref reader);
        if (Hello.Read(in head, LinkOpcode.SourceHello, ref reader, out var hello, out var name, out var code) is { } why)
        {
            OnLost(why, code);
            return null;
        }

        SourceName = name;
        SourceTakes = HelloBody.KindsOf(hello.Features);
        _isGreeted = true;
        _hello.Cancel();
        ArmFlush();
        Greeted?.Invoke();
        return null;
    }

    private string? Handle(in MessageHead head, ref LinkReader reader, DescriptorQueue fds) => head.Opcode switch
    {
        LinkOpcode.StorageAdd => reader.TryTakeAll(out StorageAddBody body) ? _storages.Add(head.Id, in body, fds) : "a STORAGE_ADD is malformed",
        LinkOpcode.StorageDrop => reader.IsDone ? _storages.Drop(head.Id) : "a STORAGE_DROP is malformed",
        LinkOpcode.ViewAdd => OnViewAdd(in head, ref reader),
        LinkOpcode.ViewDrop => reader.IsDone ? _storages.DropView(head.Id) : "a VIEW_DROP is malformed",
        LinkOpcode.Surface => OnSurface(in head, ref reader),
        LinkOpcode.SurfaceGone => OnSurfaceGone(in head, in reader),
        LinkOpcode.Frame => OnFrame(in head, ref reader, fds),
        LinkOpcode.Blank => OnBlank(in head, in reader),
        LinkOpcode.Cursor => OnCursor(in head, ref reader),
        LinkOpcode.CursorAt => OnCursorAt(in head, ref reader),
        LinkOpcode.SourceReport => OnReport(ref reader),
        LinkOpcode.Control => OnControl(ref reader),
        LinkOpcode.Replayed => OnReplayed(in reader),
        LinkOpcode.SourceBye => OnBye(ref reader),
        _ => LinkOpcodes.IsSkippable(head.Opcode) ? null : $"opcode 0x{(ushort)head.Opcode:x4} is not a source's",
    };

    private string? OnViewAdd(in MessageHead head, ref LinkReader reader)
    {
        Span<ViewPlane> planes = stackalloc ViewPlane[PlaneLayouts.MaxPlanes];
        if (!reader.TryTake(out ViewAddBody body))
            return "a VIEW_ADD is malformed";
        foreach (ref var plane in planes)
        {
            if (!reader.TryTake(out plane))
                return "a VIEW_ADD is malformed";
        }

        return reader.IsDone ? _storages.AddView(head.Id, in body, planes) : "a VIEW_ADD is malformed";
    }

    private string? OnSurface(in MessageHead head, ref LinkReader reader)
    {
        if (!reader.TryTake(out SurfaceBody body) || !reader.TryTakeText(out _) || !reader.IsDone)
            return "a SURFACE is malformed";
        if (head.Id >= LinkLimits.Surfaces || body.Role != SurfaceBody.Output || body.Parent != SurfaceBody.NoParent)
            return $"surface {head.Id} has role {body.Role}, which version 1 doesn't know";
        _surfaces[head.Id].IsAnnounced = true;
        return null;
    }

    private string? OnSurfaceGone(in MessageHead head, in LinkReader reader)
    {
        if (!IsSurface(head.Id) || !reader.IsDone)
            return $"a SURFACE_GONE names surface {head.Id}";
        (_surfaces[head.Id].IsAnnounced, _surfaces[head.Id].IsStale) = (false, true);
        TakeAway((int)head.Id);
        return null;
    }

    private string? OnFrame(in MessageHead head, ref LinkReader reader, DescriptorQueue fds)
    {
        if (!IsSurface(head.Id) || !reader.TryTake(out FrameBody body) || body.DamageRects > LinkLimits.DamageRects)
            return $"a FRAME for surface {head.Id} is malformed";
        ref var surface = ref _surfaces[head.Id];
        if (body.Serial <= surface.LastSerial || body.Serial > long.MaxValue)
            return $"frame {body.Serial} comes after {surface.LastSerial}: serials rise";
        if (surface.Answers.Count >= _options.Credit)
            return $"frame {body.Serial} is more than the credit of {_options.Credit}";
        if (_storages.FindView(body.View) is not { } view)
            return $"frame {body.Serial} has view {body.View}, which isn't there";
        var all = view.View.Size.Whole;
        var crop = Rectangle(in body.Crop);
        if (crop.IsEmpty || !all.Contains(crop))
            return $"frame {body.Serial} shows {crop} of {all.Size}";
        var damage = default(DamageList);
        for (var i = 0; i < body.DamageRects; i++)
        {
            if (!reader.TryTake(out WireRectangle rect))
                return $"frame {body.Serial} lacks damage";
            damage.Add(Rectangle(in rect).Intersect(all));
        }

        if (!reader.IsDone)
            return $"frame {body.Serial} is longer than it says";
        var acquire = SyncPoint.Signalled;
        if ((body.Flags & FrameBody.HasFence) != 0)
        {
            var fd = fds.TryTake();
            if (fd?.GetKind() != FileKind.SyncFile)
            {
                fd?.Dispose();
                return $"the fence of frame {body.Serial} is no sync_file";
            }

            acquire = SyncPoint.FromFence(fd.Take<SyncFileHandle>());
        }

        if (surface.IsStale)
            damage.Add(all);
        (surface.LastSerial, surface.IsStale) = (body.Serial, false);
        view.Storage.Lock();
        Show((int)head.Id, ref surface, body.Serial, new GuestFrame
        {
            Storage = view.Storage.Pixels,
            View = view.View,
            Source = crop,
            Damage = damage,
            FlipY = (body.Flags & FrameBody.BottomUp) != 0,
            Acquire = acquire,
            Serial = ++_lastLocal,
            TargetNs = (long)Math.Min(body.TargetNs, long.MaxValue),
            PoppedNs = (long)Math.Min(body.PoppedNs, long.MaxValue),
            Awaited = (body.Flags & FrameBody.Awaited) != 0,
        });
        return null;
    }

    private void Show(int index, ref ShownSurface surface, ulong serial, in GuestFrame frame)
    {
        if (Display is { } display)
        {
            surface.Answers.Add(frame.Serial, serial);
            surface.Presentations.Add(frame.Serial, serial);
            surface.IsShown = true;
            display.Present(index, in frame);
            return;
        }

        if (surface.Answers.SupersedeAll())
            ArmFlush();
        surface.Answers.Add(frame.Serial, serial);
        frame.Acquire.Fence?.Dispose();
        frame.Storage.Unlock();
    }

    private string? OnBlank(in MessageHead head, in LinkReader reader)
    {
        if (!IsSurface(head.Id) || !reader.IsDone)
            return $"a BLANK names surface {head.Id}";
        (_surfaces[head.Id].IsStale, _surfaces[head.Id].IsShown) = (true, true);
        Display?.Blank((int)head.Id);
        return null;
    }

    private string? OnCursor(in MessageHead head, ref LinkReader reader)
    {
        if (!IsSurface(head.Id) || !reader.TryTakeAll(out CursorBody body))
            return $"a CURSOR for surface {head.Id} is malformed";
        var image = default(CursorImage);
        if (body.View != 0)
        {
            if (_storages.FindView(body.View) is not { } view)
                return $"a cursor has view {body.View}, which isn't there";
            var size = view.View.Size;
            if (view.Storage.Pixels.IsDmabuf || view.View.Format != DrmFormat.Argb8888 || view.View.Plane(0) != new PlaneLayout(0, 0, (uint)size.Width * 4)
                || size.Width > LinkLimits.CursorSide || size.Height > LinkLimits.CursorSide)
            {
                return $"no cursor looks like this: {view.View}";
            }

            if (Display is not null)
                view.Storage.Lock();
            image = new CursorImage(view.Storage.Pixels, size, body.HotX, body.HotY);
        }

        _surfaces[head.Id].IsShown = true;
        Display?.SetCursor((int)head.Id, in image, body.X, body.Y);
        return null;
    }

    private string? OnCursorAt(in MessageHead head, ref LinkReader reader)
    {
        if (!IsSurface(head.Id) || !reader.TryTakeAll(out CursorAtBody body))
            return $"a CURSOR_AT for surface {head.Id} is malformed";
        Display?.MoveCursor((int)head.Id, body.X, body.Y);
        return null;
    }

    private string? OnReport(ref LinkReader reader)
    {
        if (!reader.TryTake(out ReportBody body) || body.Rung > (uint)Rung.Direct || !reader.TryTakeText(out var reason) || !reader.TryTakeText(out var remedy) || !reader.IsDone)
            return "a REPORT is malformed";
        _statistics.SourceRung = new RungReport((Rung)body.Rung, reason, remedy);
        return null;
    }

    private string? OnControl(ref LinkReader reader)
    {
        if (!reader.TryTakeAll(out ControlBody body) || body.IsInCharge > 1)
            return "a CONTROL is malformed";
        IsInCharge = body.IsInCharge == 1;
        if (!IsInCharge)
            ForgetInput();
        _toldReport = null; // it counts from now on
        (_toldZeroCopy, _toldCopied) = (_statistics.ZeroCopyPresented, _statistics.BytesCopied);
        ArmFlush();
        return null;
    }

    /// <summary>What an earlier connection left and this one doesn't have goes.</summary>
    private string? OnReplayed(in LinkReader reader)
    {
        if (!reader.IsDone)
            return "a REPLAYED is malformed";
        for (var i = 0; i < _surfaces.Length && _channel is not null; i++)
        {
            if (!_surfaces[i].IsAnnounced)
                TakeAway(i);
        }

        Replayed?.Invoke();
        return null;
    }

    private string? OnBye(ref LinkReader reader)
    {
        if (!reader.TryTake(out ByeBody body) || !reader.TryTakeText(out var reason) || !reader.IsDone)
            return "a BYE is malformed";
        OnLost(body.Code == ByeCode.Leaving ? null : $"it says: {reason}", null);
        return null;
    }

    private void TakeAway(int index)
    {
        ref var surface = ref _surfaces[index];
        if (surface.IsShown)
        {
            surface.IsShown = false;
            Display?.Disable(index);
        }

        if (surface.Answers.SupersedeAll())
            ArmFlush();
    }

    private bool IsSurface(uint id) => id < LinkLimits.Surfaces && _surfaces[id].IsAnnounced;

    private static BufferRect Rectangle(in WireRectangle rect) => new(rect.X, rect.Y, rect.Width, rect.Height);
}
