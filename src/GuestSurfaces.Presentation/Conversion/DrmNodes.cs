// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation.Conversion;

/// <summary>Finds a GPU's device node by the number that a compositor names it by. Source: the kernel's sysfs and <c>sys/sysmacros.h</c>.</summary>
internal static class DrmNodes
{
    /// <summary>A node to draw with: the render node of that GPU where it has one, which needs no rights on the screen, else the one that was named.</summary>
    /// <param name="device">A dev_t.</param>
    /// <param name="sysfs">Where sysfs is; another place for tests.</param>
    /// <returns>A path; null if this machine has no such device.</returns>
    public static string? PathOf(ulong device, string sysfs = "/sys")
    {
        var major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
        var minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
        var folder = Path.Combine(sysfs, "dev/char", $"{major}:{minor}");
        try
        {
            foreach (var node in Directory.EnumerateDirectories(Path.Combine(folder, "device/drm"), "renderD*"))
                return Path.Combine("/dev/dri", Path.GetFileName(node));
        }
        catch (IOException)
        {
            // Not every device has siblings.
        }

        try
        {
            const string name = "DEVNAME=";
            foreach (var line in File.ReadLines(Path.Combine(folder, "uevent")))
            {
                if (line.StartsWith(name, StringComparison.Ordinal))
                    return Path.Combine("/dev", line[name.Length..]);
            }
        }
        catch (IOException)
        {
            // No such device.
        }

        return null;
    }
}
