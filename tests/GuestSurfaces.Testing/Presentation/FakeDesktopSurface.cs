// SPDX-License-Identifier: MIT
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>A surface that is no window: one with a number (IVI), one in a layer, or a background by the module in Weston. The test says how large it is to be.</summary>
public sealed class FakeDesktopSurface : IZwlrLayerSurfaceV1Requests
{
    private readonly FakeCompositor _compositor;
    private readonly WaylandResource _role;
    private readonly List<uint> _sent = [];
    private bool _isConfigured;
    private bool _hasCommitted;

    internal FakeDesktopSurface(FakeCompositor compositor, FakeSurface surface, WaylandResource role)
    {
        _compositor = compositor;
        _role = role;
        Surface = surface;
        if (surface.HasRole)
            compositor.Violation(role, 0, "the surface has a role");
        surface.DesktopSurface = this;
        role.Destroyed += _ =>
        {
            IsDestroyed = true;
            surface.Unmap();
        };
        if (role is ZwlrLayerSurfaceV1Resource layer)
            layer.Handler = this;
    }

    public FakeSurface Surface { get; }

    /// <summary>Its number; null: it has none.</summary>
    public uint? IviId { get; init; }

    /// <summary>The output that it was made for; null: any.</summary>
    public WlOutputResource? Output { get; init; }

    /// <summary>The same by name, where that is how the protocol says it.</summary>
    public string OutputName { get; init; } = "";

    /// <summary>What a layer's surface says it is.</summary>
    public string Namespace { get; init; } = "";

    public ZwlrLayerSurfaceV1Anchor Anchor { get; private set; }

    public int ExclusiveZone { get; private set; }

    public ZwlrLayerSurfaceV1KeyboardInteractivity Interactivity { get; private set; }

    public bool IsDestroyed { get; private set; }

    public bool IsShown => !IsDestroyed && Surface.IsMapped;

    /// <summary>The desktop has this much room for it.</summary>
    public void Configure(int width, int height)
    {
        switch (_role)
        {
            case IviSurfaceResource ivi:
                ivi.SendConfigure(width, height);
                break;
            case GuestSurfacesBackgroundV1Resource background:
                _isConfigured = true;
                background.SendConfigure(width, height);
                break;
            case ZwlrLayerSurfaceV1Resource layer:
                _sent.Add(_compositor.Server.NextSerial());
                layer.SendConfigure(_sent[^1], (uint)width, (uint)height);
                break;
        }

        _compositor.Client.Flush();
    }

    /// <summary>The desktop shows a layer's surface no more.</summary>
    public void Close()
    {
        ((ZwlrLayerSurfaceV1Resource)_role).SendClosed();
        _compositor.Client.Flush();
    }

    void IZwlrLayerSurfaceV1Requests.OnSetAnchor(ZwlrLayerSurfaceV1Resource sender, ZwlrLayerSurfaceV1Anchor anchor) => Anchor = anchor;

    void IZwlrLayerSurfaceV1Requests.OnSetExclusiveZone(ZwlrLayerSurfaceV1Resource sender, int zone) => ExclusiveZone = zone;

    void IZwlrLayerSurfaceV1Requests.OnSetKeyboardInteractivity(ZwlrLayerSurfaceV1Resource sender, ZwlrLayerSurfaceV1KeyboardInteractivity keyboardInteractivity) =>
        Interactivity = keyboardInteractivity;

    void IZwlrLayerSurfaceV1Requests.OnAckConfigure(ZwlrLayerSurfaceV1Resource sender, uint serial)
    {
        if (!_sent.Remove(serial))
            _compositor.Violation(sender, (uint)ZwlrLayerSurfaceV1Error.InvalidSurfaceState, $"ack of {serial}");
        _isConfigured = true;
    }

    internal void OnSurfaceCommit(bool hasNewBuffer)
    {
        if (IsDestroyed)
            return;
        if (hasNewBuffer && !_isConfigured && _role is not IviSurfaceResource)
            _compositor.Violation(_role, 0, "a buffer before the first configure");
        if (_role is ZwlrLayerSurfaceV1Resource && !_hasCommitted && Anchor != (ZwlrLayerSurfaceV1Anchor)15)
            _compositor.Violation(_role, (uint)ZwlrLayerSurfaceV1Error.InvalidSize, "neither a size nor sides to be anchored to");
        _hasCommitted = true;
    }
}
