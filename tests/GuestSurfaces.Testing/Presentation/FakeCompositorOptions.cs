// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>When a fake compositor gives a buffer back.</summary>
public enum ReleaseMode
{
    /// <summary>At the refresh after another buffer took its place: scan-out, pixman.</summary>
    WhenReplaced,

    /// <summary>During the commit: pixels uploaded to a texture at once (mutter's shm).</summary>
    AtCommit,

    /// <summary>At the refresh after the commit: pixels uploaded when drawing (weston's GL renderer).</summary>
    AtRefresh,
}

/// <summary>What a fake compositor offers. The defaults are weston 10's, the portable floor.</summary>
public sealed record FakeCompositorOptions
{
    public uint CompositorVersion { get; init; } = 4;

    public uint WmBaseVersion { get; init; } = 3;

    public bool Shell { get; init; } = true;

    public IReadOnlyList<uint> ExtraShmFormats { get; init; } = [];

    public bool Viewporter { get; init; } = true;

    public bool Subcompositor { get; init; } = true;

    public bool Presentation { get; init; } = true;

    public uint PresentationClockId { get; init; } = 1;

    public bool SinglePixel { get; init; }

    public bool Decorations { get; init; }

    /// <summary>Whether it tells surfaces their scale.</summary>
    public bool FractionalScale { get; init; }

    /// <summary>0: no linux-dmabuf.</summary>
    public uint DmabufVersion { get; init; }

    public IReadOnlyList<(DrmFormat Format, DrmModifier Modifier)> DmabufPairs { get; init; } = [(DrmFormat.Xrgb8888, DrmModifier.Linear)];

    /// <summary>What the feedback says in general, from version 4 on.</summary>
    public IReadOnlyList<FakeTranche> DefaultTranches
    {
        get => field ?? [new FakeTranche(IsScanout: false, [.. DmabufPairs])];
        init;
    }

    /// <summary>What it says about each surface; null: the same.</summary>
    public IReadOnlyList<FakeTranche>? SurfaceTranches { get; init; }

    /// <summary>Whether the test sends the general feedback itself.</summary>
    public bool HoldDefaultFeedback { get; init; }

    /// <summary>Whether the test sends surfaces' feedback itself.</summary>
    public bool HoldSurfaceFeedback { get; init; }

    /// <summary>Whether the test answers imports itself.</summary>
    public bool HoldImports { get; init; }

    /// <summary>Which imports fail.</summary>
    public Func<FakeImport, bool> RefuseImport { get; init; } = static _ => false;

    /// <summary>The kernel's timelines: it has linux-drm-syncobj. Null: it hasn't.</summary>
    public FakeTimelines? Timelines { get; init; }

    /// <summary>The kernel's fences: it has linux-explicit-synchronization. Null: it hasn't.</summary>
    public FakeFences? Fences { get; init; }

    /// <summary>What the release of each commit waits for, where it has a release of its own.</summary>
    public Func<FakeFence?> ReleaseFence { get; init; } = static () => null;

    /// <summary>Whether it says wl_buffer.release during the commit for buffers with points: there the protocol promises nothing about it.</summary>
    public bool EarlyReleaseEvents { get; init; }

    /// <summary>Whether commits can wait for each other. It keeps which buffers each refresh shows, then.</summary>
    public bool Fifo { get; init; }

    /// <summary>Whether commits can wait for a time.</summary>
    public bool CommitTiming { get; init; }

    /// <summary>Whether surfaces can say that they may tear.</summary>
    public bool Tearing { get; init; }

    /// <summary>Version of its seat; 0: it has none.</summary>
    public uint SeatVersion { get; init; }

    /// <summary>Whether it locks pointers and tells of their movements.</summary>
    public bool PointerLocks { get; init; }

    /// <summary>Whether it tells of graphics tablets.</summary>
    public bool Tablets { get; init; }

    /// <summary>Whether it leaves its shortcuts to windows.</summary>
    public bool ShortcutsInhibit { get; init; }

    /// <summary>Whether surfaces can have numbers.</summary>
    public bool Ivi { get; init; }

    /// <summary>0: no layers for backgrounds and panels.</summary>
    public uint LayerShellVersion { get; init; }

    /// <summary>Where it says the guest belongs by the private protocol of our module in Weston; null: it doesn't have that.</summary>
    public (GuestSurfacesPresenterV1PlacementKind Kind, string Outputs)? Placement { get; init; }

    public int RefreshMilliHz { get; init; } = 60_000;

    public ReleaseMode Release { get; init; } = ReleaseMode.WhenReplaced;

    /// <summary>Whether a new toplevel is configured at once, as large as it likes.</summary>
    public bool ConfigureAtOnce { get; init; } = true;
}
