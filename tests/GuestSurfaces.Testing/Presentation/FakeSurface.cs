// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>
/// A wl_surface that keeps the rules: state counts when committed, and its texture takes only the pixels that were damaged, so a client that
/// tells too little damage shows a wrong picture.
/// </summary>
public sealed class FakeSurface : IWlSurfaceRequests, IWpViewportRequests, IWlSubsurfaceRequests
{
    private readonly FakeCompositor _compositor;
    private readonly List<BufferRect> _damage = [];
    private readonly List<WlCallbackResource> _pendingCallbacks = [];
    private readonly List<WpPresentationFeedbackResource> _pendingFeedback = [];
    private readonly List<WlCallbackResource> _callbacks = [];
    private readonly List<WpPresentationFeedbackResource> _feedback = [];
    private readonly List<FakeCommit> _leaving = [];
    private FakePolicy _policy;
    private FakeBuffer? _pendingBuffer;
    private FakeCommit? _pending;
    private FakeCommit? _current;
    private bool _isAttached;
    private bool _isAttachedAnew;
    private bool _pendingFlip;
    private (double X, double Y, double Width, double Height)? _pendingSource;
    private (int Width, int Height)? _pendingDestination;
    private bool _hasCachedCommit;
    private (int X, int Y) _pendingPosition;
    private uint[] _texture = [];

    public FakeSurface(FakeCompositor compositor, WlSurfaceResource resource)
    {
        _compositor = compositor;
        Resource = resource;
        resource.Handler = this;
        resource.Tag = this;
        resource.Destroyed += _ => OnDestroyed();
    }

    public WlSurfaceResource Resource { get; }

    public FakeToplevel? Toplevel { get; set; }

    /// <summary>What it is, if that is no window.</summary>
    public FakeDesktopSurface? DesktopSurface { get; set; }

    internal bool HasRole => Toplevel is not null || DesktopSurface is not null || Parent is not null;

    /// <summary>What tells it its scale, if the client has asked.</summary>
    public WpFractionalScaleV1Resource? FractionalScale { get; set; }

    public FakeSurface? Parent { get; private set; }

    public List<FakeSurface> Children { get; } = [];

    public FakeBuffer? Buffer => _current?.Buffer;

    /// <summary>Whether a commit waits for its acquire point or fence, for a barrier or a time: nothing of it counts yet.</summary>
    public bool IsBlocked => _pending is { IsReadable: false } || (_policy.WaitsForBarrier && HasBarrier) || _policy.DueNs > _compositor.NowNs;

    /// <summary>Whether a commit that waits for it waits until the next refresh.</summary>
    public bool HasBarrier { get; private set; }

    /// <summary>Whether what is on the screen may tear.</summary>
    public bool MayTear { get; private set; }

    /// <summary>How many commits waited for a barrier.</summary>
    public int BarrierWaits { get; private set; }

    /// <summary>What each refresh showed, if commits can wait for each other.</summary>
    public List<FakeBuffer?> Displayed { get; } = [];

    internal FakePolicy NextPolicy;

    internal bool HasFifo { get; set; }

    internal bool HasTimer { get; set; }

    internal bool HasTearingControl { get; set; }

    internal FakeSyncobjSurface? Syncobj { get; set; }

    internal FakeFencedSurface? Fenced { get; set; }

    /// <summary>Whether there is explicit synchronisation for what is attached next.</summary>
    public bool HasPoints => Syncobj is not null;

    public bool IsFlipped { get; private set; }

    public (double X, double Y, double Width, double Height)? Source { get; private set; }

    public (int Width, int Height)? Destination { get; private set; }

    public (int X, int Y) Position { get; private set; }

    public bool IsDesync { get; private set; }

    public bool HasViewport { get; private set; }

    public bool HasEmptyInputRegion { get; private set; }

    public bool HasOpaqueRegion { get; private set; }

    public int Commits { get; private set; }

    /// <summary>The damage of the last commit that attached something.</summary>
    public IReadOnlyList<BufferRect> LastDamage { get; private set; } = [];

    /// <summary>Whether no screen shows it: what is replaced is given back at once, as sway and weston do. (A compositor that stands still gives nothing back.)</summary>
    public bool IsHidden { get; set; }

    public int WaitingCallbacks => _callbacks.Count;

    public bool IsMapped => Buffer is not null;

    /// <summary>Whether the screen reads its buffers itself: said with each presentation.</summary>
    public bool IsScannedOut { get; set; }

    /// <summary>How long a refresh is said to be with each frame that was shown; 0: nothing is said.</summary>
    public uint PresentedRefreshNs { get; set; }

