// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Where the colours of a pixel are, byte by byte (virtio 1.3 §5.7.6.8, names of the formats).</summary>
public static class PixelFormats
{
    public static IReadOnlyList<GpuFormat> All { get; } = Enum.GetValues<GpuFormat>();

    public static bool IsKnown(uint format) => Enum.IsDefined((GpuFormat)format);

    /// <summary>Which byte of a pixel is blue, green, red.</summary>
    public static (int B, int G, int R) Places(GpuFormat format) => format switch
    {
        GpuFormat.B8G8R8A8 or GpuFormat.B8G8R8X8 => (0, 1, 2),
        GpuFormat.A8R8G8B8 or GpuFormat.X8R8G8B8 => (3, 2, 1),
        GpuFormat.R8G8B8A8 or GpuFormat.R8G8B8X8 => (2, 1, 0),
        GpuFormat.X8B8G8R8 or GpuFormat.A8B8G8R8 => (1, 2, 3),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "not a format of virtio-gpu"),
    };

    /// <summary>A pixel as a number 0xRRGGBB.</summary>
    public static uint Rgb(GpuFormat format, ReadOnlySpan<byte> pixel)
    {
        var (b, g, r) = Places(format);
        return (uint)((pixel[r] << 16) | (pixel[g] << 8) | pixel[b]);
    }
}
