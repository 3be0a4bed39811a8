// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Bench;

/// <summary>A way of presenting frames, under measurement.</summary>
internal interface IBenchRun : IDisposable
{
    /// <summary>Why it can't go on; null while it can.</summary>
    string? Failure { get; }

    /// <summary>Draws the first frame.</summary>
    void Start();

    /// <summary>It is warm: counts from here.</summary>
    void Begin();

    /// <summary>Counts to here.</summary>
    void End();
}
