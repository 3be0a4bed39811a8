// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Link;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Input;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>What the command line says about one guest.</summary>
internal sealed record HostOptions
{
    public required string Name { get; init; }

    public bool Fullscreen { get; init; }

    public int Outputs { get; init; } = 1;

    public BufferSize Size { get; init; } = new(1280, 800);

    public string? StatsPath { get; init; }

    public IReadOnlyDictionary<string, string> Notes { get; init; } = new Dictionary<string, string>();

    public bool ShowWindows { get; init; } = true;

    /// <summary>Whether viewers in other processes are served over the link, instead of showing anything here.</summary>
    public bool ServesLink { get; init; }

    /// <summary>Where the link listens; null: under the guest's name in the session's folder.</summary>
    public string? LinkPath { get; init; }

    /// <summary>Of the link's socket: who may write to it may view.</summary>
    public UnixFileMode LinkMode { get; init; } = LinkListener.OwnerOnly;

    /// <summary>Of the link's socket, by number; null: the process's.</summary>
    public uint? LinkGroup { get; init; }

    /// <summary>What gives the guest keyboard and mouse for itself, and takes them back.</summary>
    public GrabChord GrabChord { get; init; } = GrabChord.Default;

    /// <summary>The guest's keyboard, pointer, mouse, touchscreen and graphics tablet: where each listens for the VMM. Empty: it has none of ours.</summary>
    public IReadOnlyDictionary<InputKind, string> InputPaths { get; init; } = new Dictionary<InputKind, string>();

    /// <summary>Whether the device's process gives up what it doesn't need, if it is one of its own.</summary>
    public bool Isolate { get; init; } = true;

    /// <summary>Whether another program has started this one and ends it: Ctrl-C in their terminal is for that one to hear.</summary>
    public bool IsSupervised { get; init; }

    public bool ZeroCopy { get; init; } = true;

    public bool Alias2D { get; init; }

    /// <summary>Whether dma-bufs are always drawn once more by the GPU.</summary>
    public bool Convert { get; init; }

    /// <summary>Whether the guest is asked to take its windows' sizes.</summary>
    public bool ResizeGuest { get; init; }

    /// <summary>What becomes of flips that come faster than the screen refreshes.</summary>
    public FlipPolicy Policy { get; init; }

    /// <summary>How to synchronise with the compositor; null: the best that both sides have.</summary>
    public SyncMode? Sync { get; init; }

    public bool Verbose { get; init; }

    /// <summary>What an input device is called in options and elsewhere: "keyboard".</summary>
    public static string NameOf(InputKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>A note's text; empty if it wasn't given.</summary>
    public string Note(string key) => Notes.GetValueOrDefault(key, "");
}
