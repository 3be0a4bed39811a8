// SPDX-License-Identifier: MIT
using System.Globalization;

namespace GuestSurfaces.Cli.Qemu;

/// <summary>Which of QEMU's devices a user wants in front of ours.</summary>
internal enum DeviceWish
{
    /// <summary>The best that this QEMU has.</summary>
    Auto,

    /// <summary>vhost-user-gpu-pci.</summary>
    Gpu,

    /// <summary>The generic one.</summary>
    Generic,
}

/// <summary>QEMU's end of our device. What a guest can do depends on what it passes on.</summary>
/// <param name="Name">As <c>-device</c> names it.</param>
/// <param name="Why">A short clause for the user.</param>
internal sealed record QemuDevice(string Name, string Why)
{
    /// <summary>QEMU's own end of a vhost-user GPU: in every QEMU, but up to 11.1 it never passes RESOURCE_BLOB on.</summary>
    public const string Gpu = "vhost-user-gpu-pci";

    /// <summary>Passes everything on: QEMU 10.2 and newer, and the same under its former name.</summary>
    public static readonly string[] Generic = ["vhost-user-test-device-pci", "vhost-user-device-pci"];

    /// <summary>What a generic device has to be told, and so has to understand.</summary>
    public static readonly string[] GenericOptions = ["virtio-id", "num_vqs", "vq_size", "config_size"];

    /// <summary>The value of <c>-device</c>.</summary>
    /// <param name="chardev">The socket's id.</param>
    /// <param name="outputs">How many heads; a generic device reads them from ours.</param>
    public string Argument(string chardev, int outputs) =>
        Name != Gpu ? $"{Name},chardev={chardev},virtio-id=16,num_vqs=2,vq_size=256,config_size=16"
        : outputs > 1 ? $"{Name},chardev={chardev},max_outputs={outputs.ToString(CultureInfo.InvariantCulture)}"
        : $"{Name},chardev={chardev}";
}
