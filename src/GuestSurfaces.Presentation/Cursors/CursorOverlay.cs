// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Presentation.Windows;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Cursors;

/// <summary>The guest's cursor as a small surface on its picture, at the guest's place. Needs nothing from a seat; without subsurfaces there is no cursor.</summary>
internal sealed class CursorOverlay(Compositor compositor, WlSurface picture)
{
    private Overlay? _overlay;
    private CursorPicture? _image;

    /// <summary>Shows the cursor as it is now.</summary>
    /// <param name="cursor">The cursor.</param>
    /// <param name="scanout">The picture's size in scanout pixels.</param>
    /// <param name="content">The picture's size on its surface.</param>
    /// <returns>
    /// Whether something changed: the picture's surface is to be committed, as places count from then on; its frame callback keeps a guest
    /// that sets cursor after cursor from sending more than one a refresh.
    /// </returns>
    public bool Show(GuestCursor cursor, BufferSize scanout, SurfaceSize content)
    {
        if (compositor.Subcompositor is null)
            return false;

        // What sticks out of the picture is cut off, where that can be done.
        var place = cursor.Place;
        var visible = compositor.Viewporter is null ? place : place.Intersect(scanout.Whole);
        if (cursor.View is null || visible.IsEmpty)
        {
            Hide();
            return false;
        }

        if (_overlay is null)
        {
            // What this program has to say stays above whatever a guest shows.
            _overlay = new Overlay(compositor, picture, desync: true);
            _overlay.PlaceLowest(picture);
        }

        _image ??= new CursorPicture(compositor, _overlay.Surface, _overlay.Viewport);
        if (!_image.TryLoad(cursor))
        {
            Hide();
            return false;
        }

        var scale = new CursorScale(scanout, content);
        var moved = _overlay.MoveTo((int)Math.Floor(visible.X * scale.X), (int)Math.Floor(visible.Y * scale.Y));
        var shown = _image.Show(cursor, visible.Offset(-place.X, -place.Y), scale.Of(visible.Width, visible.Height));
        return moved || shown;
    }

    /// <summary>Somebody else shows the cursor, or nobody.</summary>
    public void Hide() => _image?.Hide();

    /// <summary>Destroys it.</summary>
    public void Destroy()
    {
        _overlay?.Destroy();
        _image?.Destroy();
    }
}
