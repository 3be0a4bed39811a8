// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Windows;

/// <summary>Tells a surface which pixels of its new buffer differ.</summary>
internal static class SurfaceDamage
{
    private const uint DamageBufferSince = 4;

    /// <summary>All of them.</summary>
    /// <param name="surface">The surface.</param>
    /// <param name="size">Its buffer's size.</param>
    public static void Whole(WlSurface surface, BufferSize size)
    {
        ArgumentNullException.ThrowIfNull(surface);
        if (surface.Version >= DamageBufferSince)
            surface.DamageBuffer(0, 0, size.Width, size.Height);
        else
            surface.Damage(0, 0, int.MaxValue, int.MaxValue);
    }

    /// <summary>Those that a frame changed.</summary>
    /// <param name="surface">The surface.</param>
    /// <param name="damage">In the view's pixels; inside what is shown.</param>
    /// <param name="covers">The part of the view that the attached buffer is.</param>
    public static void Send(WlSurface surface, in DamageList damage, BufferRect covers)
    {
        ArgumentNullException.ThrowIfNull(surface);
        if (surface.Version < DamageBufferSince)
        {
            Whole(surface, covers.Size);
            return;
        }

        for (var i = 0; i < damage.Count; i++)
        {
            var rect = damage[i].Offset(-covers.X, -covers.Y);
            surface.DamageBuffer(rect.X, rect.Y, rect.Width, rect.Height);
        }
    }
}
