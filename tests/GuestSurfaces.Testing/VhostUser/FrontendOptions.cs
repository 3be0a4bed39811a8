// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <summary>In whose order things are said.</summary>
public enum HandshakeOrder
{
    Qemu,
    Crosvm,
}

/// <summary>How guest RAM is announced.</summary>
public enum MemoryAnnouncement
{
    /// <summary>By ADD_MEM_REG if CONFIGURE_MEM_SLOTS was agreed on, as QEMU does it; else by SET_MEM_TABLE.</summary>
    AsNegotiated,
    Table,
}

/// <summary>What a scripted front-end is like.</summary>
public sealed record FrontendOptions
{
    public HandshakeOrder Order { get; init; } = HandshakeOrder.Qemu;

    public MemoryAnnouncement Announcement { get; init; } = MemoryAnnouncement.AsNegotiated;

    public GuestMemoryOptions Memory { get; init; } = new();

    /// <summary>In which region the rings lie.</summary>
    public int RingRegion { get; init; }

    /// <summary>Acked where the back-end offers them.</summary>
    public VirtioFeatures Features { get; init; } = VhostUserWire.GuestKnows;

    /// <summary>Acked whether offered or not: QEMU's vhost-user-gpu does so with ring features.</summary>
    public VirtioFeatures UnofferedFeatures { get; init; }

    public ProtocolFeatures Protocol { get; init; } = VhostUserWire.Spoken;

    public ushort ControlQueueSize { get; init; } = 64;

    public ushort CursorQueueSize { get; init; } = 16;

    /// <summary>Null: no GPU_SET_SOCKET, as with crosvm.</summary>
    public FakeQemuDisplayOptions? Display { get; init; } = new();

    /// <summary>Whether to ask for an acknowledgement of every message, where REPLY_ACK allows it.</summary>
    public bool AskForReplies { get; init; } = true;

    /// <summary>How long an answer may take, in milliseconds.</summary>
    public int TimeoutMs { get; init; } = 5000;
}
