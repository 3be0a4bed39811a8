// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Cursors;
using GuestSurfaces.Presentation.Frames;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Presentation.Policies;
using GuestSurfaces.Presentation.Roles;
using GuestSurfaces.Presentation.Sync;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// One scanout's window on one connection: takes frames out of the scanout's mailbox when the compositor is ready for one, and brings each to
/// the screen in one commit. The picture is on the surface that has the role; bars, cursor, veil and notice are subsurfaces of it.
/// <para>
/// A frame is committed when the window is configured, its wl_buffer is there, and the frame callback of the commit before has come. While a
/// window is hidden none comes: frames replace each other in the mailbox, and the session's timer answers the guest. Only the guest's own pages don't stay on it: it may
/// draw into them by then, so what waits takes their place without a callback, if more seldom.
/// </para>
/// </summary>
internal sealed class ScanoutWindow : ISurfaceRoleOwner, ISurfaceBufferUser, IFeedbackOwner, IWlCallbackListener, IWlSurfaceListener
{
    // What the GPU draws into: opaque, and known to every driver.
    private static readonly DrmFormat[] s_targetFormats = [DrmFormat.Xrgb8888, DrmFormat.Xbgr8888];

    // Long enough to be read twice; the title says it all the time.
    private const long NoticeNs = 5_000_000_000;

    // A refresh that takes longer than this is none: six of the usual ones.
    private const long OverdueNs = 100_000_000;

    // A compositor that shows it no more may do the same to the next one.
    private const long LostNs = 500_000_000;

    private readonly Compositor _compositor;
    private readonly IScanout _scanout;
    private readonly WlSurface _surface;
    private readonly Viewport _viewport;
    private readonly WindowPlace _place;
    private readonly SurfaceRole _role;
    private readonly Bars _bars;
    private readonly CursorOverlay _cursor;
    private readonly Veil _veil;
    private readonly Notice _notice;
    private readonly LoopTimer _noticeTimer;
    private readonly LoopTimer _overdueTimer;
    private readonly LoopTimer _lostTimer;
    private readonly FeedbackTracker _feedback;
    private readonly SurfaceFeedback _dmabufs;
    private readonly FrameLoader _loader;
    private readonly ISurfaceSync _sync;
    private readonly SurfacePolicy _policy;
    private readonly AcquireWait _acquire;
    private readonly WlRegion _opaque = new();
    private readonly WlCallback _frameCallback;
    private readonly WlCallback _cursorCallback;
    private WindowSizing _sizing;
    private WindowLayout _layout;
    private PixelGrid _shown;
    private BufferSize _picture;
    private BufferSize _attachedSize;
    private BufferRect _attachedSource;
    private BufferRect _frameSource;
    private SurfaceSize _opaqueSize;
    private SurfaceBuffer? _attached;
    private SyncPoint _acquired;
    private BufferSize _wanted;
    private SurfaceScale _scale;
    private long _committedNs;
    private bool _showsPages;
    private bool _isFlipped;
    private (SurfaceSize Size, WindowStates States) _order;
    private RoleChoice _choice;
    private bool _isFullscreen;
    private bool _coversMonitor;
    private bool _isLost;
    private bool _isOrphan;
    private bool _isGrabbed;
    private bool _hasNotice;
    private bool _cursorChanged;
    private bool _isCommitting;
    private bool _isClosed;

