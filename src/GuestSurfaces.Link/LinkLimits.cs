// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Link;

/// <summary>What one side can make the other keep or do, in numbers. Part of the protocol: docs/link.md.</summary>
public static class LinkLimits
{
    /// <summary>The longest packet, in bytes.</summary>
    public const int PacketBytes = 16384;

    /// <summary>The longest message, head included, in bytes.</summary>
    public const int MessageBytes = 4096;

    /// <summary>Descriptors in one packet.</summary>
    public const int PacketFds = UnixSocketHandle.MaxFds;

    /// <summary>Surfaces in version 1: a guest's scanouts.</summary>
    public const int Surfaces = Limits.MaxScanouts;

    /// <summary>Storages that one connection keeps alive; one that was dropped counts until its locks are back.</summary>
    public const int Storages = 256;

    /// <summary>Views that one connection keeps alive.</summary>
    public const int Views = 1024;

    /// <summary>Width and height of a view, in pixels.</summary>
    public const int Dimension = 16384;

    /// <summary>From row to row of a view, in bytes.</summary>
    public const uint StrideBytes = 1 << 20;

    /// <summary>Width and height of a cursor, in pixels.</summary>
    public const int CursorSide = 512;

    /// <summary>The largest memfd, in bytes: a wl_shm pool's.</summary>
    public const ulong MemoryBytes = int.MaxValue;

    /// <summary>Rectangles in a frame's damage.</summary>
    public const int DamageRects = 16;

    /// <summary>Frames of one surface that may wait for their answers.</summary>
    public const int MaxCredit = 3;

    /// <summary>The fastest refresh that a viewer may tell, in mHz.</summary>
    public const int RefreshMilliHz = 1_000_000;

    /// <summary>The largest physical side, in millimetres.</summary>
    public const int SideMm = 100_000;

    /// <summary>What a TALLY may count at most, in frames and in bytes: more than any viewer does between two answers.</summary>
    public const ulong TallyOf = (1UL << 40) - 1;

    /// <summary>Bytes of UTF-8 in a text.</summary>
    public const int TextBytes = 256;

    /// <summary>Bytes of UTF-8 in a name.</summary>
    public const int NameBytes = 64;

    /// <summary>Viewers of one source.</summary>
    public const int Viewers = 8;

    /// <summary>How long a peer may take to say hello.</summary>
    public const long HelloNs = 5_000_000_000;

    /// <summary>How long a viewer that isn't in charge may keep a storage after a newer frame was there: it would hold up the guest.</summary>
    public const long KeepNs = 250_000_000;
}
