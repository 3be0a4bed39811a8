// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation.Conversion;

/// <summary>Why something can't be drawn by the GPU.</summary>
/// <param name="Reason">A sentence without a full stop.</param>
/// <param name="Remedy">What to do about it; empty if nothing can be done.</param>
internal sealed record GpuFailure(string Reason, string Remedy = "");