    /// <summary>Makes the window; it shows with the first frame.</summary>
    /// <param name="compositor">The connection, set up.</param>
    /// <param name="scanout">What it shows.</param>
    /// <param name="choice">What it is to the desktop.</param>
    public ScanoutWindow(Compositor compositor, IScanout scanout, in RoleChoice choice)
    {
        _compositor = compositor;
        _scanout = scanout;
        _choice = choice;
        _frameCallback = new WlCallback { Listener = this };
        _cursorCallback = new WlCallback { Listener = this };
        _feedback = new FeedbackTracker(compositor, this);
        _loader = new FrameLoader(compositor, this, scanout.Options, scanout.Statistics, PreferredTargets, () => Pump());
        _surface = compositor.Surfaces.CreateSurface();
        _surface.Listener = this;
        _dmabufs = new SurfaceFeedback(compositor, _surface, OnDmabufsChanged);
        _sync = compositor.Sync.CreateFor(_surface);
        _policy = new SurfacePolicy(compositor.Policies, scanout.Options.Policy, _surface, compositor.Clock);
        _acquire = new AcquireWait(compositor.DmabufSync, PumpAndFlush);
        _viewport = new Viewport(compositor.Viewporter, _surface);
        _sizing = new WindowSizing { IsFollowed = scanout.Options.ResizeGuest && CanScale };
        _place = new WindowPlace(compositor, _surface, OnPlaced);
        _bars = new Bars(compositor, _surface);
        _cursor = new CursorOverlay(compositor, _surface);
        _veil = new Veil(compositor, _surface);
        _notice = new Notice(compositor, _surface, scanout.Options.GrabChord.ToString());
        _noticeTimer = compositor.Timers.Create(OnNoticeRead);
        _overdueTimer = compositor.Timers.Create(PumpAndFlush);
        _lostTimer = compositor.Timers.Create(OnStillLost);
        _cursorChanged = true;
        _role = compositor.Roles.Create(in choice, _surface, scanout, this);
    }

    /// <summary>Whether it shows something.</summary>
    public bool IsMapped { get; private set; }

    DmabufFeedback ISurfaceBufferUser.Feedback => _dmabufs.Current;

    private bool CanScale => _compositor.Viewporter is not null;

    /// <summary>Commits the waiting frame if it can be committed now.</summary>
    /// <returns>Whether it was.</returns>
    public bool Pump()
    {
        var mailbox = _scanout.Mailbox;
        if (_isClosed || _isCommitting || !_role.IsConfigured || !mailbox.HasPending || (_frameCallback.IsAlive && !_policy.IsUnpaced(in mailbox.Pending) && !IsOverdue()))
            return false;

        // Unlocking and telling may bring the next frame right away: it waits its turn.
        _isCommitting = true;
        var serial = mailbox.Pending.Serial;
        var result = TryCommitFrame(out var report);
        if (result == LoadResult.Hold)
            mailbox.Hold();
        if (result == LoadResult.Refused)
        {
            _shown = default; // the next frame's damage won't tell what this one changed
            _scanout.TellRefused(mailbox.Pending.Storage, report);
            if (mailbox.HasPending && mailbox.Pending.Serial == serial)
                mailbox.DropPending();
        }

        // Another may wait by now, which came meanwhile or stood behind it.
        _isCommitting = false;
        return result == LoadResult.Refused ? Pump() : result == LoadResult.Ready;
    }

    /// <summary>Turns the window black until the next frame. Only once it is mapped.</summary>
    public void Blank()
    {
        if (_compositor.Black.Get(_picture, out var size) is not { } black)
            return;
        _attached = null;
        _showsPages = false;
        _attachedSize = size;
        _attachedSource = size.Whole;
        _shown = default; // the next frame replaces all of it
        _isOrphan = false;
        Arrange();
        _sync.AttachOther();
        _surface.Attach(black, 0, 0);
        SurfaceDamage.Whole(_surface, size);
        _surface.Commit();
    }

    /// <summary>The cursor has changed. Shown at once, but not more often than the screen refreshes.</summary>
    public void ShowCursor()
    {
        _cursorChanged = true;
        if (!IsMapped || PointersShowCursor() || _cursorCallback.IsAlive || !ArrangeOverlay())
            return;
        _surface.Frame(_cursorCallback);
        _surface.Commit();
    }

    /// <summary>The scanout has another title.</summary>
    public void ShowTitle() => _role.SetTitle(_isGrabbed ? $"{_scanout.Title} - {_scanout.Options.GrabChord} releases keyboard and mouse" : _scanout.Title);

