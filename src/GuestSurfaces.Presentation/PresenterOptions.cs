// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Presentation.Input;

namespace GuestSurfaces.Presentation;

/// <summary>How a guest's windows look and what they may take. Immutable.</summary>
public sealed record PresenterOptions
{
    /// <summary>The guest's name: its first window's title; further ones get a number.</summary>
    public string Title { get; init; } = "Guest";

    /// <summary>What desktops group windows and find icons by.</summary>
    public string AppId { get; init; } = "org.guestsurfaces.Guest";

    /// <summary>Where the windows belong, until <see cref="WaylandPresenter.Place"/> or a desktop that brings its guests in itself says otherwise.</summary>
    public WindowPlacement Placement { get; init; } = WindowPlacement.Windows;

    /// <summary>The number of the first window on desktops that know surfaces by numbers (IVI), where that counts instead of <see cref="Placement"/>; further ones have those after it. Null: none.</summary>
    public uint? IviId { get; init; }

    /// <summary>Whether to ask the compositor for a title bar, where it draws any.</summary>
    public bool Decorations { get; init; } = true;

    /// <summary>Whether the guest is asked to take its windows' sizes, in the screen's pixels. Else the picture is scaled. Needs wp_viewporter.</summary>
    public bool ResizeGuest { get; init; }

    /// <summary>Whether dma-bufs are given to the compositor as they are, where it takes them. Else they are converted even then.</summary>
    public bool Direct { get; init; } = true;

    /// <summary>Whether pictures that the compositor doesn't take may be converted by the GPU. Else they are copied.</summary>
    public bool Convert { get; init; } = true;

    /// <summary>
    /// Whether shared memory is copied even where the compositor could read it: its owner gets it back at once, however slow this display is. For viewers that nobody waits for.
    /// </summary>
    public bool Copy { get; init; }

    /// <summary>What becomes of flips that come faster than the screen refreshes; the newest is shown where what is asked for can't be had.</summary>
    public FlipPolicy Policy { get; init; }

    /// <summary>How to synchronise with the compositor; null: the best that both sides have. So it is, too, where what is asked for can't be had.</summary>
    public SyncMode? Sync { get; init; }

    /// <summary>What gives the guest keyboard and mouse for itself, and takes them back.</summary>
    public GrabChord GrabChord { get; init; } = GrabChord.Default;

    /// <summary>What the guest may make this side hold.</summary>
    public Limits Limits { get; init; } = new();

    /// <summary>The title of a scanout's window: "NAME", "NAME (2)".</summary>
    /// <param name="scanout">0 to 15.</param>
    public string TitleOf(int scanout) => scanout == 0 ? Title : $"{Title} ({scanout + 1})";
}
