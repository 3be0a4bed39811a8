// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <summary>A virtio-gpu command. Source: virtio 1.3 §5.7.6.7.</summary>
public enum GpuCommand : uint
{
    GetDisplayInfo = 0x100,
    ResourceCreate2D = 0x101,
    ResourceUnref = 0x102,
    SetScanout = 0x103,
    ResourceFlush = 0x104,
    TransferToHost2D = 0x105,
    ResourceAttachBacking = 0x106,
    ResourceDetachBacking = 0x107,
    GetCapsetInfo = 0x108,
    GetCapset = 0x109,
    GetEdid = 0x10a,
    ResourceAssignUuid = 0x10b,
    ResourceCreateBlob = 0x10c,
    SetScanoutBlob = 0x10d,
    CtxCreate = 0x200,
    CtxDestroy = 0x201,
    CtxAttachResource = 0x202,
    CtxDetachResource = 0x203,
    ResourceCreate3D = 0x204,
    TransferToHost3D = 0x205,
    TransferFromHost3D = 0x206,
    Submit3D = 0x207,
    ResourceMapBlob = 0x208,
    ResourceUnmapBlob = 0x209,
    UpdateCursor = 0x300,
    MoveCursor = 0x301,
}

/// <summary>A virtio-gpu answer.</summary>
public enum GpuResponse : uint
{
    /// <summary>Not an answer: nothing was written.</summary>
    None = 0,
    OkNoData = 0x1100,
    OkDisplayInfo = 0x1101,
    OkCapsetInfo = 0x1102,
    OkCapset = 0x1103,
    OkEdid = 0x1104,
    OkResourceUuid = 0x1105,
    OkMapInfo = 0x1106,
    Unspec = 0x1200,
    OutOfMemory = 0x1201,
    InvalidScanoutId = 0x1202,
    InvalidResourceId = 0x1203,
    InvalidContextId = 0x1204,
    InvalidParameter = 0x1205,
}

/// <summary>How a pixel lies in memory, first byte first.</summary>
public enum GpuFormat : uint
{
    B8G8R8A8 = 1,
    B8G8R8X8 = 2,
    A8R8G8B8 = 3,
    X8R8G8B8 = 4,
    R8G8B8A8 = 67,
    X8B8G8R8 = 68,
    A8B8G8R8 = 121,
    R8G8B8X8 = 134,
}

/// <summary>Where a blob's memory is.</summary>
public enum GpuBlobMemory : uint
{
    Guest = 1,
    Host3D = 2,
    Host3DGuest = 3,
}

/// <summary>A rectangle as the guest writes it; nothing says that it makes sense.</summary>
public readonly record struct GpuRect(uint X, uint Y, uint Width, uint Height)
{
    public static GpuRect Of(uint width, uint height) => new(0, 0, width, height);

    public override string ToString() => $"{Width}x{Height}+{X}+{Y}";
}

/// <summary>A stretch of guest memory behind a resource.</summary>
public readonly record struct GpuMemoryEntry(ulong Address, uint LengthBytes);

/// <summary>The start of every request and answer.</summary>
/// <param name="Type">A <see cref="GpuCommand"/> or <see cref="GpuResponse"/>.</param>
/// <param name="Flags">1: fence. 2: <paramref name="RingIndex"/> counts.</param>
/// <param name="FenceId">The guest's number for "done".</param>
/// <param name="ContextId">Which 3D context; 0 for none.</param>
/// <param name="RingIndex">Which of its time lines.</param>
public readonly record struct GpuHeader(uint Type, uint Flags = 0, ulong FenceId = 0, uint ContextId = 0, byte RingIndex = 0)
{
    public const int SizeBytes = 24;
    public const uint FenceFlag = 1;
    public const uint RingIndexFlag = 2;

    public GpuResponse Response => (GpuResponse)Type;
}

/// <summary>One display of GET_DISPLAY_INFO.</summary>
public readonly record struct GpuDisplay(GpuRect Rect, bool Enabled, uint Flags);
