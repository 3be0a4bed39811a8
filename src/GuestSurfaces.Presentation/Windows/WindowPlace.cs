// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// Which monitors a window is on, and at which scale it is shown there. The compositor's own word for this surface counts most (fractional-scale-v1, then
/// wl_surface.preferred_buffer_scale), else the largest of its monitors'. How fast these refresh their modes say, else what the compositor says of frames that it showed.
/// </summary>
internal sealed class WindowPlace : IWpFractionalScaleV1Listener
{
    // 1 to 1000 Hz.
    private const uint ShortestRefreshNs = 1_000_000;
    private const uint LongestRefreshNs = 1_000_000_000;
    private const int FramesToBelieve = 3;

    private readonly Compositor _compositor;
    private readonly Action _changed;
    private readonly WpFractionalScaleV1? _fractional;
    private readonly List<WlOutput> _outputs = [];
    private SurfaceScale? _told;
    private int _presentedMilliHz;
    private int _newMilliHz;
    private int _timesSeen;
    private OutputInfo? _last;

    /// <summary>Asks for a surface's scale.</summary>
    /// <param name="compositor">The connection.</param>
    /// <param name="surface">Destroyed after this.</param>
    /// <param name="changed">Called when a scale was told.</param>
    public WindowPlace(Compositor compositor, WlSurface surface, Action changed)
    {
        _compositor = compositor;
        _changed = changed;
        if (compositor.FractionalScales is not { } scales)
            return;
        _fractional = scales.GetFractionalScale(surface);
        _fractional.Listener = this;
    }

    /// <summary>The monitor that it came to last, of those it is on; the one that it was on, while it is on none (moved, minimized). Null if it never was on any.</summary>
    public OutputInfo? Output => _last = (_outputs.Count > 0 ? _compositor.Outputs.Find(_outputs[^1]) : null) ?? _last;

    /// <summary>How many pixels a surface unit has. 1 where nothing can be scaled: the compositor does it then.</summary>
    public SurfaceScale Scale
    {
        get
        {
            if (_compositor.Viewporter is null)
                return default;
            if (_told is { } told)
                return told;
            var largest = 1;
            foreach (var output in _outputs)
                largest = Math.Max(largest, _compositor.Outputs.Find(output)?.Scale ?? 1);
            return SurfaceScale.Whole(largest);
        }
    }

    /// <summary>How fast its monitor refreshes; 0 if nobody has told.</summary>
    public int RefreshMilliHz => Output is { RefreshMilliHz: > 0 and var told } ? told : _presentedMilliHz;

    /// <summary>A frame was shown. What that says of the refresh counts where the monitor's mode says nothing (virtual screens, variable refresh), once it was said a few times.</summary>
    /// <param name="refreshNs">0: nothing.</param>
    /// <returns>Whether that is news.</returns>
    public bool TakeRefresh(long refreshNs)
    {
        if (refreshNs is < ShortestRefreshNs or > LongestRefreshNs)
            return false;
        var milliHz = (int)(1_000_000_000_000 / refreshNs);
        if (IsNear(milliHz, _presentedMilliHz))
            return false;
        _timesSeen = IsNear(milliHz, _newMilliHz) ? _timesSeen + 1 : 1;
        _newMilliHz = milliHz;
        if (_timesSeen < FramesToBelieve)
            return false;
        _presentedMilliHz = milliHz;
        return Output is not { RefreshMilliHz: > 0 };
    }

    /// <summary>It is on a monitor.</summary>
    /// <param name="output">Which; null if that is gone already.</param>
    public void Enter(WlOutput? output)
    {
        if (output is not null && !_outputs.Contains(output))
            _outputs.Add(output);
    }

    /// <summary>It isn't any more.</summary>
    /// <param name="output">Which.</param>
    public void Leave(WlOutput? output)
    {
        _ = Output;
        if (output is not null)
            _outputs.Remove(output);
    }

    /// <summary>Monitors have changed, or are gone.</summary>
    public void ForgetGone()
    {
        _ = Output;
        _outputs.RemoveAll(output => _compositor.Outputs.Find(output) is null);
    }

    /// <summary>wl_surface.preferred_buffer_scale: whole scales only, so it counts where nothing better is told.</summary>
    /// <param name="factor">The scale.</param>
    public void Prefer(int factor)
    {
        if (_fractional is null)
            Take(SurfaceScale.Whole(factor));
    }

    /// <summary>
    /// The mode of a monitor that is this window: as dense as the one it is on. Where nobody knows how large that is (virtual screens), as dense as its scale
    /// says, so that the guest chooses the scale that its host has.
    /// </summary>
    /// <param name="size">In pixels; empty: whatever the guest has.</param>
    public Core.Sessions.OutputMode ModeOf(BufferSize size)
    {
        const int dotsPerInch = 96;
        var info = Output.GetValueOrDefault();
        var scale = Scale;
        var (widthMm, heightMm) = (0, 0);
        if (info is { WidthMm: > 0, HeightMm: > 0, Mode: { Width: > 0, Height: > 0 } })
            (widthMm, heightMm) = (Share(size.Width, info.WidthMm, info.Mode.Width), Share(size.Height, info.HeightMm, info.Mode.Height));
        else if (scale != default)
            (widthMm, heightMm) = (Share(size.Width, 254 * SurfaceScale.One, 10 * dotsPerInch * scale.Of120), Share(size.Height, 254 * SurfaceScale.One, 10 * dotsPerInch * scale.Of120));
        return new Core.Sessions.OutputMode(size, RefreshMilliHz, widthMm, heightMm, Enabled: true);
    }

    /// <summary>Destroys what asks for the scale.</summary>
    public void Destroy() => _fractional?.Destroy();

    void IWpFractionalScaleV1Listener.OnPreferredScale(WpFractionalScaleV1 sender, uint scale) => Take(SurfaceScale.Of(scale));

    // A guest changes its mode for it: what only jitters is none.
    private static bool IsNear(int a, int b) => Math.Abs((long)a - b) * 50 <= b;

    private static int Share(int pixels, int mm, int of) => (int)Math.Min(((long)pixels * mm) / of, 65_535);

    private void Take(SurfaceScale scale)
    {
        if (scale == _told)
            return;
        _told = scale;
        _changed();
    }
}
