// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Roles;

/// <summary>
/// A window: title, decoration, the configure handshake. The order is the protocol's: role and properties, a commit without
/// buffer, configure, acknowledge, and only then the first buffer. Source: xdg-shell v6.
/// </summary>
internal sealed class ToplevelRole : SurfaceRole, IXdgSurfaceListener, IXdgToplevelListener
{
    private const int SmallestSide = 64;

    private readonly ISurfaceRoleOwner _owner;
    private readonly XdgSurface _xdgSurface;
    private readonly XdgToplevel _toplevel;
    private readonly ZxdgToplevelDecorationV1? _decoration;
    private SurfaceSize _comingSize;
    private WindowStates _comingStates;
    private SurfaceSize _limits;
    private SurfaceRect _geometry;
    private bool _isFullscreen;
    private WlOutput? _output;

    /// <summary>Gives a fresh surface its role, and commits it without a buffer.</summary>
    /// <param name="windows">Makes windows.</param>
    /// <param name="decorations">Draws title bars; null: none is asked for.</param>
    /// <param name="surface">Without role and buffer. Borrowed; destroyed after this.</param>
    /// <param name="title">The window's title.</param>
    /// <param name="appId">What desktops know it by.</param>
    /// <param name="choice">Whether it is to fill a screen, and which.</param>
    /// <param name="owner">Who is told.</param>
    public ToplevelRole(XdgWmBase windows, ZxdgDecorationManagerV1? decorations, WlSurface surface, string title, string appId, in RoleChoice choice, ISurfaceRoleOwner owner)
    {
        ArgumentNullException.ThrowIfNull(windows);
        ArgumentNullException.ThrowIfNull(surface);
        _owner = owner;
        _xdgSurface = windows.GetXdgSurface(surface);
        _xdgSurface.Listener = this;
        _toplevel = _xdgSurface.GetToplevel();
        _toplevel.Listener = this;
        _toplevel.SetTitle(title);
        _toplevel.SetAppId(appId);
        if (decorations is not null)
        {
            _decoration = decorations.GetToplevelDecoration(_toplevel);
            _decoration.SetMode(ZxdgToplevelDecorationV1Mode.ServerSide);
        }

        Place(in choice);
        surface.Commit();
    }

    /// <inheritdoc/>
    public override bool MayHaveBars => true;

    /// <inheritdoc/>
    public override void SetTitle(string title) => _toplevel.SetTitle(title);

    /// <summary>Asks for another place. Said again it isn't asked again: what the user makes of the window counts.</summary>
    /// <param name="choice">Whether it is to fill a screen, and which.</param>
    public void Place(in RoleChoice choice)
    {
        var isFullscreen = choice.Place == PlacementKind.Fullscreen;
        if (isFullscreen == _isFullscreen && choice.Output == _output)
            return;
        (_isFullscreen, _output) = (isFullscreen, choice.Output);
        if (isFullscreen)
            _toplevel.SetFullscreen(choice.Output);
        else
            _toplevel.UnsetFullscreen();
    }

    /// <inheritdoc/>
    public override void SetLimits(SurfaceSize natural, bool canScale)
    {
        if (natural == _limits)
            return;
        _limits = natural;

        // The minimum steps aside first: it may never be above the maximum, not even between two requests.
        _toplevel.SetMinSize(0, 0);
        if (canScale)
        {
            _toplevel.SetMinSize(Math.Min(natural.Width, SmallestSide), Math.Min(natural.Height, SmallestSide));
        }
        else
        {
            _toplevel.SetMaxSize(natural.Width, natural.Height);
            _toplevel.SetMinSize(natural.Width, natural.Height);
        }
    }

    /// <inheritdoc/>
    public override void SetGeometry(SurfaceRect geometry)
    {
        if (geometry == _geometry)
            return;
        _geometry = geometry;
        _xdgSurface.SetWindowGeometry(geometry.X, geometry.Y, geometry.Width, geometry.Height);
    }

    /// <inheritdoc/>
    public override void Destroy()
    {
        _decoration?.Destroy();
        _toplevel.Destroy();
        _xdgSurface.Destroy();
    }

    void IXdgToplevelListener.OnConfigure(XdgToplevel sender, int width, int height, ReadOnlySpan<byte> states)
    {
        _comingSize = new SurfaceSize(width, height);
        _comingStates = WindowStates.None;
        foreach (var state in MemoryMarshal.Cast<byte, uint>(states))
        {
            _comingStates |= (XdgToplevelState)state switch
            {
                XdgToplevelState.Maximized or XdgToplevelState.TiledLeft or XdgToplevelState.TiledRight or XdgToplevelState.TiledTop
                    or XdgToplevelState.TiledBottom => WindowStates.Exact,
                XdgToplevelState.Fullscreen => WindowStates.Fullscreen,
                XdgToplevelState.Resizing => WindowStates.Resizing,
                _ => WindowStates.None,
            };
        }
    }

    void IXdgToplevelListener.OnClose(XdgToplevel sender) => _owner.OnCloseWanted();

    void IXdgSurfaceListener.OnConfigure(XdgSurface sender, uint serial)
    {
        sender.AckConfigure(serial);
        IsConfigured = true;
        _owner.OnConfigured(_comingSize, _comingStates);
    }
}
