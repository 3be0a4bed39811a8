// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// Words in the picture: how to get keyboard and mouse back. Above everything a guest can put there. It comes and goes with a commit of the picture. Without subsurfaces
/// there is none.
/// </summary>
/// <param name="compositor">The connection.</param>
/// <param name="picture">What it stands on.</param>
/// <param name="chord">The keys.</param>
internal sealed class Notice(Compositor compositor, WlSurface picture, string chord)
{
    private const int LargestCell = 4;
    private const int WidthShare = 2; // at most so much of the window, as one in this

    private readonly string _long = $"{chord} releases keyboard and mouse";
    private Overlay? _words;
    private WindowLayout? _layout;

    /// <summary>Shows or hides it. With the picture's next commit.</summary>
    /// <param name="layout">The window.</param>
    /// <param name="isShown">Which of both.</param>
    public void Arrange(in WindowLayout layout, bool isShown)
    {
        if (!isShown)
        {
            if (_layout is not null)
                _words?.Unmap();
            _layout = null;
            return;
        }

        if (layout == _layout || compositor.Subcompositor is null)
            return;
        if (_layout is null)
            Destroy(); // what lay here the last time lies below what was made since
        _layout = layout;

        // A small window has room for the keys alone.
        var room = layout.Window.Width / WidthShare;
        var text = NoticeBuffers.SizeOf(_long, 1).Width <= room ? _long : chord;
        var cell = Math.Clamp(room / NoticeBuffers.SizeOf(text, 1).Width, 1, LargestCell);
        if (compositor.Notices.Get(text, cell) is not { } buffer)
            return;
        var size = NoticeBuffers.SizeOf(text, cell);
        _words ??= new Overlay(compositor, picture, desync: false);
        _words.MoveTo(((layout.Window.Width - size.Width) / 2) - layout.Content.X, (NoticeBuffers.Margin * cell) - layout.Content.Y);
        _words.Show(buffer, size);
    }

    /// <summary>Destroys it.</summary>
    public void Destroy()
    {
        _words?.Destroy();
        _words = null;
    }
}
