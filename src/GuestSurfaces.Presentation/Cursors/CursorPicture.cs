// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Presentation.Windows;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Cursors;

/// <summary>The guest's cursor image on one surface: an overlay's, or a pointer's own.</summary>
/// <param name="compositor">The connection.</param>
/// <param name="surface">Which; borrowed.</param>
/// <param name="viewport">The surface's.</param>
internal sealed class CursorPicture(Compositor compositor, WlSurface surface, Viewport viewport) : ISurfaceBufferUser
{
    private BufferView? _shown;
    private SurfaceBuffer? _buffer;

    /// <summary>Makes the image, if there is one, ready to be shown.</summary>
    /// <param name="cursor">The cursor.</param>
    /// <returns>Whether it can be shown now.</returns>
    public bool TryLoad(GuestCursor cursor)
    {
        if (cursor.View is not { } view)
            return false;
        if (ReferenceEquals(_buffer?.View, view))
            return _buffer.State == ImportState.Ready;
        if (_buffer is not null)
            compositor.Buffers.Retire(_buffer);

        // Cursors are shared memory: an import that takes its time isn't waited for. One that can still be cut must not reach the compositor.
        var storage = cursor.Storage!;
        _buffer = storage.IsDmabuf || storage.Pixels is { IsMapped: false } ? null : compositor.Buffers.Get(this, storage, view, view.Size.Whole, isOpaque: false);
        return _buffer is { State: ImportState.Ready };
    }

    /// <summary>Shows what was loaded.</summary>
    /// <param name="cursor">The same cursor.</param>
    /// <param name="part">What of the image is to be seen.</param>
    /// <param name="size">How large that is on the surface.</param>
    /// <returns>Whether anything was committed.</returns>
    public bool Show(GuestCursor cursor, BufferRect part, SurfaceSize size)
    {
        var view = cursor.View!;
        var reshaped = viewport.Set(view.Size, part, size);
        if (!ReferenceEquals(view, _shown))
        {
            _shown = view;
            cursor.Storage!.Lock();
            _buffer!.TakeCommit(compositor.Connection.Display);
            surface.Attach(_buffer.Proxy, 0, 0);
            SurfaceDamage.Whole(surface, view.Size);
        }
        else if (!reshaped)
        {
            return false;
        }

        surface.Commit();
        return true;
    }

    /// <summary>Shows nothing.</summary>
    public void Hide()
    {
        if (_shown is null)
            return;
        _shown = null;
        surface.Attach(null, 0, 0);
        surface.Commit();
    }

    /// <summary>The surface is gone; the wl_buffers follow when the compositor gives them back.</summary>
    public void Destroy() => compositor.Buffers.RetireAll(this);

    void ISurfaceBufferUser.OnBufferChanged(SurfaceBuffer buffer)
    {
    }
}
