// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Transports.VhostUser;

/// <summary>
/// What a management program (libvirt) expects of a back-end's command line: <c>--socket-path=PATH</c> or <c>--fd=N</c>, no daemonising, an end on SIGTERM, and
/// <c>--print-capabilities</c>. Source: QEMU docs/interop/vhost-user.rst "Backend program conventions", vhost-user.json.
/// </summary>
public static class VhostUserProgram
{
    /// <summary>virtio's number for a GPU.</summary>
    public const uint GpuDeviceId = 16;

    /// <summary>virtio's number for an input device.</summary>
    public const uint InputDeviceId = 18;

    /// <summary>What <c>--print-capabilities</c> prints, as one line of JSON. No features: a 2D and blob GPU needs neither virgl nor a render node.</summary>
    /// <param name="deviceId"><see cref="GpuDeviceId"/> or <see cref="InputDeviceId"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another kind of device.</exception>
    public static string Capabilities(uint deviceId) => deviceId switch
    {
        GpuDeviceId => """{"type":"gpu","features":[]}""",
        InputDeviceId => """{"type":"input","features":[]}""",
        _ => throw new ArgumentOutOfRangeException(nameof(deviceId), deviceId, "only GPUs and input devices have a back-end here"),
    };
}
