// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Frames;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>The guest's cursor as a small surface on its picture. Needs nothing from a seat; without subsurfaces there is no cursor.</summary>
internal sealed class CursorOverlay(Compositor compositor, WlSurface picture) : ISurfaceBufferUser
{
    private Overlay? _overlay;
    private BufferView? _shown;
    private SurfaceBuffer? _buffer;

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
        if (cursor.View is not { } view || visible.IsEmpty || !TryLoad(cursor.Storage!, view))
            return Hide();

        _overlay ??= new Overlay(compositor, picture, desync: true);
        var scaleX = (double)content.Width / scanout.Width;
        var scaleY = (double)content.Height / scanout.Height;
        var size = new SurfaceSize(Math.Max(1, (int)Math.Round(visible.Width * scaleX)), Math.Max(1, (int)Math.Round(visible.Height * scaleY)));
        var changed = _overlay.MoveTo((int)Math.Floor(visible.X * scaleX), (int)Math.Floor(visible.Y * scaleY));
        var reshaped = _overlay.Viewport.Set(view.Size, visible.Offset(-place.X, -place.Y), size);
        if (!ReferenceEquals(view, _shown))
        {
            changed = true;
            _shown = view;
            cursor.Storage!.Lock();
            _buffer!.TakeCommit(compositor.Connection.Display);
            _overlay.Surface.Attach(_buffer.Proxy, 0, 0);
            SurfaceDamage.Whole(_overlay.Surface, view.Size);
            _overlay.Surface.Commit();
        }
        else if (reshaped)
        {
            changed = true;
            _overlay.Surface.Commit();
        }

        return changed;
    }

    /// <summary>Destroys it.</summary>
    public void Destroy()
    {
        _overlay?.Destroy();
        compositor.Buffers.RetireAll(this);
    }

    void ISurfaceBufferUser.OnBufferChanged(SurfaceBuffer buffer)
    {
    }

    private bool Hide()
    {
        if (_shown is not null)
            _overlay!.Unmap();
        _shown = null;
        return false;
    }

    private bool TryLoad(BufferStorage storage, BufferView view)
    {
        if (ReferenceEquals(_buffer?.View, view))
            return _buffer.State == ImportState.Ready;
        if (_buffer is not null)
            compositor.Buffers.Retire(_buffer);

        // Cursors are shared memory: an import that takes its time isn't waited for. One that can still be cut must not reach the compositor.
        _buffer = storage.IsDmabuf || storage.Pixels is { IsMapped: false } ? null : compositor.Buffers.Get(this, storage, view, view.Size.Whole, isOpaque: false);
        return _buffer is { State: ImportState.Ready };
    }
}
