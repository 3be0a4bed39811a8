// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Input;

namespace GuestSurfaces.Cli.Present;

/// <summary>What the command line says about a presenter.</summary>
internal sealed record PresentOptions
{
    /// <summary>For the windows' titles; null: what the source calls itself.</summary>
    public string? Name { get; init; }

    /// <summary>Where the windows belong, unless the desktop has a say.</summary>
    public WindowPlacement Placement { get; init; } = WindowPlacement.Windows;

    /// <summary>The number of the first window on desktops that know surfaces by numbers; null: none.</summary>
    public uint? IviId { get; init; }

    public bool ViewOnly { get; init; }

    /// <summary>What gives the guest keyboard and mouse for itself, and takes them back.</summary>
    public GrabChord GrabChord { get; init; } = GrabChord.Default;

    /// <summary>Whether dma-bufs are always drawn once more by the GPU.</summary>
    public bool Convert { get; init; }

    /// <summary>Whether the guest is asked to take its windows' sizes.</summary>
    public bool ResizeGuest { get; init; }

    /// <summary>How long windows stay when their source is gone.</summary>
    public long GraceNs { get; init; }

    /// <summary>Whether the presenter ends when its source is gone for good, instead of waiting for the next one.</summary>
    public bool EndsWithSource { get; init; } = true;

    /// <summary>
    /// Whether another program has started it and ends it: it waits for a compositor and a source however long that takes, and leaves it to the guest's side what a closed window means.
    /// </summary>
    public bool IsSupervised { get; init; }

    /// <summary>What becomes of flips that come faster than the screen refreshes.</summary>
    public FlipPolicy Policy { get; init; }

    /// <summary>How to synchronise with the compositor; null: the best that both sides have.</summary>
    public SyncMode? Sync { get; init; }

    /// <summary>Whether a compositor has started it, with a connection that can't be made again: it ends with that, but waits for its source.</summary>
    public bool HasPrivateConnection { get; init; }

    public bool Verbose { get; init; }
}
