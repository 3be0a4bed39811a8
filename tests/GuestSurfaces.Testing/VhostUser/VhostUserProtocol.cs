// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <summary>What a front-end asks. Source: QEMU docs/interop/vhost-user.rst, "Front-end message types".</summary>
public enum FrontendRequest : uint
{
    GetFeatures = 1,
    SetFeatures = 2,
    SetOwner = 3,
    ResetOwner = 4,
    SetMemTable = 5,
    SetLogBase = 6,
    SetLogFd = 7,
    SetVringNum = 8,
    SetVringAddr = 9,
    SetVringBase = 10,
    GetVringBase = 11,
    SetVringKick = 12,
    SetVringCall = 13,
    SetVringErr = 14,
    GetProtocolFeatures = 15,
    SetProtocolFeatures = 16,
    GetQueueNum = 17,
    SetVringEnable = 18,
    SetBackendReqFd = 21,
    IotlbMsg = 22,
    GetConfig = 24,
    SetConfig = 25,
    GetInflightFd = 31,
    SetInflightFd = 32,
    GpuSetSocket = 33,
    ResetDevice = 34,
    VringKick = 35,
    GetMaxMemSlots = 36,
    AddMemReg = 37,
    RemMemReg = 38,
    SetStatus = 39,
    GetStatus = 40,
    GetSharedObject = 41,
    SetDeviceStateFd = 42,
    CheckDeviceState = 43,
    GetShmemConfig = 44,
}

/// <summary>What a back-end asks on the BACKEND_REQ socket.</summary>
public enum BackendRequest : uint
{
    Iotlb = 1,
    ConfigChange = 2,
    VringHostNotifier = 3,
    VringCall = 4,
    VringErr = 5,
    SharedObjectAdd = 6,
    SharedObjectRemove = 7,
    SharedObjectLookup = 8,
    ShmemMap = 9,
    ShmemUnmap = 10,
}

/// <summary>What a back-end asks on the display socket. Source: QEMU docs/interop/vhost-user-gpu.rst.</summary>
public enum GpuSocketRequest : uint
{
    GetProtocolFeatures = 1,
    SetProtocolFeatures = 2,
    GetDisplayInfo = 3,
    CursorPos = 4,
    CursorPosHide = 5,
    CursorUpdate = 6,
    Scanout = 7,
    Update = 8,
    DmabufScanout = 9,
    DmabufUpdate = 10,
    GetEdid = 11,
    DmabufScanout2 = 12,
}

/// <summary>Bits of GET_PROTOCOL_FEATURES.</summary>
[Flags]
public enum ProtocolFeatures : ulong
{
    None = 0,
    Mq = 1UL << 0,
    LogShmFd = 1UL << 1,
    ReplyAck = 1UL << 3,
    BackendReq = 1UL << 5,
    Config = 1UL << 9,
    BackendSendFd = 1UL << 10,
    HostNotifier = 1UL << 11,
    InflightShmFd = 1UL << 12,
    ResetDevice = 1UL << 13,
    InbandNotifications = 1UL << 14,
    ConfigureMemSlots = 1UL << 15,
    Status = 1UL << 16,
    SharedObject = 1UL << 18,
    DeviceState = 1UL << 19,
    GetVringBaseInflight = 1UL << 20,
    GpaAddresses = 1UL << 21,
    Shmem = 1UL << 22,
}

/// <summary>Bits of GET_FEATURES: the device's, the ring's and vhost-user's own.</summary>
[Flags]
public enum VirtioFeatures : ulong
{
    None = 0,
    GpuVirgl = 1UL << 0,
    GpuEdid = 1UL << 1,
    GpuResourceUuid = 1UL << 2,
    GpuResourceBlob = 1UL << 3,
    GpuContextInit = 1UL << 4,
    GpuBlobAlignment = 1UL << 5,
    NotifyOnEmpty = 1UL << 24,
    LogAll = 1UL << 26,
    AnyLayout = 1UL << 27,
    IndirectDescriptors = 1UL << 28,
    EventIndex = 1UL << 29,
    ProtocolFeatures = 1UL << 30,
    Version1 = 1UL << 32,
    AccessPlatform = 1UL << 33,
    RingPacked = 1UL << 34,
    InOrder = 1UL << 35,
    RingReset = 1UL << 40,
}

/// <summary>Numbers of the vhost-user wire.</summary>
public static class VhostUserWire
{
    public const int HeaderBytes = 12;
    public const uint Version1 = 1;
    public const uint ReplyFlag = 4;
    public const uint NeedReplyFlag = 8;

    /// <summary>In the u64 of SET_VRING_KICK/CALL/ERR: no descriptor comes with it.</summary>
    public const ulong VringNoFd = 0x100;

    /// <summary>Every feature number of <see cref="ProtocolFeatures"/> that the scripted front-end can speak.</summary>
    public const ProtocolFeatures Spoken =
        ProtocolFeatures.Mq | ProtocolFeatures.ReplyAck | ProtocolFeatures.BackendReq | ProtocolFeatures.Config | ProtocolFeatures.BackendSendFd |
        ProtocolFeatures.ResetDevice | ProtocolFeatures.ConfigureMemSlots | ProtocolFeatures.Status | ProtocolFeatures.SharedObject;

    /// <summary>The virtio features that the scripted guest can use.</summary>
    public const VirtioFeatures GuestKnows =
        VirtioFeatures.GpuEdid | VirtioFeatures.GpuResourceUuid | VirtioFeatures.GpuResourceBlob | VirtioFeatures.IndirectDescriptors |
        VirtioFeatures.EventIndex | VirtioFeatures.ProtocolFeatures | VirtioFeatures.Version1;
}
