// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Interop;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>What a vhost-user back-end is told once, when it is made.</summary>
public sealed record VhostUserOptions
{
    /// <summary>Where its log lines go. They are few: a VMM that floods is cut off after some tens a connection.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>What the VMM may ask for.</summary>
    public Limits Limits { get; init; } = new();

    /// <summary>
    /// Takes the socket on which QEMU's vhost-user-gpu wants to be told what to show (VHOST_USER_GPU_SET_SOCKET), at every start of the driver.
    /// Ownership: the receiver's. Thread: the loop's. Null: it is closed, QEMU's own window stays black.
    /// </summary>
    public Action<UnixSocketHandle>? OnGpuSocket { get; init; }
}
