// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>Feature bits of the GPU device. Source: virtio 1.3 §5.7.3.</summary>
[Flags]
public enum VirtioGpuFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>GET_EDID.</summary>
    Edid = 1 << 1,

    /// <summary>RESOURCE_ASSIGN_UUID.</summary>
    ResourceUuid = 1 << 2,

    /// <summary>RESOURCE_CREATE_BLOB and SET_SCANOUT_BLOB.</summary>
    ResourceBlob = 1 << 3,
}
