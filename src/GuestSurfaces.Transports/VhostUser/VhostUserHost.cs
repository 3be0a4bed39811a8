// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Virtio;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>What the device model sees of us. It outlives connections: VMMs come and go, the device stays.</summary>
internal sealed class VhostUserHost(TimerQueue timers) : IVirtioHost, IDisposable
{
    /// <inheritdoc/>
    public GuestMemory Memory { get; } = new();

    /// <inheritdoc/>
    public TimerQueue Timers { get; } = timers;

    /// <summary>The way to the VMM, while there is one.</summary>
    internal BackendChannel? Channel { get; set; }

    /// <inheritdoc/>
    public void NotifyConfigChanged() => Channel?.NotifyConfigChanged();

    /// <inheritdoc/>
    public void Dispose() => Memory.Dispose();
}
