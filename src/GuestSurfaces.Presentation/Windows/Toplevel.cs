// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>Whom a toplevel tells.</summary>
internal interface IToplevelOwner
{
    /// <summary>A configure event was acknowledged: the next commit answers it.</summary>
    /// <param name="size">Empty: as we like.</param>
    /// <param name="states">What kind of order it is.</param>
    void OnConfigured(SurfaceSize size, WindowStates states);

    /// <summary>The user wants it closed.</summary>
    void OnCloseWanted();
}

/// <summary>
/// The window role of a surface: title, decoration, the configure handshake. The order is the protocol's: role and properties, a commit without
/// buffer, configure, acknowledge, and only then the first buffer. Source: xdg-shell v6.
/// </summary>
internal sealed class Toplevel : IXdgSurfaceListener, IXdgToplevelListener
{
    private const int SmallestSide = 64;

    private readonly IToplevelOwner _owner;
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
    /// <param name="compositor">The connection.</param>
    /// <param name="surface">Without role and buffer. Borrowed; destroyed after this.</param>
    /// <param name="title">The window's title.</param>
    /// <param name="options">The look.</param>
    /// <param name="isFullscreen">Whether it is to fill a screen.</param>
    /// <param name="output">Which; null: any.</param>
    /// <param name="owner">Who is told.</param>
    public Toplevel(Compositor compositor, WlSurface surface, string title, PresenterOptions options, bool isFullscreen, WlOutput? output, IToplevelOwner owner)
    {
        ArgumentNullException.ThrowIfNull(compositor);
        ArgumentNullException.ThrowIfNull(surface);
        ArgumentNullException.ThrowIfNull(options);
        _owner = owner;
        _xdgSurface = compositor.WmBase.GetXdgSurface(surface);
        _xdgSurface.Listener = this;
        _toplevel = _xdgSurface.GetToplevel();
        _toplevel.Listener = this;
        _toplevel.SetTitle(title);
        _toplevel.SetAppId(options.AppId);
        if (options.Decorations && compositor.Decorations is { } decorations)
        {
            _decoration = decorations.GetToplevelDecoration(_toplevel);
            _decoration.SetMode(ZxdgToplevelDecorationV1Mode.ServerSide);
        }

        Place(isFullscreen, output);
        surface.Commit();
    }

    /// <summary>Whether the first configure event has come: only then may there be a buffer.</summary>
    public bool IsConfigured { get; private set; }

    /// <summary>Another title. Counts at once.</summary>
    /// <param name="title">Whole.</param>
    public void SetTitle(string title) => _toplevel.SetTitle(title);

    /// <summary>Asks for another place. Said again it isn't asked again: what the user makes of the window counts.</summary>
    /// <param name="isFullscreen">Whether it is to fill a screen.</param>
    /// <param name="output">Which; null: any.</param>
    public void Place(bool isFullscreen, WlOutput? output)
    {
        if (isFullscreen == _isFullscreen && output == _output)
            return;
        (_isFullscreen, _output) = (isFullscreen, output);
        if (isFullscreen)
            _toplevel.SetFullscreen(output);
        else
            _toplevel.UnsetFullscreen();
    }

    /// <summary>How small and large the user may make the window. With the next commit.</summary>
    /// <param name="natural">The picture's size.</param>
    /// <param name="canScale">Without scaling there is one size only.</param>
    public void SetLimits(SurfaceSize natural, bool canScale)
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

    /// <summary>Which part of the surface tree the window is. With the next commit.</summary>
    /// <param name="geometry">In the surface's coordinates. Said always: unsaid, a cursor that sticks out would make the window larger.</param>
    public void SetGeometry(SurfaceRect geometry)
    {
        if (geometry == _geometry)
            return;
        _geometry = geometry;
        _xdgSurface.SetWindowGeometry(geometry.X, geometry.Y, geometry.Width, geometry.Height);
    }

    /// <summary>Gives the role up; the surface is destroyed after this.</summary>
    public void Destroy()
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
