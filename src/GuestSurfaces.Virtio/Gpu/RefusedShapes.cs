// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// What the display couldn't show from guest pages. A refusal is about a shape (size, format, stride, offset), not about pages: without this memory every
/// buffer of a flipping guest would cost a udmabuf and a failed import. Bounded, since the guest chooses shapes: the oldest is forgotten first.
/// </summary>
internal sealed class RefusedShapes
{
    private const int MaxShapes = 16;
    private const string Remedy = "guest-surfaces doctor says what the compositor takes; a guest width that is a multiple of 64 pixels suits every GPU";

    private readonly List<(BlobFramebuffer Shape, RungReport Report)> _refused = [];

    /// <summary>Whether nothing was refused.</summary>
    public bool IsEmpty => _refused.Count == 0;

    /// <summary>Why a shape was refused; null if it wasn't.</summary>
    public RungReport? Find(in BlobFramebuffer shape)
    {
        foreach (var (refused, report) in _refused)
        {
            if (refused == shape)
                return report;
        }

        return null;
    }

    /// <summary>Remembers a refusal.</summary>
    /// <param name="shape">What.</param>
    /// <param name="reason">Why, without a full stop.</param>
    /// <returns>The same as a report.</returns>
    public RungReport Add(in BlobFramebuffer shape, string reason)
    {
        var report = new RungReport(Rung.Copy, reason, Remedy);
        for (var i = 0; i < _refused.Count; i++)
        {
            if (_refused[i].Shape != shape)
                continue;
            _refused[i] = (shape, report);
            return report;
        }

        if (_refused.Count == MaxShapes)
            _refused.RemoveAt(0);
        _refused.Add((shape, report));
        return report;
    }

    /// <summary>Forgets all: another display, or other rules of the same.</summary>
    public void Clear() => _refused.Clear();
}