    /// <summary>Its size on the screen.</summary>
    public (int Width, int Height) Size =>
        Destination ?? (Source is { } s ? ((int)s.Width, (int)s.Height) : Buffer is { } b ? (b.Size.Width, b.Size.Height) : (0, 0));

    /// <summary>The pixel at a place of the surface, nearest neighbour, with alpha as in <see cref="FakeBuffer.Pixel"/>.</summary>
    public uint Pixel(int x, int y)
    {
        var (width, height) = Size;
        var source = Source ?? (0, 0, Buffer!.Size.Width, Buffer.Size.Height);
        var bx = (int)(source.X + ((x + 0.5) * source.Width / width));
        var by = (int)(source.Y + ((y + 0.5) * source.Height / height));
        return _texture[((IsFlipped ? Buffer!.Size.Height - 1 - by : by) * Buffer!.Size.Width) + bx];
    }

    /// <summary>A refresh of the screen: callbacks, feedback and releases that are due go out.</summary>
    public void Refresh(long presentNs)
    {
        if (_compositor.Options.Fifo)
            Displayed.Add(Buffer);
        HasBarrier = false;
        if (_pending is not null && !IsBlocked)
            Apply(); // it has waited for this
        foreach (var callback in _callbacks)
            callback.SendDone((uint)(presentNs / 1_000_000));
        _callbacks.Clear();
        foreach (var feedback in _feedback)
        {
            var seconds = (ulong)(presentNs / 1_000_000_000);
            var flags = WpPresentationFeedbackKind.Vsync | (IsScannedOut ? WpPresentationFeedbackKind.ZeroCopy : 0);
            feedback.SendPresented((uint)(seconds >> 32), (uint)seconds, (uint)(presentNs % 1_000_000_000), PresentedRefreshNs, 0, 1, flags);
        }

        _feedback.Clear();
        ReleaseDue();
    }

    /// <summary>Feedback alone, before the frame callback.</summary>
    public void PresentOnly(long presentNs)
    {
        var waiting = _callbacks.ToArray();
        _callbacks.Clear();
        Refresh(presentNs);
        _callbacks.AddRange(waiting);
    }

    /// <summary>Frame callbacks alone, before the feedback.</summary>
    public void CallbackOnly(long timeNs)
    {
        foreach (var callback in _callbacks)
            callback.SendDone((uint)(timeNs / 1_000_000));
        _callbacks.Clear();
    }

    public void DiscardFeedback()
    {
        foreach (var feedback in _feedback)
            feedback.SendDiscarded();
        _feedback.Clear();
    }

    public void ReleaseDue()
    {
        foreach (var commit in _leaving)
        {
            commit.ReleaseOwn();
            if (commit.Buffer != Buffer || _compositor.Options.Release != ReleaseMode.WhenReplaced)
                commit.Buffer.Release();
        }

        _leaving.Clear();
        if (_compositor.Options.Release != ReleaseMode.AtRefresh)
            return;
        _current?.ReleaseOwn();
        Buffer?.Release();
    }

    void IWlSurfaceRequests.OnAttach(WlSurfaceResource sender, WlBufferResource? buffer, int x, int y)
    {
        if ((x != 0 || y != 0) && sender.Version >= 5)
            sender.PostError((uint)WlSurfaceError.InvalidOffset, "offset in attach");
        _pendingBuffer = (FakeBuffer?)buffer?.Tag;
        _isAttached = _isAttachedAnew = true;
    }

    void IWlSurfaceRequests.OnDamageBuffer(WlSurfaceResource sender, int x, int y, int width, int height) => _damage.Add(new BufferRect(x, y, width, height));

    void IWlSurfaceRequests.OnDamage(WlSurfaceResource sender, int x, int y, int width, int height) => _damage.Add(new BufferRect(0, 0, 1 << 14, 1 << 14));

    void IWlSurfaceRequests.OnFrame(WlSurfaceResource sender, WlCallbackResource callback) => _pendingCallbacks.Add(callback);

    void IWlSurfaceRequests.OnSetBufferTransform(WlSurfaceResource sender, WlOutputTransform transform) => _pendingFlip = transform switch
    {
        WlOutputTransform.Normal => false,
        WlOutputTransform.Flipped180 => true,
        _ => throw new InvalidOperationException($"nobody should send transform {transform}"),
    };

    void IWlSurfaceRequests.OnSetOpaqueRegion(WlSurfaceResource sender, WlRegionResource? region) => HasOpaqueRegion = region is not null;

