// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Transports.VhostUser;

/// <summary>What a VMM (the front-end) asks of us. Source: QEMU docs/interop/vhost-user.rst.</summary>
internal enum FrontendRequest : uint
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
    PostcopyAdvise = 28,
    PostcopyListen = 29,
    PostcopyEnd = 30,
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

/// <summary>What we ask of the VMM, on the channel that SET_BACKEND_REQ_FD gave us.</summary>
internal enum BackendRequest : uint
{
    ConfigChange = 2,
}

/// <summary>The flags of a message header.</summary>
internal static class HeaderFlags
{
    internal const uint VersionMask = 3;
    internal const uint Version = 1;
    internal const uint Reply = 4;
    internal const uint NeedReply = 8;
}

/// <summary>vhost-user's own features, apart from virtio's.</summary>
[Flags]
internal enum ProtocolFeatures : ulong
{
    None = 0,
    Mq = 1UL << 0,
    ReplyAck = 1UL << 3,
    BackendReq = 1UL << 5,
    Config = 1UL << 9,
    ResetDevice = 1UL << 13,
    ConfigureMemSlots = 1UL << 15,
    Status = 1UL << 16,

    /// <summary>What we do. Not in it: in-band kicks, in-flight tracking, dirty logging and postcopy (so no live migration).</summary>
    Offered = Mq | ReplyAck | BackendReq | Config | ResetDevice | ConfigureMemSlots | Status,
}

/// <summary>virtio feature bits that the ring or the transport owns. Source: virtio 1.3 §6.</summary>
internal static class RingFeatures
{
    internal const ulong NotifyOnEmpty = 1UL << 24;
    internal const ulong AnyLayout = 1UL << 27;
    internal const ulong IndirectDescriptors = 1UL << 28;
    internal const ulong EventIndex = 1UL << 29;
    internal const ulong ProtocolFeatures = 1UL << 30;
    internal const ulong Version1 = 1UL << 32;
    internal const ulong RingReset = 1UL << 40;

    /// <summary>Offered with every device. Never IN_ORDER: held flushes are answered out of order.</summary>
    internal const ulong Offered = IndirectDescriptors | EventIndex | ProtocolFeatures | Version1;

    /// <summary>QEMU's vhost-user-gpu accepts these on its own, unoffered; they change nothing on our side of a ring.</summary>
    internal const ulong Tolerated = NotifyOnEmpty | AnyLayout | RingReset;
}

/// <summary>The numbers of the wire.</summary>
internal static class Wire
{
    /// <summary>Header: request, flags, size of the payload.</summary>
    internal const int HeaderBytes = 12;

    /// <summary>No payload that we take is longer than 268 bytes; a little more room tells a wrong size from a wrong stream.</summary>
    internal const int MaxPayloadBytes = 4096;

    /// <summary>Descriptors with one message: SET_MEM_TABLE's regions.</summary>
    internal const int MaxFds = 8;

    /// <summary>Regions in one SET_MEM_TABLE.</summary>
    internal const int MaxTableRegions = 8;

    /// <summary>Bytes of configuration space that one message can carry.</summary>
    internal const int MaxConfigBytes = 256;

    /// <summary>In SET_VRING_KICK, CALL and ERR: bits 0 to 7 are the ring, bit 8 says that no descriptor comes.</summary>
    internal const ulong RingIndexMask = 0xff;

    /// <summary>See <see cref="RingIndexMask"/>.</summary>
    internal const ulong NoFd = 0x100;
}
