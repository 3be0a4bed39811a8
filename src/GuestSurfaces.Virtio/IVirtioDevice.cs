// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio;

/// <summary>
/// A virtio device's model, without knowing who carries it (vhost-user, a test). The carrier calls everything on the loop's thread and never
/// re-enters. Nothing here throws because of the guest.
/// </summary>
public interface IVirtioDevice
{
    /// <summary>virtio's number for the kind of device: 16 GPU, 18 input.</summary>
    uint DeviceId { get; }

    /// <summary>Feature bits of the device type (0 to 23, 50 and up). The carrier adds the ring's.</summary>
    ulong DeviceFeatures { get; }

    /// <summary>How many queues it has.</summary>
    int QueueCount { get; }

    /// <summary>Length of its configuration space in bytes.</summary>
    int ConfigSizeBytes { get; }

    /// <summary>Connects the model with its carrier. Once, first of all.</summary>
    /// <param name="host">Lives as long as the device.</param>
    void Attach(IVirtioHost host);

    /// <summary>Fills in the configuration space as the driver should read it now.</summary>
    /// <param name="destination"><see cref="ConfigSizeBytes"/> long.</param>
    void ReadConfig(Span<byte> destination);

    /// <summary>The driver wrote to the configuration space.</summary>
    /// <param name="offset">Where; offset and length lie inside the space.</param>
    /// <param name="source">What.</param>
    void WriteConfig(uint offset, ReadOnlySpan<byte> source);

    /// <summary>The driver chose features.</summary>
    /// <param name="features">All bits it accepted; may hold bits never offered (QEMU does that with ring bits).</param>
    void SetFeatures(ulong features);

    /// <summary>A queue runs from now on.</summary>
    /// <param name="index">Which.</param>
    /// <param name="queue">Usable until <see cref="StopQueue"/>.</param>
    void StartQueue(int index, Virtqueue queue);

    /// <summary>A queue stops: every chain popped from it is pushed back, with its answer, before this returns.</summary>
    /// <param name="index">Which.</param>
    void StopQueue(int index);

    /// <summary>The driver kicked a queue: there may be new chains.</summary>
    /// <param name="index">Which.</param>
    void QueueKicked(int index);

    /// <summary>Guest RAM came or went. Addresses kept from before must be looked up again.</summary>
    void MemoryChanged();

    /// <summary>Back to the state before the driver came. Queues are stopped already.</summary>
    void Reset();
}

/// <summary>What a device model may ask of its carrier.</summary>
public interface IVirtioHost
{
    /// <summary>The guest's RAM.</summary>
    GuestMemory Memory { get; }

    /// <summary>The loop's timers.</summary>
    TimerQueue Timers { get; }

    /// <summary>Tells the driver to read the configuration space again. Ignored where the VMM can't pass it on.</summary>
    void NotifyConfigChanged();
}