    void IWlSurfaceRequests.OnSetInputRegion(WlSurfaceResource sender, WlRegionResource? region) => HasEmptyInputRegion = region is not null;

    void IWlSurfaceRequests.OnCommit(WlSurfaceResource sender)
    {
        Commits++;
        TakePolicy();
        TakeSync();
        if (Parent is not null && !IsDesync)
            _hasCachedCommit = true;
        else
            Apply();
    }

    void IWlSurfaceRequests.OnDestroy(WlSurfaceResource sender)
    {
        if (Toplevel is { IsDestroyed: false } || DesktopSurface is { IsDestroyed: false })
            _compositor.Violation(sender, (uint)WlSurfaceError.DefunctRoleObject, "wl_surface destroyed before its role");
    }

    void IWpViewportRequests.OnSetSource(WpViewportResource sender, WlFixed x, WlFixed y, WlFixed width, WlFixed height)
    {
        var all = (x.ToDouble(), y.ToDouble(), width.ToDouble(), height.ToDouble());
        if (all == (-1, -1, -1, -1))
            _pendingSource = null;
        else if (all.Item1 < 0 || all.Item2 < 0 || all.Item3 <= 0 || all.Item4 <= 0)
            _compositor.Violation(sender, (uint)WpViewportError.BadValue, "source");
        else
            _pendingSource = all;
    }

    void IWpViewportRequests.OnSetDestination(WpViewportResource sender, int width, int height)
    {
        if ((width, height) == (-1, -1))
            _pendingDestination = null;
        else if (width <= 0 || height <= 0)
            _compositor.Violation(sender, (uint)WpViewportError.BadValue, "destination");
        else
            _pendingDestination = (width, height);
    }

    void IWpViewportRequests.OnDestroy(WpViewportResource sender)
    {
        if (!Resource.IsAlive)
            _compositor.Violation(sender, (uint)WpViewportError.NoSurface, "the viewport outlived its surface");
        HasViewport = false;
        _pendingSource = null;
        _pendingDestination = null;
    }

    void IWlSubsurfaceRequests.OnSetPosition(WlSubsurfaceResource sender, int x, int y) => _pendingPosition = (x, y);

    void IWlSubsurfaceRequests.OnPlaceAbove(WlSubsurfaceResource sender, WlSurfaceResource sibling)
    {
        var below = (FakeSurface)sibling.Tag!;
        var children = Parent!.Children;
        children.Remove(this);
        if (below != Parent && !children.Contains(below))
            _compositor.Violation(sender, (uint)WlSubsurfaceError.BadSurface, "placed above what is neither sibling nor parent");
        children.Insert(children.IndexOf(below) + 1, this);
    }

    void IWlSubsurfaceRequests.OnSetDesync(WlSubsurfaceResource sender) => IsDesync = true;

    void IWlSubsurfaceRequests.OnDestroy(WlSubsurfaceResource sender)
    {
        Parent?.Children.Remove(this);
        Parent = null;
    }

    internal void AddViewport(WpViewportResource viewport)
    {
        if (HasViewport)
            _compositor.Violation(viewport, (uint)WpViewporterError.ViewportExists, "second viewport");
        HasViewport = true;
        viewport.Handler = this;
    }

    internal void AddFeedback(WpPresentationFeedbackResource feedback) => _pendingFeedback.Add(feedback);

    internal void BecomeCursor()
    {
        if (HasRole)
            _compositor.Violation(Resource, (uint)WlPointerError.Role, "the surface has a role");
    }

    internal void Unmap() => Replace(null);

    internal void BecomeSubsurface(WlSubsurfaceResource subsurface, FakeSurface parent)
    {
        if (HasRole)
            _compositor.Violation(subsurface, (uint)WlSubcompositorError.BadSurface, "the surface has a role");
        subsurface.Handler = this;
        Parent = parent;
        parent.Children.Add(this);
    }

    /// <summary>Commits without a picture wait with the one before.</summary>
    private void TakePolicy()
    {
        var hasPicture = _isAttachedAnew;
        var next = NextPolicy;
        NextPolicy = new FakePolicy { MayTear = next.MayTear };
        if (!hasPicture && (next.SetsBarrier || next.WaitsForBarrier || next.DueNs != 0))
            _compositor.Violation(Resource, 0, "a barrier or a time without a picture: no rule of the protocols', but nobody means that");
        if (!hasPicture)
            return;
        _policy = next;
        BarrierWaits += next.WaitsForBarrier && HasBarrier ? 1 : 0;
    }

