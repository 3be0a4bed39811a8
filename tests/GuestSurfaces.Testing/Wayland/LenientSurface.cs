// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Wayland;

/// <summary>A surface of the <see cref="LenientCompositor"/>: pending state, committed state, and what it owes the client.</summary>
/// <param name="resource">Its wire side.</param>
public sealed class LenientSurface(WlSurfaceResource resource) : IWlSurfaceRequests
{
    private readonly List<WlCallbackResource> _pendingFrames = [];
    private readonly List<WlCallbackResource> _frames = [];
    private readonly List<WpPresentationFeedbackResource> _pendingFeedbacks = [];
    private readonly List<WpPresentationFeedbackResource> _feedbacks = [];
    private WlBufferResource? _pending;
    private bool _hasPending;
    private bool _hasPendingDamage;
    private XdgSurfaceResource? _xdgSurface;
    private XdgToplevelResource? _toplevel;
    private bool _isConfigured;
    private ulong _sequence;
    private uint _serial;

    /// <summary>Its wire side.</summary>
    public WlSurfaceResource Resource { get; } = resource;

    /// <summary>The buffer shown now.</summary>
    public WlBufferResource? Current { get; private set; }

    /// <summary>How often it was committed.</summary>
    public int Commits { get; private set; }

    /// <summary>Commits that brought a buffer but no damage, which compositors may not show.</summary>
    public int UndamagedCommits { get; private set; }

    /// <summary>The window that this surface is, if it is one.</summary>
    public XdgToplevelResource? Toplevel => _toplevel;

    /// <summary>Whether buffers that are replaced are released at once.</summary>
    public bool ReleasesAtOnce { get; set; } = true;

    /// <summary>Proposes a size; 0 means that the client chooses.</summary>
    /// <param name="width">In surface coordinates.</param>
    /// <param name="height">In surface coordinates.</param>
    /// <param name="states">The window's state.</param>
    public void Configure(int width, int height, params XdgToplevelState[] states)
    {
        _toplevel?.SendConfigure(width, height, System.Runtime.InteropServices.MemoryMarshal.AsBytes(states.AsSpan()));
        _xdgSurface?.SendConfigure(++_serial);
    }

    /// <summary>A refresh: answers frame callbacks and presentation feedback.</summary>
    public void Latch()
    {
        foreach (var frame in _frames)
            frame.SendDone(0);
        _frames.Clear();
        foreach (var feedback in _feedbacks)
            feedback.SendPresented(0, 0, 0, 16_666_667, (uint)(++_sequence >> 32), (uint)_sequence, WpPresentationFeedbackKind.Vsync);
        _feedbacks.Clear();
    }

    internal void SetToplevel(XdgSurfaceResource xdgSurface, XdgToplevelResource toplevel)
    {
        _xdgSurface = xdgSurface;
        _toplevel = toplevel;
    }

    internal void Add(WpPresentationFeedbackResource feedback) => _pendingFeedbacks.Add(feedback);

    void IWlSurfaceRequests.OnAttach(WlSurfaceResource sender, WlBufferResource? buffer, int x, int y)
    {
        _pending = buffer;
        _hasPending = true;
    }

    void IWlSurfaceRequests.OnDamage(WlSurfaceResource sender, int x, int y, int width, int height) => _hasPendingDamage = true;

    void IWlSurfaceRequests.OnDamageBuffer(WlSurfaceResource sender, int x, int y, int width, int height) => _hasPendingDamage = true;

    void IWlSurfaceRequests.OnFrame(WlSurfaceResource sender, WlCallbackResource callback) => _pendingFrames.Add(callback);

    void IWlSurfaceRequests.OnCommit(WlSurfaceResource sender)
    {
        Commits++;
        if (_xdgSurface is { IsAlive: true } && _pending is not null && !_isConfigured)
        {
            _xdgSurface.PostError((uint)XdgSurfaceError.UnconfiguredBuffer, "a buffer before the first configure");
            return;
        }

        if (_hasPending)
            Replace();
        _hasPendingDamage = false;
        foreach (var feedback in _feedbacks)
            feedback.SendDiscarded();
        _feedbacks.Clear();
        _feedbacks.AddRange(_pendingFeedbacks);
        _pendingFeedbacks.Clear();
        _frames.AddRange(_pendingFrames);
        _pendingFrames.Clear();
        if (_toplevel is null || _isConfigured)
            return;
        _isConfigured = true;
        Configure(0, 0);
    }

    private void Replace()
    {
        if (_pending is not null && !_hasPendingDamage)
            UndamagedCommits++;
        if (ReleasesAtOnce && Current is { IsAlive: true } old && old != _pending)
            old.SendRelease();
        Current = _pending;
        _pending = null;
        _hasPending = false;
    }
}
