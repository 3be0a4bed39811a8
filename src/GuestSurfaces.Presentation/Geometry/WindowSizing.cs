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

    /// <summary>The size is that of a whole monitor.</summary>
    Covering = 8,

    /// <summary>Those whose size isn't ours to choose.</summary>
    Ordered = Exact | Fullscreen,
}

/// <summary>Where things go in a window.</summary>
/// <param name="Window">What the compositor takes for the window.</param>
/// <param name="Content">The picture in it. Whatever it leaves free is a black bar on two sides.</param>
internal readonly record struct WindowLayout(SurfaceSize Window, SurfaceRect Content);

/// <summary>
/// Decides how large a window is, and which mode the guest should have in it. It follows the guest's mode until the user gives it another size; then the picture is
/// scaled into that, and the guest's next mode ends it: the one that was asked for, if the guest follows windows. Pictures keep their shape in any case. Only maximized
/// and tiled windows have bars: a floating one takes the picture's shape, and around a fullscreen one the compositor fills up (xdg_toplevel.set_fullscreen), unless
/// the guest is to fill it.
/// <para>
/// Rows of a multiple of 256 bytes are what every GPU imports. So a floating window, which takes the guest's size anyway, asks for a width of a multiple of 64 pixels and
/// becomes up to that much narrower. One whose size is an order asks for exactly that: a border would be seen, for ever.
/// </para>
/// </summary>
internal struct WindowSizing
{
    /// <summary>Pixels of four bytes in 256 bytes.</summary>
    public const int WidthStep = 64;

    /// <summary>A guest that hasn't answered a wish by then has another size for reasons of its own. Units: ns.</summary>
    public const long AnswerNs = 5_000_000_000;

    private SurfaceSize _ordered;
    private SurfaceSize _wish;
    private SurfaceSize _current;
    private SurfaceSize _before;
    private SurfaceSize _floating;
    private BufferSize _picture;
    private WindowStates _states;
    private SurfaceScale _scale;
    private long _wishedNs;

    /// <summary>Whether the guest is asked to take the window's size.</summary>
    public bool IsFollowed { get; init; }

    /// <summary>The size that the guest should have; empty while nobody has a wish. In pixels.</summary>
    public readonly BufferSize Wanted
    {
        get
        {
            if ((_states & WindowStates.Ordered) != 0)
                return _ordered.IsEmpty ? default : _scale.ToPixels(_ordered);
            return _wish.IsEmpty ? default : _wish == _scale.ToUnits(_picture) ? _picture : Align(_wish);
        }
    }

    /// <summary>Takes a configure event.</summary>
    /// <param name="size">Empty: as we like.</param>
    /// <param name="states">What kind of order it is.</param>
    /// <param name="nowNs">Now.</param>
    public void Configure(SurfaceSize size, WindowStates states, long nowNs = 0)
    {
        var isFreed = (_states & WindowStates.Ordered) != 0 && (states & WindowStates.Ordered) == 0 && IsFollowed;
        _states = states;
        _ordered = size;
        _wishedNs = nowNs;
        if ((states & WindowStates.Ordered) != 0)
            return;
        if (isFreed)
            _wish = size.IsEmpty ? _floating : size; // the guest's mode is that of the larger window
        else if (size.IsEmpty ? !IsFollowed : size == _scale.ToUnits(_picture) && !IsFollowed)
            _wish = default;
        else if (!size.IsEmpty && ((states & WindowStates.Resizing) != 0 || (size != _current && size != _before)))
            _wish = size;

        // Else it repeats what we chose ourselves (as focus changes do), maybe before a mode change: no wish of the user's.
    }

    /// <summary>The window is shown at another scale. It stays as large as it is to the eye, and a guest that follows gets the pixels for that.</summary>
    /// <param name="scale">The scale.</param>
    /// <param name="nowNs">Now.</param>
    public void Rescale(SurfaceScale scale, long nowNs)
    {
        if (scale == _scale)
            return;
        _scale = scale;
        _wishedNs = nowNs;
        if (IsFollowed && _wish.IsEmpty)
            _wish = _floating;
    }

