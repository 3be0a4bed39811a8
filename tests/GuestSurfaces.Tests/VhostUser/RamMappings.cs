// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Tests.VhostUser;

/// <summary>The mappings of guests' RAM that this process holds.</summary>
internal static class RamMappings
{
    public static int Count => File.ReadAllLines("/proc/self/maps").Count(l => l.Contains("fake-guest-ram", StringComparison.Ordinal));
}
