// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Geometry;

/// <summary>How a picture goes into a space of another shape.</summary>
internal static class Letterbox
{
    /// <summary>The largest size of the picture's shape that fits; the space itself if the picture fills it exactly.</summary>
    /// <param name="space">Not empty.</param>
    /// <param name="picture">Not empty.</param>
    public static SurfaceSize Fit(SurfaceSize space, BufferSize picture)
    {
        var byWidth = (long)space.Width * picture.Height;
        var byHeight = (long)space.Height * picture.Width;
        return byWidth <= byHeight
            ? new SurfaceSize(space.Width, Scale(byWidth, picture.Width))
            : new SurfaceSize(Scale(byHeight, picture.Height), space.Height);
    }

    /// <summary>A size in the middle of a space; an odd unit goes right and down.</summary>
    /// <param name="space">The space.</param>
    /// <param name="size">Not larger.</param>
    public static SurfaceRect Centre(SurfaceSize space, SurfaceSize size) =>
        new((space.Width - size.Width) / 2, (space.Height - size.Height) / 2, size.Width, size.Height);

    private static int Scale(long product, int divisor) => (int)Math.Max(1, (product + (divisor / 2)) / divisor);
}
