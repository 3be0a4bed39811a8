// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>
/// What the compositor says about dma-bufs on one surface, which changes as its window goes full screen or to another screen; until it has
/// spoken about the surface, and below version 4, what it says in general.
/// </summary>
internal sealed class SurfaceFeedback
{
    private readonly Compositor _compositor;
    private readonly DmabufFeedbackReader? _reader;
    private readonly Action _changed;
    private DmabufFeedback _told;
    private (DmabufFeedback? Feedback, DmabufPair Pair, bool IsFullscreen) _explained;
    private string _explanation = string.Empty;

    /// <summary>Starts listening.</summary>
    /// <param name="compositor">The connection, set up.</param>
    /// <param name="surface">Outlives this.</param>
    /// <param name="changed">Told when the surface's own feedback is another.</param>
    public SurfaceFeedback(Compositor compositor, WlSurface surface, Action changed)
    {
        ArgumentNullException.ThrowIfNull(compositor);
        _compositor = compositor;
        _changed = changed;
        _told = compositor.Feedback;
        if (compositor.Dmabuf is { Version: >= 4 } dmabuf)
            _reader = new DmabufFeedbackReader(dmabuf, surface, OnChanged);
    }

    /// <summary>What holds now.</summary>
    public DmabufFeedback Current => _reader?.Current is { } own && own != DmabufFeedback.None ? own : _compositor.Feedback;

    /// <summary>Why a buffer is drawn by the compositor instead of being scanned out; empty if it may be. A sentence for each change, not for each frame.</summary>
    /// <param name="buffer">On the surface.</param>
    /// <param name="isFullscreen">Whether the window fills the screen.</param>
    public string CompositedBecause(SurfaceBuffer buffer, bool isFullscreen)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        if (!buffer.Storage.IsDmabuf)
            return "shared memory is never scanned out";
        var asked = (Feedback: Current, Pair: new DmabufPair(buffer.View.Format.Opaque, buffer.View.Modifier), IsFullscreen: isFullscreen);
        if (asked != _explained)
        {
            _explained = asked;
            _explanation = DmabufChoice.CompositedBecause(asked.Feedback, asked.Pair, isFullscreen);
        }

        return _explanation;
    }

    /// <summary>Stops listening; the surface is destroyed after this.</summary>
    public void Destroy() => _reader?.Destroy();

    private void OnChanged()
    {
        // The first word about a surface is mostly the general one again.
        if (Current.Says(_told))
            return;
        _told = Current;
        _changed();
    }
}
