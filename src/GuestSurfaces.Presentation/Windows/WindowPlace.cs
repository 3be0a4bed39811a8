// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// Which monitors a window is on, and at which scale it is shown there. The compositor's own word for this surface counts most (fractional-scale-v1, then
/// wl_surface.preferred_buffer_scale), else the largest of its monitors'.
/// </summary>
internal sealed class WindowPlace : IWpFractionalScaleV1Listener
{
    private readonly Compositor _compositor;
    private readonly Action _changed;
    private readonly WpFractionalScaleV1? _fractional;
    private readonly List<WlOutput> _outputs = [];
    private SurfaceScale? _told;
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
        return new Core.Sessions.OutputMode(size, info.RefreshMilliHz, widthMm, heightMm, Enabled: true);
    }

    /// <summary>Destroys what asks for the scale.</summary>
    public void Destroy() => _fractional?.Destroy();

    void IWpFractionalScaleV1Listener.OnPreferredScale(WpFractionalScaleV1 sender, uint scale) => Take(SurfaceScale.Of(scale));

    private static int Share(int pixels, int mm, int of) => (int)Math.Min(((long)pixels * mm) / of, 65_535);

    private void Take(SurfaceScale scale)
    {
        if (scale == _told)
            return;
        _told = scale;
        _changed();
    }
}
