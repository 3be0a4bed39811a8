// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation.Connection;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Presentation.Policies;

/// <summary>What a compositor offers for other policies than the newest frame's.</summary>
/// <param name="Fifo">Commits that wait for each other; null: none.</param>
/// <param name="Timing">Commits that wait for a time; null: none.</param>
/// <param name="Tearing">Commits that may be shown in the middle of a refresh; null: none.</param>
/// <param name="Clock">Of the times.</param>
internal sealed record PolicyProtocols(WpFifoManagerV1? Fifo, WpCommitTimingManagerV1? Timing, WpTearingControlManagerV1? Tearing, PresentationClock Clock);
