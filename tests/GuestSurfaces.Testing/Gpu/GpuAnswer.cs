// SPDX-License-Identifier: MIT
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>A device's answer as the driver sees it.</summary>
/// <param name="Type">The response.</param>
/// <param name="Flags">1 fence, 2 ring index.</param>
/// <param name="FenceId">As sent.</param>
/// <param name="ContextId">As sent.</param>
/// <param name="RingIndex">As sent.</param>
/// <param name="UsedLength">The used entry's length.</param>
/// <param name="Payload">What follows the header.</param>
public sealed record GpuAnswer(VirtioGpuResponse Type, uint Flags, ulong FenceId, uint ContextId, byte RingIndex, long UsedLength, byte[] Payload);

/// <summary>A page-list entry.</summary>
public readonly record struct GuestPages(ulong Address, uint Length);

/// <summary>A rectangle with the guest's own numbers: any of them.</summary>
public readonly record struct WireRect(uint X, uint Y, uint Width, uint Height);