    /// <summary>Lays out the window for a picture.</summary>
    /// <param name="picture">The guest's size now.</param>
    /// <param name="canScale">Whether there is wp_viewporter.</param>
    /// <param name="canAddBars">Whether there are subsurfaces to make bars of.</param>
    /// <param name="nowNs">Now.</param>
    public WindowLayout Arrange(BufferSize picture, bool canScale, bool canAddBars, long nowNs = 0)
    {
        if (picture != _picture)
        {
            if (!IsFollowed || nowNs - _wishedNs > AnswerNs)
                _wish = default;
            else if (_picture == default && _wish.IsEmpty && _scale.Of120 > SurfaceScale.One)
                _wish = SurfaceSize.Of(picture); // the first one: as large as on a screen of scale 1
            _picture = picture;
        }

        if (IsFollowed && (_states & WindowStates.Resizing) == 0 && picture == Wanted)
            _wish = default; // answered; from now on it is the guest who decides
        var layout = Choose(canScale, canAddBars);
        if (layout.Window != _current)
        {
            _before = _current;
            _current = layout.Window;
        }

        if ((_states & WindowStates.Ordered) == 0)
            _floating = layout.Window;
        return layout;
    }

    private readonly WindowLayout Choose(bool canScale, bool canAddBars)
    {
        var natural = canScale ? _scale.ToUnits(_picture) : SurfaceSize.Of(_picture);
        var isOrdered = (_states & WindowStates.Ordered) != 0;
        var space = isOrdered ? _ordered : _wish;
        if (!canScale || space.IsEmpty)
            return new WindowLayout(natural, Letterbox.Centre(natural, natural));
        var fitted = Fills(space) ? space : (isOrdered || IsFollowed) && Fits(space) ? natural : Letterbox.Fit(space, _picture);
        // sway takes a smaller fullscreen window for one that wants to stay so, and the guest would be asked for that: a guest that follows has bars until it has.
        if ((_states & WindowStates.Fullscreen) != 0 ? !IsFollowed || !canAddBars : (_states & WindowStates.Exact) == 0)
            return new WindowLayout(fitted, Letterbox.Centre(fitted, fitted));

        // A maximized window of another size is a protocol error: without bars the picture is stretched instead.
        return new WindowLayout(space, canAddBars ? Letterbox.Centre(space, fitted) : Letterbox.Centre(space, space));
    }

    /// <summary>A picture that all but fills a space isn't scaled for that little: drivers round modes, and nothing blurs text like 1360 pixels on 1366.</summary>
    private readonly bool Fits(SurfaceSize space)
    {
        var (width, height) = Room(space);
        return width >= 0 && height >= 0 && width < Math.Min(WidthStep, (_picture.Width / 8) + 1) && height < Math.Min(WidthStep, (_picture.Height / 8) + 1);
    }

    /// <summary>At a scale between whole ones a screen's pixels aren't always a number of surface units: then the sizes differ by the pixel that was rounded.</summary>
    private readonly bool Fills(SurfaceSize space)
    {
        var (width, height) = Room(space);
        return !_scale.IsWhole && width is >= -1 and <= 1 && height is >= -1 and <= 1;
    }

    private readonly (int Width, int Height) Room(SurfaceSize space)
    {
        var pixels = _scale.ToPixels(space);
        return (pixels.Width - _picture.Width, pixels.Height - _picture.Height);
    }

    /// <summary>The largest size that every GPU imports, and that the window can have at this scale; within two steps, and an eighth: narrow windows stay as they are.</summary>
    private readonly BufferSize Align(SurfaceSize size)
    {
        var exact = _scale.ToPixels(size);
        for (var width = size.Width; _scale.ToPixels(width) > exact.Width - Math.Min(2 * WidthStep, exact.Width / 8); width--)
        {
            if (_scale.ToPixels(width) is var pixels && pixels % WidthStep == 0)
                return exact with { Width = pixels };
        }

        return exact;
    }
}
