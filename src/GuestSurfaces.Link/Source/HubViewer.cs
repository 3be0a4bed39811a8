// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Source;

/// <summary>
/// One viewer of a hub. Sending is bringing it from what it was told to what is: nothing queues. What it says is checked here and passed on only if it is in charge.
/// </summary>
internal sealed partial class HubViewer : ILinkSpeaker
{
    private const int PacketsPerFlush = 4;

    private static readonly int s_frameBytes =
        AnnouncedStorages.MaxBytes + MessageHead.Bytes + Unsafe.SizeOf<FrameBody>() + (LinkLimits.DamageRects * Unsafe.SizeOf<WireRectangle>());

    private static readonly int s_cursorBytes = AnnouncedStorages.MaxBytes + MessageHead.Bytes + Unsafe.SizeOf<CursorBody>();

    private static readonly int s_surfaceBytes = (2 * MessageHead.Bytes) + Unsafe.SizeOf<SurfaceBody>() + LinkText.MaxBytes(LinkLimits.TextBytes);

    private readonly LinkHub _hub;
    private readonly LinkChannel _channel;
    private readonly LoopTimer _helloTimer;
    private readonly ViewerSurface[] _surfaces = new ViewerSurface[LinkLimits.Surfaces];
    private RungReport? _toldReport;
    private InputKinds _kinds; // that both sides know
    private bool _toldControl;
    private bool _isReplayed;
    private bool _isGone;

    /// <summary>Takes in a viewer.</summary>
    /// <param name="hub">Whose.</param>
    /// <param name="timers">For its hello.</param>
    /// <param name="loop">Watches its socket; null in tests.</param>
    /// <param name="socket">Adopted, also on failure.</param>
    public HubViewer(LinkHub hub, TimerQueue timers, EventLoop? loop, UnixSocketHandle socket)
    {
        _hub = hub;
        _channel = new LinkChannel(loop, socket, this);
        Storages = new AnnouncedStorages(hub.ArmFlush);
        _helloTimer = timers.Create(() => OnLost("it didn't say hello", ByeCode.Rule));
        _helloTimer.ArmIn(LinkLimits.HelloNs);
        foreach (ref var surface in _surfaces.AsSpan())
            surface.HasMissedAll = true;
    }

    /// <summary>The storages that it knows.</summary>
    public AnnouncedStorages Storages { get; }

    /// <summary>What it calls itself.</summary>
    public string Name { get; private set; } = "a viewer that hasn't said hello";

    /// <summary>Whether it asked to be in charge.</summary>
    public bool WantsControl { get; private set; }

    private bool IsGreeted => _credit > 0;

    /// <summary>What it was told and what it said about a surface.</summary>
    /// <param name="index">Below <see cref="LinkLimits.Surfaces"/>.</param>
    public ref ViewerSurface Surface(int index) => ref _surfaces[index];

    /// <summary>Whether an answer to a frame can come from it.</summary>
    /// <param name="surface">The frame's.</param>
    /// <param name="serial">The surface's newest frame.</param>
    public bool WillAnswer(int surface, ulong serial) =>
        _surfaces[surface].Outstanding.Contains(serial) || _surfaces[surface].ToldSerial != serial;

    /// <summary>Says hello.</summary>
    /// <param name="name">The guest's.</param>
    /// <param name="takes">What the guest has to type and point with.</param>
    public void Greet(string name, InputKinds takes)
    {
        Hello.Write(_channel.Writer, LinkOpcode.SourceHello, HelloBody.FeaturesOf(takes), wishes: 0, name);
        _ = _channel.Send(); // if not, the hub has heard
    }

    /// <summary>A test's turn of the crank.</summary>
    public void OnReady() => _channel.OnReady(EpollEvents.In | EpollEvents.Out);

    /// <summary>Tells the viewer what it doesn't know yet, as far as its socket and its credit allow.</summary>
    public void Flush()
    {
        for (var packets = 0; packets < PacketsPerFlush; packets++)
        {
            if (_isGone || !IsGreeted || _channel.IsBlocked)
                return;
            var isComplete = Write();
            if (_channel.Writer.Length == 0 || !_channel.Send() || isComplete)
                return;
        }

        _hub.ArmFlush(); // the rest in the loop's next turn
    }

    /// <summary>Ends the connection.</summary>
    /// <param name="code">What to tell the viewer; null if there is nobody.</param>
    /// <param name="reason">In words.</param>
    public void Close(ByeCode? code, string reason)
    {
        if (_isGone)
            return;
        _isGone = true;
        _helloTimer.Cancel();
        if (code is { } bye)
            _channel.SayBye(LinkOpcode.SourceBye, bye, reason);
        _channel.Dispose();
    }

    /// <inheritdoc/>
    public void OnWritable() => _hub.ArmFlush();

    /// <inheritdoc/>
    public void OnLost(string? why, ByeCode? code) => _hub.Remove(this, why, code);