    /// <summary>Whoever sent the picture is gone. One that isn't committed yet will say so when it is.</summary>
    public void ShowDisconnected()
    {
        if (!IsMapped)
            return;
        _isOrphan = true;
        Arrange();
        _surface.Commit();
    }

    /// <summary>The guest has keyboard and mouse for itself, or hasn't any more: said in the title, and at first in the picture, as not every window has one.</summary>
    /// <param name="isHeld">Which of both.</param>
    public void ShowGrab(bool isHeld)
    {
        if (isHeld == _isGrabbed)
            return;
        _isGrabbed = isHeld;
        ShowTitle();
        if (isHeld)
            _noticeTimer.ArmIn(NoticeNs);
        else
            _noticeTimer.Cancel();
        SetNotice(isHeld);
    }

    /// <summary>It is to be something else to the desktop, or elsewhere.</summary>
    /// <param name="choice">What and where.</param>
    /// <returns>False: that takes another surface.</returns>
    public bool TryPlace(in RoleChoice choice)
    {
        if (_isLost || !_choice.CanBecome(in choice))
            return false;
        _choice = choice;
        (_role as ToplevelRole)?.Place(in choice);
        CountPlacement();
        return true;
    }

    /// <summary>What it shows, as a frame for the window that takes its place. Nobody waits for its answer: it has serial 0.</summary>
    /// <param name="frame">With a lock and a fence of its own. What the guest draws into it meanwhile, if it has it back already, is replaced by its next frame.</param>
    /// <returns>False: it shows nothing.</returns>
    public bool TryRepeat(out GuestFrame frame)
    {
        frame = default;
        if (_attached is not { Storage.IsClosed: false } shown)
            return false;
        shown.Storage.Lock();
        var acquire = _acquired.Fence is { } fence && !fence.Wait(0) ? SyncPoint.FromFence(fence.Duplicate<SyncFileHandle>()) : SyncPoint.Signalled;
        frame = new GuestFrame { Storage = shown.Storage, View = shown.View, Source = _frameSource, FlipY = _isFlipped, Damage = DamageList.Of(_frameSource), Acquire = acquire };
        return true;
    }

    /// <summary>Monitors have changed, or are gone.</summary>
    public void OnOutputsChanged()
    {
        _place.ForgetGone();
        OnPlaced();
    }

    /// <summary>How large the picture is on a surface; null if it isn't on that.</summary>
    /// <param name="surface">Any of the connection's.</param>
    public SurfaceSize? SizeOn(WlSurface surface) => IsMapped && surface == _surface ? _layout.Content.Size : null;

    /// <summary>Destroys the window: what stands on the surface, then its role, then itself. Its wl_buffers go when the compositor gives them back.</summary>
    public void Destroy()
    {
        Forget();
        _feedback.Forget();
        _compositor.Seats?.Leave(_surface);
        _notice.Destroy();
        _veil.Destroy();
        _cursor.Destroy();
        _bars.Destroy();
        _place.Destroy();
        _viewport.Destroy();
        _dmabufs.Destroy();
        _role.Destroy();
        _sync.Destroy();
        _policy.Destroy();
        _surface.Destroy();
        _compositor.Buffers.RetireAll(this);
    }

    /// <summary>The connection is gone: nothing is left to destroy.</summary>
    public void Forget()
    {
        if (_isClosed)
            return;
        _scanout.Mailbox.KeepsEach = false;
        _isClosed = true; // callbacks and releases that are on their way still come, but the scanout's frames are another window's now
        _noticeTimer.Cancel();
        _overdueTimer.Cancel();
        _lostTimer.Cancel();
        _loader.Close();
        _acquire.Stop();
        _acquired.Fence?.Dispose();
        _acquired = SyncPoint.Signalled;
    }

