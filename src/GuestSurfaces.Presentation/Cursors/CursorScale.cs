// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Presentation.Geometry;

namespace GuestSurfaces.Presentation.Cursors;

/// <summary>From scanout pixels to those of the surface that shows the scanout: a cursor grows with its picture.</summary>
/// <param name="scanout">The picture's size in scanout pixels.</param>
/// <param name="content">The picture's size on its surface.</param>
internal readonly struct CursorScale(BufferSize scanout, SurfaceSize content)
{
    /// <summary>Surface pixels of a scanout pixel, to the right.</summary>
    public double X { get; } = (double)content.Width / scanout.Width;

    /// <summary>Downwards.</summary>
    public double Y { get; } = (double)content.Height / scanout.Height;

    /// <summary>How large something is on the surface.</summary>
    /// <param name="width">In scanout pixels.</param>
    /// <param name="height">Likewise.</param>
    /// <returns>At least a pixel.</returns>
    public SurfaceSize Of(int width, int height) => new(Math.Max(1, (int)Math.Round(width * X)), Math.Max(1, (int)Math.Round(height * Y)));
}