    /// <summary>Writes what the viewer doesn't know.</summary>
    /// <returns>False if something didn't fit.</returns>
    private bool Write()
    {
        var writer = _channel.Writer;
        writer.Clear();
        var isInCharge = _hub.InCharge == this;
        if (isInCharge != _toldControl)
        {
            _toldControl = isInCharge;
            writer.Write(LinkOpcode.Control, 0, new ControlBody { IsInCharge = isInCharge ? 1u : 0 });
        }

        if (!Equals(_toldReport, _hub.Statistics.SourceRung))
        {
            _toldReport = _hub.Statistics.SourceRung;
            writer.Begin(LinkOpcode.SourceReport);
            writer.Put(new ReportBody { Rung = (uint)_toldReport.Rung });
            writer.PutText(_toldReport.Reason);
            writer.PutText(_toldReport.Remedy);
            writer.End();
        }

        if (!Storages.WriteDrops(writer))
            return false;
        for (var i = 0; i < LinkLimits.Surfaces; i++)
        {
            if (!WriteSurface(i, ref _surfaces[i], in _hub.Surface(i)))
                return false;
        }

        if (!_isReplayed && writer.HasRoom(MessageHead.Bytes))
        {
            _isReplayed = true;
            writer.Write(LinkOpcode.Replayed);
        }

        return _isReplayed;
    }

    private bool WriteSurface(int index, ref ViewerSurface told, in HubSurface surface)
    {
        var writer = _channel.Writer;
        if (surface.Content == SurfaceContent.None && told.Told == SurfaceContent.None)
            return true;
        if (!writer.HasRoom(s_surfaceBytes))
            return false;
        if (surface.Content == SurfaceContent.None)
        {
            writer.Write(LinkOpcode.SurfaceGone, (uint)index);
            (told.Told, told.ToldSerial, told.ToldCursor) = (SurfaceContent.None, 0, 0);
            return true;
        }

        if (told.Told == SurfaceContent.None)
        {
            told.Told = SurfaceContent.Empty;
            writer.Begin(LinkOpcode.Surface, (uint)index);
            writer.Put(new SurfaceBody { Role = SurfaceBody.Output, Parent = SurfaceBody.NoParent });
            writer.PutText(_hub.Name);
            writer.End();
        }

        if (surface.Content == SurfaceContent.Black && told.Told != SurfaceContent.Black)
        {
            told.Told = SurfaceContent.Black;
            writer.Write(LinkOpcode.Blank, (uint)index);
        }

        return (surface.Content != SurfaceContent.Frame || WriteFrame(index, ref told, in surface.Newest)) && WriteCursor(index, ref told, in surface);
    }

    private bool WriteFrame(int index, ref ViewerSurface told, in GuestFrame frame)
    {
        if (told.Told == SurfaceContent.Frame && told.ToldSerial == frame.Serial)
            return true;
        if (told.Outstanding.Count >= _credit)
            return true; // its answer brings us back
        var writer = _channel.Writer;
        if (!writer.HasRoom(s_frameBytes, PlaneLayouts.MaxPlanes + 1))
            return false;
        if (Storages.TryAnnounce(frame.Storage, writer) is not { } storage)
            return true; // it has to give some back first
        var view = Storages.Announce(storage, frame.View, writer);
        var all = frame.View.Size.Whole;
        var damage = default(DamageList);
        if (told.HasMissedAll || told.Told != SurfaceContent.Frame)
            damage.Add(all);
        for (var i = 0; i < told.Missed.Count; i++)
            damage.Add(told.Missed[i].Intersect(all)); // a frame in between may have been larger

        writer.Begin(LinkOpcode.Frame, (uint)index);
        writer.Put(new FrameBody
        {
            View = view,
            Flags = (frame.FlipY ? FrameBody.BottomUp : 0) | (frame.Acquire.IsSignalled ? 0 : FrameBody.HasFence) | (frame.Awaited ? FrameBody.Awaited : 0),
            Crop = Rectangle(frame.Source),
            Serial = frame.Serial,
            PoppedNs = (ulong)frame.PoppedNs,
            TargetNs = (ulong)frame.TargetNs,
            DamageRects = (uint)damage.Count,
        });
        for (var i = 0; i < damage.Count; i++)
            writer.Put(Rectangle(damage[i]));
        writer.End();
        if (frame.Acquire.Fence is { } fence)
            writer.PutFd(fence);

        storage.Lock();
        told.Outstanding.Add(frame.Serial);
        (told.Told, told.ToldSerial, told.HasMissedAll) = (SurfaceContent.Frame, frame.Serial, false);
        told.Missed.Clear();
        return true;
    }

    private bool WriteCursor(int index, ref ViewerSurface told, in HubSurface surface)
    {
        var writer = _channel.Writer;
        if (told.ToldCursor != surface.CursorVersion)
        {
            if (!writer.HasRoom(s_cursorBytes, PlaneLayouts.MaxPlanes))
                return false;
            var body = new CursorBody { HotX = surface.Cursor.HotX, HotY = surface.Cursor.HotY, X = surface.CursorX, Y = surface.CursorY };
            if (surface.Cursor.Storage is { } pixels)
            {
                if (Storages.TryAnnounce(pixels, writer) is not { } storage)
                    return true;
                body.View = Storages.AnnounceCursor(storage, surface.Cursor.Size, writer);
                storage.Lock();
            }

            writer.Write(LinkOpcode.Cursor, (uint)index, body);
        }
        else if (told.ToldX != surface.CursorX || told.ToldY != surface.CursorY)
        {
            if (!writer.HasRoom(s_cursorBytes))
                return false;
            writer.Write(LinkOpcode.CursorAt, (uint)index, new CursorAtBody { X = surface.CursorX, Y = surface.CursorY });
        }

        (told.ToldCursor, told.ToldX, told.ToldY) = (surface.CursorVersion, surface.CursorX, surface.CursorY);
        return true;
    }

    private static WireRectangle Rectangle(BufferRect rect) => new() { X = rect.X, Y = rect.Y, Width = rect.Width, Height = rect.Height };
}
