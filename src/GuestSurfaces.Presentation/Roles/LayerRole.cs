// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>
/// An output's background where clients of the desktop make it: wlroots' compositors, KWin and others. It covers the whole output, panels' places included, and gets the keyboard when the
/// user clicks on it. The handshake is that of windows. Source: wlr-layer-shell-unstable-v1 v4.
/// </summary>
internal sealed class LayerRole : SurfaceRole, IZwlrLayerSurfaceV1Listener
{
    private const uint OnDemandSince = 4;
    private const ZwlrLayerSurfaceV1Anchor AllSides = ZwlrLayerSurfaceV1Anchor.Top | ZwlrLayerSurfaceV1Anchor.Bottom | ZwlrLayerSurfaceV1Anchor.Left | ZwlrLayerSurfaceV1Anchor.Right;

    private readonly ISurfaceRoleOwner _owner;
    private readonly ZwlrLayerSurfaceV1 _layer;

    /// <summary>Gives a fresh surface its role, and commits it without a buffer.</summary>
    /// <param name="shell">Makes backgrounds.</param>
    /// <param name="surface">Without role and buffer. Borrowed; destroyed after this.</param>
    /// <param name="output">Whose background; null: the compositor chooses.</param>
    /// <param name="appId">What desktops know it by.</param>
    /// <param name="owner">Who is told.</param>
    public LayerRole(ZwlrLayerShellV1 shell, WlSurface surface, WlOutput? output, string appId, ISurfaceRoleOwner owner)
    {
        ArgumentNullException.ThrowIfNull(shell);
        ArgumentNullException.ThrowIfNull(surface);
        _owner = owner;
        _layer = shell.GetLayerSurface(surface, output, ZwlrLayerShellV1Layer.Background, appId);
        _layer.Listener = this;
        _layer.SetAnchor(AllSides);
        _layer.SetExclusiveZone(-1);
        if (_layer.Version >= OnDemandSince)
            _layer.SetKeyboardInteractivity(ZwlrLayerSurfaceV1KeyboardInteractivity.OnDemand);
        surface.Commit();
    }

    /// <inheritdoc/>
    public override void Destroy() => _layer.Destroy();

    void IZwlrLayerSurfaceV1Listener.OnConfigure(ZwlrLayerSurfaceV1 sender, uint serial, uint width, uint height)
    {
        sender.AckConfigure(serial);
        IsConfigured = true;
        _owner.OnConfigured(new SurfaceSize((int)width, (int)height), WindowStates.Exact | WindowStates.Covering);
    }

    void IZwlrLayerSurfaceV1Listener.OnClosed(ZwlrLayerSurfaceV1 sender) => _owner.OnLost();
}
