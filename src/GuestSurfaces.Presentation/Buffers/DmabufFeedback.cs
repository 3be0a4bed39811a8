// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>Pixels in a layout. Prints as "XR24 LINEAR".</summary>
/// <param name="Format">The pixels.</param>
/// <param name="Modifier">Their layout.</param>
public readonly record struct DmabufPair(DrmFormat Format, DrmModifier Modifier)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Format} {Modifier}";
}

/// <summary>Pairs among which a compositor has no preference.</summary>
/// <param name="Device">The device to allocate for, a dev_t; 0 if it wasn't told. Never compared: a card and its render node have different numbers.</param>
/// <param name="IsScanout">Whether the compositor may show such a buffer without drawing.</param>
/// <param name="Pairs">Not empty.</param>
public sealed record DmabufTranche(ulong Device, bool IsScanout, IReadOnlySet<DmabufPair> Pairs);

/// <summary>A format to make buffers of, in the layouts that a compositor takes it in.</summary>
/// <param name="Format">The pixels.</param>
/// <param name="Modifiers">In no order; <see cref="DrmModifier.Invalid"/> among them leaves the layout to the driver.</param>
/// <param name="Device">The device to allocate for, a dev_t; 0 if it wasn't told.</param>
/// <param name="IsScanout">Whether the compositor may show such a buffer without drawing.</param>
public sealed record DmabufTarget(DrmFormat Format, IReadOnlyList<DrmModifier> Modifiers, ulong Device, bool IsScanout);

/// <summary>
/// What a compositor says about dma-bufs, in general or on one surface: immutable, replaced as a whole when it says something else.
/// Source: linux-dmabuf-v1 v5, zwp_linux_dmabuf_feedback_v1.
/// </summary>
/// <param name="mainDevice">What it draws with, a dev_t; null if it doesn't tell (linux-dmabuf 3), nor then what it scans out.</param>
/// <param name="tranches">In order of preference.</param>
public sealed class DmabufFeedback(ulong? mainDevice, IReadOnlyList<DmabufTranche> tranches)
{
    /// <summary>Nothing was said yet.</summary>
    public static readonly DmabufFeedback None = new(null, []);

    /// <summary>What the compositor draws with, a dev_t; null if it doesn't tell (linux-dmabuf 3), nor then what it scans out.</summary>
    public ulong? MainDevice => mainDevice;

    /// <summary>In order of preference.</summary>
    public IReadOnlyList<DmabufTranche> Tranches => tranches;

    /// <summary>Whether such dma-bufs are imported.</summary>
    /// <param name="format">The pixels.</param>
    /// <param name="modifier">Their layout.</param>
    public bool Offers(DrmFormat format, DrmModifier modifier) => Contains(new DmabufPair(format, modifier), scanoutOnly: false);

    /// <summary>Whether such dma-bufs may be shown without drawing. What a screen's hardware takes in the end is seen by showing one.</summary>
    /// <param name="format">The pixels.</param>
    /// <param name="modifier">Their layout.</param>
    public bool ScansOut(DrmFormat format, DrmModifier modifier) => Contains(new DmabufPair(format, modifier), scanoutOnly: true);

    /// <summary>The layouts that a format is taken in, each once. Allocates.</summary>
    /// <param name="format">The pixels.</param>
    /// <param name="scanoutOnly">Only those that may be shown without drawing.</param>
    public IReadOnlyList<DrmModifier> Modifiers(DrmFormat format, bool scanoutOnly = false)
    {
        var modifiers = new List<DrmModifier>();
        foreach (var tranche in tranches)
        {
            if (!scanoutOnly || tranche.IsScanout)
                modifiers.AddRange(ModifiersIn(tranche, format).Except(modifiers));
        }

        return modifiers;
    }

    /// <summary>What to make buffers of that this compositor shows best: its own order, and within a tranche the caller's. Allocates.</summary>
    /// <param name="candidates">What the caller can make, best first.</param>
    /// <param name="preferScanout">Whether what may be scanned out comes before all else: for a window that fills the screen.</param>
    /// <returns>Empty if nothing fits. A format is there once for each tranche that has it.</returns>
    public IReadOnlyList<DmabufTarget> PickTargets(ReadOnlySpan<DrmFormat> candidates, bool preferScanout)
    {
        var targets = new List<DmabufTarget>();
        foreach (var tranche in tranches.OrderByDescending(tranche => preferScanout && tranche.IsScanout))
        {
            foreach (var format in candidates)
            {
                if (ModifiersIn(tranche, format) is { Count: > 0 } modifiers)
                    targets.Add(new DmabufTarget(format, modifiers, tranche.Device, tranche.IsScanout));
            }
        }

        return targets;
    }

    /// <summary>Whether it says the same: compositors repeat themselves, and nothing follows from that.</summary>
    /// <param name="other">The other.</param>
    public bool Says(DmabufFeedback other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (ReferenceEquals(this, other))
            return true;
        if (MainDevice != other.MainDevice || Tranches.Count != other.Tranches.Count)
            return false;
        for (var i = 0; i < Tranches.Count; i++)
        {
            var (ours, theirs) = (Tranches[i], other.Tranches[i]);
            if (ours.Device != theirs.Device || ours.IsScanout != theirs.IsScanout || !ours.Pairs.SetEquals(theirs.Pairs))
                return false;
        }

        return true;
    }

    private static List<DrmModifier> ModifiersIn(DmabufTranche tranche, DrmFormat format)
    {
        var modifiers = new List<DrmModifier>();
        foreach (var pair in tranche.Pairs)
        {
            if (pair.Format == format)
                modifiers.Add(pair.Modifier);
        }

        return modifiers;
    }

    private bool Contains(DmabufPair pair, bool scanoutOnly)
    {
        foreach (var tranche in tranches)
        {
            if ((tranche.IsScanout || !scanoutOnly) && tranche.Pairs.Contains(pair))
                return true;
        }

        return false;
    }
}
