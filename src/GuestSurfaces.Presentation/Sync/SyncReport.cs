// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Presentation.Sync;

/// <summary>What a connection uses.</summary>
/// <param name="Mode">Which.</param>
/// <param name="Reason">Why none that is better, or why not the one that was asked for; empty if it is the best.</param>
internal readonly record struct SyncReport(SyncMode Mode, string Reason);