    void ISurfaceRoleOwner.OnConfigured(SurfaceSize size, WindowStates states)
    {
        _sizing.Configure(size, states, _compositor.Clock.NowNs);
        var order = (size, states & WindowStates.Ordered);
        var isAnotherOrder = order != _order;
        _order = order;
        _isFullscreen = (states & WindowStates.Fullscreen) != 0;
        _coversMonitor = (states & (WindowStates.Fullscreen | WindowStates.Covering)) != 0;
        var wasMapped = IsMapped;
        TellMode();

        // A configure event is answered by a commit: the frame's, or one that only moves things.
        if (!Pump() && wasMapped && !_isClosed)
        {
            if (isAnotherOrder)
                Reattach();
            Arrange();
            _surface.Commit();
        }
    }

    void ISurfaceRoleOwner.OnCloseWanted() => _scanout.TellCloseWanted();

    void ISurfaceRoleOwner.OnLost()
    {
        _isLost = true;
        if (!_isClosed)
            _lostTimer.ArmIn(LostNs); // unless monitors change before
    }

    void ISurfaceBufferUser.OnBufferChanged(SurfaceBuffer buffer) => Pump();

    void IFeedbackOwner.OnPresented(ulong serial, in FramePresentation presentation)
    {
        if (_place.TakeRefresh(presentation.RefreshNs))
            OnPlaced();
        if (presentation.IsZeroCopy)
            _scanout.Statistics.ZeroCopyPresented++;
        _scanout.TellPresented(serial, in presentation);
        _scanout.Mailbox.Latch(serial, presentation.TimeNs);
    }

