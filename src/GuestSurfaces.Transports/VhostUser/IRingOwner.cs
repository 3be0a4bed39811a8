// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Transports.VhostUser;

/// <summary>What a ring needs from its session.</summary>
internal interface IRingOwner
{
    /// <summary>The virtio features that the driver accepted.</summary>
    ulong Features { get; }

    /// <summary>The device model threw. The session must end; the process goes on.</summary>
    void DeviceFailed(Exception exception);
}
