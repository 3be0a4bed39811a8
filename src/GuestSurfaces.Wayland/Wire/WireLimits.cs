// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Wayland;

/// <summary>The sizes that bound what a peer can make us hold.</summary>
internal static class WireLimits
{
    /// <summary>Object id and size/opcode word.</summary>
    public const int HeaderBytes = 8;

    /// <summary>The longest message. Source: libwayland's default, before and after 1.23.</summary>
    public const int MaxMessageBytes = 4096;

    /// <summary>Ids from here on belong to the server.</summary>
    public const uint FirstServerId = 0xFF00_0000;

    /// <summary>Descriptors that may wait for their message.</summary>
    public const int MaxQueuedFds = 1024;

    /// <summary>Bytes that may wait for a peer that doesn't read.</summary>
    public const int MaxQueuedBytes = 1 << 20;

    /// <summary>Objects that one side may have at a time.</summary>
    public const int MaxObjects = 1 << 16;

    internal const int ReceiveBufferBytes = 32 * 1024;
}