    void IFeedbackOwner.OnDiscarded(ulong serial) => _scanout.Mailbox.Discard(serial);

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData)
    {
        if (sender == _frameCallback && !_isClosed)
        {
            _scanout.Mailbox.Latch(_scanout.Mailbox.Committed, _compositor.Clock.NowNs);
            Pump();
        }

        if (_cursorChanged && !_isClosed)
            ShowCursor();
    }

    void IWlSurfaceListener.OnEnter(WlSurface sender, WlOutput? output)
    {
        _place.Enter(output);
        OnPlaced();
    }

    void IWlSurfaceListener.OnLeave(WlSurface sender, WlOutput? output)
    {
        _place.Leave(output);
        OnPlaced();
    }

    void IWlSurfaceListener.OnPreferredBufferScale(WlSurface sender, int factor) => _place.Prefer(factor);

    /// <summary>On another monitor, at another scale, or the monitor has changed.</summary>
    private void OnPlaced()
    {
        if (_isClosed)
            return;
        if (_place.RefreshMilliHz is > 0 and var refresh)
            _scanout.TellRefresh(refresh);
        if (_place.Scale is var scale && scale != _scale)
        {
            _scale = scale;
            _sizing.Rescale(scale, _compositor.Clock.NowNs);
            TellMode();
            if (IsMapped)
            {
                Arrange();
                _surface.Commit();
            }
        }
        else
        {
            TellMode();
        }
    }

    /// <summary>Says which mode the guest should have, if it is to follow the window. A monitor that is covered has its own mode, to the pixel.</summary>
    private void TellMode()
    {
        if (!_sizing.IsFollowed)
            return;
        if (_sizing.Wanted is { Width: > 0, Height: > 0 } wanted)
            _wanted = _coversMonitor && _place.Output is { Mode: var mode } && IsNear(wanted, mode) ? mode : wanted;
        else if (_wanted != _picture)
            _wanted = default; // the guest has chosen another one since: it keeps that
        var told = _place.ModeOf(_wanted);
        if (_wanted != default || _place.Output is not null)
            _scanout.TellModeWanted(in told);
    }

    private static bool IsNear(BufferSize a, BufferSize b) => Math.Abs(a.Width - b.Width) <= 1 && Math.Abs(a.Height - b.Height) <= 1;

    private void PumpAndFlush()
    {
        if (Pump())
            _compositor.Flush();
    }

    /// <summary>Whether a frame may be committed though nothing tells that the one before was taken. If not yet, it is tried again by itself.</summary>
    private bool IsOverdue()
    {
        if (!_showsPages)
            return false;
        var dueNs = _committedNs + OverdueNs;
        if (_compositor.Clock.NowNs >= dueNs)
            return true;
        if (!_overdueTimer.IsArmed)
            _overdueTimer.ArmAt(dueNs);
        return false;
    }

    private IReadOnlyList<DmabufTarget> PreferredTargets() => _dmabufs.Current.PickTargets(s_targetFormats, _isFullscreen);

    private void OnDmabufsChanged()
    {
        _compositor.Buffers.ForgetFailures();
        _scanout.TellDisplayChanged();
    }

    private LoadResult TryCommitFrame(out RungReport report)
    {
        var mailbox = _scanout.Mailbox;
        ref var pending = ref mailbox.Pending;
        var grid = new PixelGrid(pending.View.Size, pending.Source, pending.FlipY);
        pending.Damage = grid == _shown ? Inside(in pending.Damage, pending.Source) : DamageList.Of(pending.Source);
        report = _scanout.Statistics.DisplayRung;
        if (!pending.Storage.IsDmabuf && !_acquire.IsOver(ref pending.Acquire))
            return LoadResult.Hold; // a CPU reads it
        var result = _loader.Load(ref pending, out var buffer, out report);
        if (result != LoadResult.Ready)
            return result;
        if (!pending.Acquire.IsSignalled && !_sync.CanWaitFor(buffer!, ref pending) && !_acquire.IsOver(ref pending.Acquire))
            return LoadResult.Hold;

        var frame = mailbox.Take();
        _shown = grid;
        _picture = grid.Source.Size;
        _isOrphan = _scanout.IsOrphan(frame.Serial);
        _policy.Prepare(in frame, _isFullscreen, isOverdue: _frameCallback.IsAlive);
        mailbox.KeepsEach = _policy.Report.Policy == FlipPolicy.Fifo;
        Attach(in frame, buffer!);
        Arrange();
        if (!_frameCallback.IsAlive)
            _surface.Frame(_frameCallback); // else the one of before tells of this commit, too
        _feedback.Ask(_surface, frame.Serial);
        _surface.Commit();
        if (!IsMapped)
        {
            IsMapped = true;
            TellMode(); // the first picture's size is known now
            _scanout.TellMapped();
        }

        _committedNs = _compositor.Clock.NowNs;
        _showsPages = report.Rung == Rung.Direct;
        _scanout.Statistics.DisplayRung = report;
        CountPlacement();
        _scanout.Statistics.Policy = _policy.Report.Name;
        _scanout.Statistics.PolicyReason = _policy.Report.Reason;
        _scanout.Statistics.SyncMode = _compositor.Sync.Report.Mode.Name();
        _scanout.Statistics.SyncReason = _compositor.Sync.Report.Reason;
        _scanout.Statistics.CompositedBecause = _dmabufs.CompositedBecause(buffer!, _isFullscreen);
        mailbox.TellCommitted(frame.Serial);
        return LoadResult.Ready;
    }

    private void Attach(in GuestFrame frame, SurfaceBuffer buffer)
    {
        _frameSource = frame.Source;
        var source = frame.Source.Offset(-buffer.Covers.X, -buffer.Covers.Y);
        _attachedSize = buffer.Covers.Size;
        _attachedSource = frame.FlipY ? source with { Y = _attachedSize.Height - source.Bottom } : source; // cropped after the transform
        if (frame.FlipY != _isFlipped)
        {
            _isFlipped = frame.FlipY;
            _surface.SetBufferTransform(_isFlipped ? WlOutputTransform.Flipped180 : WlOutputTransform.Normal);
        }

        if (frame.Damage.IsEmpty && buffer == _attached)
        {
            frame.Storage.Unlock(); // what is attached already is this very picture: only the answer is wanted
            frame.Acquire.Fence?.Dispose();
            return;
        }

        _attached = buffer;
        _acquired.Fence?.Dispose();
        _acquired = frame.Acquire; // for whatever shows this picture once more
        _sync.Attach(buffer, in frame);
        _surface.Attach(buffer.Proxy, 0, 0);
        if (frame.Damage.IsEmpty)
            SurfaceDamage.Whole(_surface, _attachedSize); // another buffer without damage: compositors may go on showing the old one
        else
            SurfaceDamage.Send(_surface, in frame.Damage, buffer.Covers);
    }

    /// <summary>
    /// Attaches once more what the compositor has. Weston 10 takes a commit without a buffer for no answer to its configure event once it has drawn from the one before.
    /// A buffer that is back already may be drawn into: that one isn't lent again.
    /// </summary>
    private void Reattach()
    {
        if (_attached is not { IsBusy: true } shown)
            return;
        shown.Storage.Lock();
        _sync.Attach(shown, new GuestFrame { Storage = shown.Storage, Acquire = _acquired });
        _surface.Attach(shown.Proxy, 0, 0);
        SurfaceDamage.Whole(_surface, _attachedSize);
    }

    /// <summary>Lays out everything around what is attached. Counts with the next commit.</summary>
    private void Arrange()
    {
        var layout = _sizing.Arrange(_picture, CanScale, _bars.IsPossible && _role.MayHaveBars, _compositor.Clock.NowNs);
        var content = layout.Content;
        _viewport.Set(_attachedSize, _attachedSource, content.Size);
        _bars.Arrange(in layout);
        _role.SetLimits(_scale.ToUnits(_picture), CanScale);
        _role.SetGeometry(new SurfaceRect(-content.X, -content.Y, layout.Window.Width, layout.Window.Height));
        if (content.Size != _opaqueSize)
        {
            _opaqueSize = content.Size;
            _compositor.Surfaces.CreateRegion(_opaque);
            _opaque.Add(0, 0, content.Width, content.Height);
            _surface.SetOpaqueRegion(_opaque);
            _opaque.Destroy();
        }

        if (_cursorChanged || layout != _layout)
        {
            _layout = layout;
            if (!PointersShowCursor())
                ArrangeOverlay();
        }

        _veil.Arrange(in layout, _isOrphan);
        _notice.Arrange(in layout, _hasNotice);
    }

    private void CountPlacement()
    {
        _scanout.Statistics.Placement = _choice.Name;
        _scanout.Statistics.PlacementReason = _choice.Reason;
    }

    private void OnStillLost()
    {
        _scanout.TellLost(_compositor);
        _compositor.Flush();
    }

    private void SetNotice(bool isShown)
    {
        _hasNotice = isShown;
        if (!IsMapped || _isClosed)
            return;
        Arrange();
        _surface.Commit();
    }

    private void OnNoticeRead()
    {
        SetNotice(false);
        _compositor.Flush();
    }

    /// <summary>A pointer on the picture is the cursor, wherever the guest has its own.</summary>
    private bool PointersShowCursor()
    {
        if (_compositor.Seats?.ShowCursor(_surface, _scanout.Cursor, _picture, _layout.Content.Size) != true)
            return false;
        _cursorChanged = false;
        _cursor.Hide();
        return true;
    }

    private bool ArrangeOverlay()
    {
        _cursorChanged = false;
        return _cursor.Show(_scanout.Cursor, _picture, _layout.Content.Size);
    }

    private static DamageList Inside(in DamageList damage, BufferRect source)
    {
        var inside = default(DamageList);
        for (var i = 0; i < damage.Count; i++)
            inside.Add(damage[i].Intersect(source));
        return inside;
    }

    /// <summary>Between frames with the same grid, damage means something.</summary>
    private readonly record struct PixelGrid(BufferSize View, BufferRect Source, bool FlipY);
}
