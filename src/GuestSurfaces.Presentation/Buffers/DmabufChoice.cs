// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Presentation.Buffers;

/// <summary>
/// Decides about a dma-buf, and says why. Whatever a compositor would end the connection for is refused here: it never gets to see it
/// (linux-dmabuf's incomplete, invalid_format, invalid_dimensions, out_of_bounds).
/// </summary>
internal static class DmabufChoice
{
    // What GPUs want of a row: Intel and most others 64 bytes, AMD 256.
    private static ReadOnlySpan<uint> PitchAlignments => [64, 256];

    /// <summary>Why a compositor needn't be asked; null if it is to be.</summary>
    /// <param name="feedback">What it says.</param>
    /// <param name="storage">The planes.</param>
    /// <param name="view">How to read them.</param>
    /// <param name="covers">The part of the view that is imported.</param>
    public static RungReport? Refusal(DmabufFeedback feedback, BufferStorage storage, BufferView view, BufferRect covers)
    {
        var format = view.Format.Opaque;
        if (LayoutProblem(storage, view, covers) is { } problem)
            return new RungReport(Rung.None, problem);
        if (feedback == DmabufFeedback.None)
            return new RungReport(Rung.None, "the compositor hasn't told yet which dma-bufs it imports");
        return view.Modifier != DrmModifier.Invalid && feedback.Offers(format, view.Modifier) ? null : NotOffered(feedback, format, view.Modifier);
    }

    /// <summary>What there is to say about an import that the compositor couldn't do, though it offers the pair.</summary>
    /// <param name="view">What it was given.</param>
    /// <param name="covers">The part of it.</param>
    public static RungReport Failure(BufferView view, BufferRect covers)
    {
        var stride = view.Plane(0).StrideBytes;
        var what = $"the compositor couldn't import {covers.Size} {view.Format.Opaque} {view.Modifier}, pitch {stride}";
        if (view.Modifier != DrmModifier.Linear)
            return new RungReport(Rung.None, what);
        foreach (var alignment in PitchAlignments)
        {
            if (stride % alignment == 0)
                continue;
            var planes = FormatPlanes.Of(view.Format.Opaque);
            var remedy = planes is [{ SampleBytes: var pixel }] && alignment % pixel == 0 ? $"choose a mode in the guest whose width is a multiple of {alignment / pixel}" : string.Empty;
            return new RungReport(Rung.None, $"{what}: the pitch is not a multiple of {alignment}", remedy);
        }

        return new RungReport(Rung.None, what);
    }

    /// <summary>Why a window's picture is drawn by the compositor once more instead of being scanned out.</summary>
    /// <param name="feedback">What the compositor says about its surface.</param>
    /// <param name="pair">The picture.</param>
    /// <param name="isFullscreen">Whether the window fills the screen.</param>
    /// <returns>Empty if it may be scanned out: whether it is, presentation feedback tells.</returns>
    public static string CompositedBecause(DmabufFeedback feedback, DmabufPair pair, bool isFullscreen)
    {
        if (!isFullscreen)
            return "the window isn't full screen";
        if (feedback.MainDevice is null)
            return "the compositor doesn't tell what it scans out (linux-dmabuf 3)";
        if (feedback.ScansOut(pair.Format, pair.Modifier))
            return string.Empty;
        return feedback.Modifiers(pair.Format, scanoutOnly: true) is { Count: > 0 } others
            ? $"the compositor scans out {pair.Format} only as {Names(others)} on this output, so it composites {pair.Modifier}"
            : $"the compositor scans out no {pair.Format} on this output, so it composites";
    }

    private static RungReport NotOffered(DmabufFeedback feedback, DrmFormat format, DrmModifier modifier)
    {
        var others = feedback.Modifiers(format);
        return others switch
        {
            [] => new RungReport(Rung.None, $"the compositor imports no {format} dma-bufs"),

            // With an implicit modifier (INVALID) linear memory may be read as tiled: a picture that is wrong is worse than a copy.
            [var only] when only == DrmModifier.Invalid => new RungReport(Rung.None, $"the compositor imports {format} only with a layout of its own, not {modifier}"),
            _ => new RungReport(Rung.None, $"the compositor offers no {modifier} for {format} (only {Names(others)})"),
        };
    }

    private static string Names(IReadOnlyList<DrmModifier> modifiers)
    {
        const int most = 4;
        var names = string.Join(", ", modifiers.Take(most));
        return modifiers.Count > most ? $"{names} and {modifiers.Count - most} more" : names;
    }

    private static string? LayoutProblem(BufferStorage storage, BufferView view, BufferRect covers)
    {
        if (covers.IsEmpty)
            return $"there is nothing to show in {view}";
        var planes = FormatPlanes.Of(view.Format);
        var isKnown = planes.Length > 0 && view.Modifier == DrmModifier.Linear;

        // Layouts with compression have planes beside the format's own.
        if (isKnown ? view.PlaneCount != planes.Length : view.PlaneCount < planes.Length)
            return $"{view.Format} {view.Modifier} has {planes.Length} planes, the guest's picture {view.PlaneCount}";
        for (var i = 0; i < view.PlaneCount; i++)
        {
            var plane = view.Plane(i);
            if ((uint)plane.StoragePlane >= (uint)storage.PlaneCount)
                return $"plane {i} of the picture is in dma-buf {plane.StoragePlane}, of which there are {storage.PlaneCount}";

            // Compositors count plane 0 as high as the picture whatever its layout; of the others they check a row.
            var rows = isKnown ? planes[i].RowCount(covers.Size) : i == 0 ? (ulong)covers.Height : 1;
            var rowBytes = isKnown ? planes[i].RowBytes(covers.Size) : 1;
            if (plane.StrideBytes < rowBytes)
                return $"the pitch of plane {i}, {plane.StrideBytes}, is shorter than a row of {view.Format} ({rowBytes} bytes)";
            var offset = i == 0 ? PixelLayout.OffsetBytes(view, covers) : plane.OffsetBytes;
            if (offset + (rows * plane.StrideBytes) > Math.Min(storage.Plane(plane.StoragePlane).GetSizeBytes(), uint.MaxValue))
                return $"the dma-buf is smaller than its picture ({view})";
        }

        return null;
    }
}
