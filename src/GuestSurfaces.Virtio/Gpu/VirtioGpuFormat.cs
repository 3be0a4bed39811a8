// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>virtio-gpu's pixel formats; the letters are the order in memory. Source: virtio 1.3 §5.7.6.8.</summary>
public enum VirtioGpuFormat : uint
{
    /// <summary>B G R A.</summary>
    B8G8R8A8 = 1,

    /// <summary>B G R X: what Linux uses.</summary>
    B8G8R8X8 = 2,

    /// <summary>A R G B.</summary>
    A8R8G8B8 = 3,

    /// <summary>X R G B.</summary>
    X8R8G8B8 = 4,

    /// <summary>R G B A.</summary>
    R8G8B8A8 = 67,

    /// <summary>X B G R.</summary>
    X8B8G8R8 = 68,

    /// <summary>A B G R.</summary>
    A8B8G8R8 = 121,

    /// <summary>R G B X.</summary>
    R8G8B8X8 = 134,
}

/// <summary>Turns virtio's format numbers into DRM's.</summary>
public static class VirtioGpuFormats
{
    /// <summary>All eight have four bytes a pixel.</summary>
    public const int BytesPerPixel = 4;

    /// <summary>Looks a format up.</summary>
    /// <param name="format">As the guest sent it.</param>
    /// <param name="drm">DRM names bytes from the highest of a little-endian u32 down, virtio from the first in memory up.</param>
    /// <returns>False for a number that isn't one of the eight.</returns>
    public static bool TryToDrm(uint format, out DrmFormat drm)
    {
        drm = (VirtioGpuFormat)format switch
        {
            VirtioGpuFormat.B8G8R8A8 => DrmFormat.Argb8888,
            VirtioGpuFormat.B8G8R8X8 => DrmFormat.Xrgb8888,
            VirtioGpuFormat.A8R8G8B8 => DrmFormat.Bgra8888,
            VirtioGpuFormat.X8R8G8B8 => DrmFormat.Bgrx8888,
            VirtioGpuFormat.R8G8B8A8 => DrmFormat.Abgr8888,
            VirtioGpuFormat.X8B8G8R8 => DrmFormat.Rgbx8888,
            VirtioGpuFormat.A8B8G8R8 => DrmFormat.Rgba8888,
            VirtioGpuFormat.R8G8B8X8 => DrmFormat.Xbgr8888,
            _ => default,
        };
        return drm != default;
    }
}
