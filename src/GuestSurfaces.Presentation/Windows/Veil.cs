// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// What tells, without a title bar, that nobody sends this picture any more: the window is dimmed, and has a sign in its middle. Above everything a guest can
/// put there, and nothing that a guest sends makes it. It comes and goes with a commit of the picture. Without subsurfaces there is none.
/// </summary>
internal sealed class Veil(Compositor compositor, WlSurface picture)
{
    // The sign takes a sixth of the window's shorter side, if that leaves a pixel for each of its cells; on very large windows less.
    private const int SignShare = 6;
    private const int SmallestWindow = 2 * SignBuffers.Cells;
    private const int LargestCell = 16;

    private Overlay? _shade;
    private Overlay? _sign;
    private WindowLayout? _layout;

    /// <summary>Puts it over the window, or takes it away. With the picture's next commit.</summary>
    /// <param name="layout">The window.</param>
    /// <param name="isShown">Which of both.</param>
    public void Arrange(in WindowLayout layout, bool isShown)
    {
        if (!isShown)
        {
            Hide();
            return;
        }

        if (layout == _layout || compositor.Subcompositor is null)
            return;
        if (_layout is null)
            Destroy(); // what lay here the last time lies below what was made since
        _layout = layout;
        PlaceShade(in layout);
        PlaceSign(in layout);
    }

    /// <summary>Destroys it.</summary>
    public void Destroy()
    {
        _shade?.Destroy();
        _sign?.Destroy();
        (_shade, _sign) = (null, null);
    }

    // Not destroyed: that would count before the commit that brings the next picture.
    private void Hide()
    {
        if (_layout is null)
            return;
        _layout = null;
        _shade?.Unmap();
        _sign?.Unmap();
    }

    private void PlaceShade(in WindowLayout layout)
    {
        if (compositor.Shade.Get(new BufferSize(layout.Window.Width, layout.Window.Height), out var size) is not { } shade)
            return;
        _shade ??= new Overlay(compositor, picture, desync: false);
        _shade.MoveTo(-layout.Content.X, -layout.Content.Y);
        _shade.Viewport.Set(size, size.Whole, layout.Window);
        _shade.Show(shade, size);
    }

    private void PlaceSign(in WindowLayout layout)
    {
        var window = layout.Window;
        var shorter = Math.Min(window.Width, window.Height);
        var cell = Math.Clamp(shorter / (SignShare * SignBuffers.Cells), 1, LargestCell);
        if (shorter < SmallestWindow || compositor.Sign.Get(cell) is not { } sign)
        {
            _sign?.Unmap();
            return;
        }

        var size = new BufferSize(SignBuffers.Cells * cell, SignBuffers.Cells * cell);
        var place = Letterbox.Centre(window, SurfaceSize.Of(size));
        _sign ??= new Overlay(compositor, picture, desync: false);
        _sign.MoveTo(place.X - layout.Content.X, place.Y - layout.Content.Y);
        _sign.Show(sign, size);
    }
}
