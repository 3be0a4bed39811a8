// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>What a driver may ask. Source: virtio 1.3 §5.7.6.7; the names are the specification's.</summary>
public enum VirtioGpuCommandType : uint
{
    /// <summary>Which monitors are there.</summary>
    GetDisplayInfo = 0x100,

    /// <summary>Make a resource with host storage.</summary>
    ResourceCreate2D = 0x101,

    /// <summary>Forget a resource.</summary>
    ResourceUnref = 0x102,

    /// <summary>Show a 2D resource on a scanout.</summary>
    SetScanout = 0x103,

    /// <summary>What was drawn should be seen.</summary>
    ResourceFlush = 0x104,

    /// <summary>Copy from guest RAM to the host storage.</summary>
    TransferToHost2D = 0x105,

    /// <summary>Name the guest pages of a resource.</summary>
    ResourceAttachBacking = 0x106,

    /// <summary>Forget them.</summary>
    ResourceDetachBacking = 0x107,

    /// <summary>3D only.</summary>
    GetCapsetInfo = 0x108,

    /// <summary>3D only.</summary>
    GetCapset = 0x109,

    /// <summary>A monitor's EDID.</summary>
    GetEdid = 0x10a,

    /// <summary>A name by which other devices of the VM find the resource.</summary>
    ResourceAssignUuid = 0x10b,

    /// <summary>Make a resource whose storage is guest RAM.</summary>
    ResourceCreateBlob = 0x10c,

    /// <summary>Show a blob on a scanout.</summary>
    SetScanoutBlob = 0x10d,

    /// <summary>3D only.</summary>
    ContextCreate = 0x200,

    /// <summary>3D only: the last of its group.</summary>
    ResourceUnmapBlob = 0x209,

    /// <summary>Set the cursor's image and place; cursor queue.</summary>
    UpdateCursor = 0x300,

    /// <summary>Move the cursor; cursor queue.</summary>
    MoveCursor = 0x301,
}
