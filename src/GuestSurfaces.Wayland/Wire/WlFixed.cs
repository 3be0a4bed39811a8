// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>A signed 24.8 fixed-point number, as the wire carries it.</summary>
/// <param name="Raw">The value times 256.</param>
public readonly record struct WlFixed(int Raw)
{
    /// <summary>A whole number; beyond ±8388607 it saturates.</summary>
    /// <param name="value">The number.</param>
    public static WlFixed FromInt32(int value) => new((int)Math.Clamp((long)value * 256, int.MinValue, int.MaxValue));

    /// <summary>The nearest representable number; out of range it saturates, NaN becomes 0.</summary>
    /// <param name="value">The number.</param>
    public static WlFixed FromDouble(double value) => new((int)Math.Clamp(Math.Round(value * 256), int.MinValue, int.MaxValue));

    /// <summary>Exactly this value.</summary>
    public double ToDouble() => Raw / 256.0;

    /// <inheritdoc/>
    public override string ToString() => ToDouble().ToString(System.Globalization.CultureInfo.InvariantCulture);
}
