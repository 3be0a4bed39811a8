// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>A subsurface that takes no input: what it stands on gets it.</summary>
internal sealed class Overlay
{
    private readonly WlSubsurface _subsurface;
    private (int X, int Y) _position;

    /// <summary>Puts a new surface on another one, unmapped.</summary>
    /// <param name="compositor">The connection; has a subcompositor.</param>
    /// <param name="parent">What it stands on.</param>
    /// <param name="desync">Whether its commits count at once, or with its parent's.</param>
    public Overlay(Compositor compositor, WlSurface parent, bool desync)
    {
        ArgumentNullException.ThrowIfNull(compositor);
        Surface = compositor.Surfaces.CreateSurface();
        _subsurface = compositor.Subcompositor!.GetSubsurface(Surface, parent);
        if (desync)
            _subsurface.SetDesync();
        var nothing = compositor.Surfaces.CreateRegion();
        Surface.SetInputRegion(nothing);
        nothing.Destroy();
        Viewport = new Viewport(compositor.Viewporter, Surface);
    }

    /// <summary>The surface.</summary>
    public WlSurface Surface { get; }

    /// <summary>Its viewport.</summary>
    public Viewport Viewport { get; }

    /// <summary>Moves it, with the parent's next commit.</summary>
    /// <param name="x">In the parent's coordinates.</param>
    /// <param name="y">Likewise.</param>
    /// <returns>Whether it moved.</returns>
    public bool MoveTo(int x, int y)
    {
        if (_position == (x, y))
            return false;
        _position = (x, y);
        _subsurface.SetPosition(x, y);
        return true;
    }

    /// <summary>Puts it right on its parent, below all others, with the parent's next commit.</summary>
    /// <param name="parent">The same as ever.</param>
    public void PlaceLowest(WlSurface parent) => _subsurface.PlaceAbove(parent);

    /// <summary>Shows a buffer. With the parent's next commit, unless its commits count at once.</summary>
    /// <param name="buffer">All of it.</param>
    /// <param name="size">Its size.</param>
    public void Show(WlBuffer buffer, BufferSize size)
    {
        Surface.Attach(buffer, 0, 0);
        SurfaceDamage.Whole(Surface, size);
        Surface.Commit();
    }

    /// <summary>Shows nothing.</summary>
    public void Unmap()
    {
        Surface.Attach(null, 0, 0);
        Surface.Commit();
    }

    /// <summary>Destroys it, role first.</summary>
    public void Destroy()
    {
        Viewport.Destroy();
        _subsurface.Destroy();
        Surface.Destroy();
    }
}
