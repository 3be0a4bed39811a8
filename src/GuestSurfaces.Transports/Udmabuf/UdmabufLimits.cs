// SPDX-License-Identifier: MIT
using System.Globalization;

namespace GuestSurfaces.Transports.Udmabuf;

/// <summary>What the kernel allows in one udmabuf. The administrator can change both numbers at any time.</summary>
/// <param name="ListEntries">Stretches of memory.</param>
/// <param name="SizeMib">Mebibytes.</param>
public readonly record struct UdmabufLimits(uint ListEntries, uint SizeMib)
{
    /// <summary>Where a running kernel has them.</summary>
    public const string ParametersPath = "/sys/module/udmabuf/parameters";

    /// <summary>The kernel's own defaults. Source: Linux 6.12 <c>drivers/dma-buf/udmabuf.c</c>.</summary>
    public static readonly UdmabufLimits Default = new(1024, 64);

    /// <summary>Reads them.</summary>
    /// <param name="path">Another folder, in tests.</param>
    /// <returns>Null if this kernel doesn't show them.</returns>
    public static UdmabufLimits? TryRead(string path = ParametersPath) =>
        TryReadNumber(Path.Combine(path, "list_limit")) is { } entries && TryReadNumber(Path.Combine(path, "size_limit_mb")) is { } size
            ? new UdmabufLimits(entries, size)
            : null;

    private static uint? TryReadNumber(string path)
    {
        try
        {
            return uint.TryParse(File.ReadAllText(path), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
