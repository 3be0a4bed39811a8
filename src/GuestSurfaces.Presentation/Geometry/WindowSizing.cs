// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Geometry;

/// <summary>What a configure event says beside the size.</summary>
[Flags]
internal enum WindowStates
{
    /// <summary>An ordinary window.</summary>
    None = 0,

    /// <summary>Maximized or tiled: the size is an order.</summary>
    Exact = 1,

    /// <summary>Fullscreen: the size is an upper bound; the compositor centres what is smaller and fills the rest.</summary>
    Fullscreen = 2,

    /// <summary>The user is dragging an edge.</summary>
    Resizing = 4,
}

/// <summary>Where things go in a window.</summary>
/// <param name="Window">What the compositor takes for the window.</param>
/// <param name="Content">The picture in it. Whatever it leaves free is a black bar on two sides.</param>
internal readonly record struct WindowLayout(SurfaceSize Window, SurfaceRect Content);

/// <summary>
/// Decides how large a window is. It follows the guest's mode until the user gives it another size; then the picture is scaled into that,
/// and a new mode of the guest ends it. Only maximized and tiled windows have bars: a floating one takes the picture's shape, and around a
/// fullscreen one the compositor fills up (xdg_toplevel.set_fullscreen).
/// </summary>
internal struct WindowSizing
{
    private SurfaceSize _ordered;
    private SurfaceSize _wish;
    private SurfaceSize _current;
    private SurfaceSize _before;
    private BufferSize _picture;
    private WindowStates _states;

    /// <summary>Takes a configure event.</summary>
    /// <param name="size">Empty: as we like.</param>
    /// <param name="states">What kind of order it is.</param>
    public void Configure(SurfaceSize size, WindowStates states)
    {
        _states = states;
        _ordered = size;
        if ((states & (WindowStates.Exact | WindowStates.Fullscreen)) != 0)
            return;
        if (size.IsEmpty || size == SurfaceSize.Of(_picture))
            _wish = default;
        else if ((states & WindowStates.Resizing) != 0 || (size != _current && size != _before))
            _wish = size;

        // Else it repeats what we chose ourselves (as focus changes do), maybe before a mode change: no wish of the user's.
    }

    /// <summary>Lays out the window for a picture.</summary>
    /// <param name="picture">The guest's size now.</param>
    /// <param name="canScale">Whether there is wp_viewporter.</param>
    /// <param name="canAddBars">Whether there are subsurfaces to make bars of.</param>
    public WindowLayout Arrange(BufferSize picture, bool canScale, bool canAddBars)
    {
        if (picture != _picture)
        {
            _picture = picture;
            _wish = default;
        }

        var layout = Choose(SurfaceSize.Of(picture), canScale, canAddBars);
        if (layout.Window != _current)
        {
            _before = _current;
            _current = layout.Window;
        }

        return layout;
    }

    private readonly WindowLayout Choose(SurfaceSize natural, bool canScale, bool canAddBars)
    {
        var isExact = (_states & WindowStates.Exact) != 0;
        var isFullscreen = (_states & WindowStates.Fullscreen) != 0;
        var space = isExact || isFullscreen ? _ordered : _wish;
        if (!canScale || space.IsEmpty)
            return new WindowLayout(natural, Letterbox.Centre(natural, natural));
        var fitted = Letterbox.Fit(space, _picture);
        if (!isExact || isFullscreen)
            return new WindowLayout(fitted, Letterbox.Centre(fitted, fitted));

        // A maximized window of another size is a protocol error: without bars the picture is stretched instead.
        return new WindowLayout(space, canAddBars ? Letterbox.Centre(space, fitted) : Letterbox.Centre(space, space));
    }
}
