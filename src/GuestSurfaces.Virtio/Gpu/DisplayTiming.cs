// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// A mode as a monitor would time it, with CVT's reduced blanking. No signal is ever made; the guest's refresh rate is the clock over the totals.
/// Source: VESA CVT 1.2, reduced blanking version 1.
/// </summary>
internal readonly struct DisplayTiming
{
    public const int HorizontalBlank = 160;
    public const int HorizontalFront = 48;
    public const int HorizontalSync = 32;
    public const int VerticalFront = 3;
    public const int VerticalSync = 6;
    private const int MinVerticalBack = 6;
    private const long MaxClock10Khz = 1 << 24; // three bytes, minus one, in DisplayID
    private const long MinVerticalBlankNs = 460_000;

    public DisplayTiming(in OutputMode mode)
    {
        var milliHz = mode.RefreshMilliHz > 0 ? mode.RefreshMilliHz : VirtioGpuOptions.DefaultMode.RefreshMilliHz;
        Width = mode.Size.Width;
        Height = mode.Size.Height;
        var frameNs = 1_000_000_000_000 / milliHz;
        var lineNs = Math.Max((frameNs - MinVerticalBlankNs) / Height, 1);
        VerticalBlank = (int)Math.Clamp((MinVerticalBlankNs / lineNs) + 1, VerticalFront + VerticalSync + MinVerticalBack, 4095);
        Clock10Khz = Math.Min((((long)(Width + HorizontalBlank) * (Height + VerticalBlank) * milliHz) + 5_000_000) / 10_000_000, MaxClock10Khz);
        LineHz = (long)(Height + VerticalBlank) * milliHz / 1000;
        RefreshHz = (milliHz + 500) / 1000;
        // 96 dots per inch where nobody knows.
        WidthMm = mode.WidthMm > 0 ? mode.WidthMm : Width * 254 / 960;
        HeightMm = mode.HeightMm > 0 ? mode.HeightMm : Height * 254 / 960;
    }

    public int Width { get; }

    public int Height { get; }

    public int VerticalBlank { get; }

    public long Clock10Khz { get; }

    public long LineHz { get; }

    public int RefreshHz { get; }

    public int WidthMm { get; }

    public int HeightMm { get; }

    /// <summary>A detailed timing descriptor has 12 bits for a side and 16 for the clock.</summary>
    public bool FitsDescriptor => Width <= 4095 && Height <= 4095 && Clock10Khz <= ushort.MaxValue;
}
