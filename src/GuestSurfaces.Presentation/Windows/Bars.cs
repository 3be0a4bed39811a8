// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// The black bars beside a picture that doesn't fill its window: two subsurfaces next to it, and a window geometry around all three. So the
/// picture stays alone on its surface, with or without bars, and can go to a hardware plane. They change with the picture's commit.
/// </summary>
internal sealed class Bars(Compositor compositor, WlSurface picture)
{
    private Overlay? _before;
    private Overlay? _after;
    private WindowLayout _layout;

    /// <summary>Whether this compositor can have any.</summary>
    public bool IsPossible => compositor.Subcompositor is not null && compositor.Viewporter is not null;

    /// <summary>Puts them where the layout leaves room. With the picture's next commit.</summary>
    /// <param name="layout">The layout.</param>
    public void Arrange(in WindowLayout layout)
    {
        if (layout == _layout)
            return;
        _layout = layout;
        var (window, content) = (layout.Window, layout.Content);
        var isBeside = content.Width < window.Width;
        Place(
            ref _before,
            isBeside ? new SurfaceRect(0, 0, content.X, window.Height) : new SurfaceRect(0, 0, window.Width, content.Y),
            content);
        Place(
            ref _after,
            isBeside ? new SurfaceRect(content.Right, 0, window.Width - content.Right, window.Height) : new SurfaceRect(0, content.Bottom, window.Width, window.Height - content.Bottom),
            content);
    }

    /// <summary>Destroys them.</summary>
    public void Destroy()
    {
        _before?.Destroy();
        _after?.Destroy();
    }

    private void Place(ref Overlay? bar, SurfaceRect rect, SurfaceRect content)
    {
        if (rect.IsEmpty || !IsPossible || compositor.Black.Get(new BufferSize(1, 1), out var size) is not { } black)
        {
            bar?.Unmap();
            return;
        }

        bar ??= new Overlay(compositor, picture, desync: false);
        bar.MoveTo(rect.X - content.X, rect.Y - content.Y);
        bar.Viewport.Set(size, size.Whole, rect.Size);
        bar.Surface.Attach(black, 0, 0);
        SurfaceDamage.Whole(bar.Surface, size);
        bar.Surface.Commit();
    }
}
