// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>What the device answers: every command's result is one of these, and goes into the reply as it is. Source: virtio 1.3 §5.7.6.7.</summary>
public enum VirtioGpuResponse : uint
{
    /// <summary>Done.</summary>
    OkNoData = 0x1100,

    /// <summary>Done; sixteen modes follow.</summary>
    OkDisplayInfo = 0x1101,

    /// <summary>Done; a capability set's numbers follow.</summary>
    OkCapsetInfo = 0x1102,

    /// <summary>Done; a capability set follows.</summary>
    OkCapset = 0x1103,

    /// <summary>Done; an EDID follows.</summary>
    OkEdid = 0x1104,

    /// <summary>Done; sixteen bytes of UUID follow.</summary>
    OkResourceUuid = 0x1105,

    /// <summary>Done; a mapping's caching follows.</summary>
    OkMapInfo = 0x1106,

    /// <summary>Not a command of this device, or not now.</summary>
    Unspecified = 0x1200,

    /// <summary>More than the guest's share.</summary>
    OutOfMemory = 0x1201,

    /// <summary>No such scanout.</summary>
    InvalidScanoutId = 0x1202,

    /// <summary>No such resource, or one of that name exists.</summary>
    InvalidResourceId = 0x1203,

    /// <summary>No such context.</summary>
    InvalidContextId = 0x1204,

    /// <summary>A number that makes no sense.</summary>
    InvalidParameter = 0x1205,
}
