// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Presentation.Windows;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Cursors;

/// <summary>
/// The guest's cursor as a pointer's own surface: the compositor moves it with the mouse, without a word from us or the guest. Where the guest believes its
/// cursor to be doesn't matter then. Source: wl_pointer.set_cursor.
/// </summary>
/// <param name="compositor">The connection.</param>
/// <param name="pointer">The pointer; borrowed.</param>
/// <param name="caughtUp">Told when the compositor has taken what was shown, if there was more to show meanwhile.</param>
internal sealed class PointerCursor(Compositor compositor, WlPointer pointer, Action caughtUp) : IWlCallbackListener
{
    private readonly WlCallback _taken = new();
    private WlSurface? _surface;
    private Viewport? _viewport;
    private CursorPicture? _image;
    private uint _enterSerial;
    private (bool IsVisible, int HotX, int HotY)? _told;
    private bool _isLate;

    /// <summary>The pointer is on one of our surfaces: what it looks like there hasn't been said yet.</summary>
    /// <param name="serial">Of wl_pointer.enter.</param>
    public void Enter(uint serial)
    {
        _enterSerial = serial;
        _told = null;
        _image?.Hide(); // it lost its image when the pointer left: shown again, it has to be attached again
    }

    /// <summary>
    /// Looks like the guest's cursor, or like nothing where that is hidden. A guest that changes its cursor faster than the compositor takes it skips some.
    /// </summary>
    /// <param name="cursor">The cursor.</param>
    /// <param name="scanout">The picture's size in scanout pixels.</param>
    /// <param name="content">The picture's size on its surface.</param>
    public void Show(GuestCursor cursor, BufferSize scanout, SurfaceSize content)
    {
        _isLate = _taken.IsAlive;
        if (_isLate)
            return;
        if (cursor.View is not { } view || !TryLoad(cursor))
        {
            Hide();
            return;
        }

        var scale = new CursorScale(scanout, content);
        var size = scale.Of(view.Size.Width, view.Size.Height);
        var told = Tell(isVisible: true, Inside(cursor.HotX, scale.X, size.Width), Inside(cursor.HotY, scale.Y, size.Height));
        if (!_image!.Show(cursor, view.Size.Whole, size) && !told)
            return;
        _taken.Listener = this;
        compositor.Connection.Display.Sync(_taken);
    }

    /// <summary>Looks like nothing.</summary>
    public void Hide()
    {
        if (Tell(isVisible: false, 0, 0))
            _image?.Hide();
    }

    /// <summary>The pointer is gone.</summary>
    public void Destroy()
    {
        _taken.Listener = null;
        _viewport?.Destroy();
        _surface?.Destroy();
        _image?.Destroy();
    }

    void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData)
    {
        if (_isLate)
            caughtUp();
    }

    // The place on the surface of the middle of the hotspot's pixel.
    private static int Inside(int hot, double scale, int length) => Math.Clamp((int)((hot + 0.5) * scale), 0, length - 1);

    private bool TryLoad(GuestCursor cursor)
    {
        if (_image is null)
        {
            _surface = compositor.Surfaces.CreateSurface();
            _viewport = new Viewport(compositor.Viewporter, _surface);
            _image = new CursorPicture(compositor, _surface, _viewport);
        }

        return _image.TryLoad(cursor);
    }

    // A hotspot counts at once, an image with its commit: both are in one batch.
    private bool Tell(bool isVisible, int hotX, int hotY)
    {
        if (_told == (isVisible, hotX, hotY))
            return false;
        _told = (isVisible, hotX, hotY);
        pointer.SetCursor(_enterSerial, isVisible ? _surface : null, hotX, hotY);
        return true;
    }
}