    /// <summary>What is told about a buffer counts with the commit after it, also where the commit itself has to wait.</summary>
    private void TakeSync()
    {
        var buffer = _isAttachedAnew ? _pendingBuffer : null;
        var releaseFence = Syncobj is not null || Fenced is not null ? _compositor.Options.ReleaseFence() : null;
        var commit = Syncobj?.Commit(buffer, releaseFence) ?? Fenced?.Commit(buffer, releaseFence);
        if (!_isAttachedAnew)
            return;
        _isAttachedAnew = false;
        if (_pending is { } overtaken)
        {
            overtaken.ReleaseOwn();
            overtaken.Buffer.IsHeld = true;
            overtaken.Buffer.Release();
        }

        _pending = buffer is null ? null : commit ?? new FakeCommit(buffer);
        if (_compositor.Options.EarlyReleaseEvents && buffer is not null && Syncobj is not null)
            buffer.Resource.SendRelease();
    }

    private void Apply()
    {
        if (IsBlocked)
            return;
        if (_isAttached && _pendingBuffer is { IsDestroyed: true })
            _compositor.Violation(Resource, 0, "a destroyed wl_buffer is committed");
        if (_isAttached && _pendingBuffer is not null && _damage.Count == 0)
            _compositor.Violation(Resource, 0, "a buffer is attached without damage");
        if (!_isAttached && _damage.Count > 0)
            _compositor.Violation(Resource, 0, "damage without a buffer");
        var buffer = _isAttached ? _pendingBuffer : Buffer;
        HasBarrier |= _policy.SetsBarrier;
        MayTear = _policy.MayTear;
        _policy = new FakePolicy { MayTear = _policy.MayTear };
        IsFlipped = _pendingFlip;
        Source = _pendingSource;
        Destination = _pendingDestination;
        if (buffer is not null && Source is { } s)
        {
            if (s.X + s.Width > buffer.Size.Width || s.Y + s.Height > buffer.Size.Height)
                _compositor.Violation(Resource, (uint)WpViewportError.OutOfBuffer, $"source {s} outside the buffer {buffer.Size}");
            if (Destination is null && (s.Width != (int)s.Width || s.Height != (int)s.Height))
                _compositor.Violation(Resource, (uint)WpViewportError.BadSize, "fractional source");
        }

        if (_isAttached)
            Replace(_pending);
        Toplevel?.OnSurfaceCommit(this, _isAttached && _pendingBuffer is not null);
        DesktopSurface?.OnSurfaceCommit(_isAttached && _pendingBuffer is not null);
        _isAttached = false;
        _pendingBuffer = null;
        _pending = null;
        _damage.Clear();
        _callbacks.AddRange(_pendingCallbacks);
        _pendingCallbacks.Clear();
        if (_pendingFeedback.Count > 0)
            DiscardFeedback();
        _feedback.AddRange(_pendingFeedback);
        _pendingFeedback.Clear();
        foreach (var child in Children)
        {
            child.Position = child._pendingPosition;
            if (!child._hasCachedCommit)
                continue;
            child._hasCachedCommit = false;
            child.Apply();
        }
    }

    private void Replace(FakeCommit? commit)
    {
        var leaving = _current;
        var old = leaving?.Buffer;
        _current = commit;
        var buffer = commit?.Buffer;
        if (leaving is not null && (old != buffer || leaving.HasOwnRelease))
            _leaving.Add(leaving);
        if (IsHidden)
            ReleaseDue();
        if (buffer is null)
            return;
        buffer.IsHeld = true;
        LastDamage = [.. _damage];
        if (_texture.Length != buffer.Size.Whole.Area || old?.Size != buffer.Size)
        {
            _texture = new uint[buffer.Size.Whole.Area];
            buffer.Upload(_texture, buffer.Size.Whole);
        }
        else
        {
            foreach (var rect in _damage)
                buffer.Upload(_texture, rect.Intersect(buffer.Size.Whole));
        }

        if (_compositor.Options.Release == ReleaseMode.AtCommit)
        {
            commit!.ReleaseOwn();
            buffer.Release();
        }
    }

    private void OnDestroyed()
    {
        _callbacks.Clear();
        foreach (var feedback in _feedback)
        {
            if (feedback.IsAlive && !_compositor.IsDead)
                feedback.SendDiscarded();
        }

        _feedback.Clear();
        _pending?.Buffer.IsHeld = true; // it has waited, for a time or a barrier
        foreach (var commit in (FakeCommit?[])[.. _leaving, _current, _pending])
        {
            if (!_compositor.IsDead)
                commit?.ReleaseOwn();
            commit?.Buffer.Release();
        }

        _leaving.Clear();
        _current = _pending = null;
        _compositor.Remove(this);
    }
}
