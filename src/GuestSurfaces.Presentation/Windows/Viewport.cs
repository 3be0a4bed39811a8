// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Geometry;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>A surface's wp_viewport; sends only what has changed. With the surface's next commit. Does nothing where there is no wp_viewporter.</summary>
internal sealed class Viewport
{
    private readonly WpViewport? _viewport;
    private BufferRect _source;
    private SurfaceSize _destination;

    /// <summary>Makes it.</summary>
    /// <param name="viewporter">May be null.</param>
    /// <param name="surface">Destroyed after this.</param>
    public Viewport(WpViewporter? viewporter, WlSurface surface) => _viewport = viewporter?.GetViewport(surface);

    /// <summary>Says which part of the buffer goes where. Exact where both are of one size: then nothing is scaled.</summary>
    /// <param name="buffer">The attached buffer's size.</param>
    /// <param name="source">The part, after the buffer's transform.</param>
    /// <param name="destination">The surface's size.</param>
    /// <returns>Whether anything has changed.</returns>
    public bool Set(BufferSize buffer, BufferRect source, SurfaceSize destination)
    {
        if (_viewport is null)
            return false;
        var newSource = source == buffer.Whole ? default : source;
        var newDestination = destination == SurfaceSize.Of(source.Size) ? default : destination;
        if (newSource == _source && newDestination == _destination)
            return false;
        if (newSource != _source)
        {
            _source = newSource;
            if (newSource.IsEmpty)
                _viewport.SetSource(WlFixed.FromInt32(-1), WlFixed.FromInt32(-1), WlFixed.FromInt32(-1), WlFixed.FromInt32(-1));
            else
                _viewport.SetSource(WlFixed.FromInt32(source.X), WlFixed.FromInt32(source.Y), WlFixed.FromInt32(source.Width), WlFixed.FromInt32(source.Height));
        }

        if (newDestination != _destination)
        {
            _destination = newDestination;
            _viewport.SetDestination(newDestination.IsEmpty ? -1 : destination.Width, newDestination.IsEmpty ? -1 : destination.Height);
        }

        return true;
    }

    /// <summary>Destroys it.</summary>
    public void Destroy() => _viewport?.Destroy();
}
