// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Link.Wire;

/// <summary>What a message says. The top bit is the direction: clear from source to viewer, set from viewer to source. Source: docs/link.md.</summary>
internal enum LinkOpcode : ushort
{
    SourceHello = 0x0001,
    SourceBye = 0x0002,
    StorageAdd = 0x0010,
    StorageDrop = 0x0011,
    ViewAdd = 0x0012,
    ViewDrop = 0x0013,
    Surface = 0x0020,
    SurfaceGone = 0x0021,
    Frame = 0x0022,
    Blank = 0x0023,
    Cursor = 0x0024,
    CursorAt = 0x0025,
    SourceReport = 0x0030,
    Control = 0x0031,
    Replayed = 0x0032,

    ViewerHello = 0x8001,
    ViewerBye = 0x8002,
    Latched = 0x8020,
    Superseded = 0x8021,
    Released = 0x8022,
    Refused = 0x8023,
    DisplayChanged = 0x8024,
    Mode = 0x8025,
    Refresh = 0x8026,
    Close = 0x8027,
    ViewerReport = 0x8030,
    Tally = 0x8031,
    Input = 0x8040,
    Presented = 0xc020,
    ViewerPolicy = 0xc032,
    ViewerPlacement = 0xc033,
}

/// <summary>Rules about opcodes that hold for those that aren't known too.</summary>
internal static class LinkOpcodes
{
    /// <summary>An unknown opcode with this bit is skipped: a later version's hint. Without it, it breaks a rule.</summary>
    public const ushort SkippableBit = 0x4000;

    /// <summary>Whether a receiver that doesn't know the opcode goes on.</summary>
    /// <param name="opcode">Not a known one.</param>
    public static bool IsSkippable(LinkOpcode opcode) => ((ushort)opcode & SkippableBit) != 0;
}
