// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Viewer;

/// <summary>
/// When the last few frames of one surface were on the screen: often known only after they were answered. It is told along with a later answer, never for its own
/// sake, so that it costs the source no wake-up; what isn't told by then is forgotten.
/// </summary>
internal struct FramePresentations
{
    private Entries _entries;
    private int _last;

    /// <summary>The most that they take in a packet.</summary>
    public static int MaxBytes { get; } = Entries.Capacity * (MessageHead.Bytes + Unsafe.SizeOf<PresentedBody>());

    /// <summary>A frame has come.</summary>
    /// <param name="local">What the display knows it by.</param>
    /// <param name="serial">The source's.</param>
    public void Add(ulong local, ulong serial)
    {
        _last = (_last + 1) % Entries.Capacity;
        _entries[_last] = new Entry { Local = local, Serial = serial };
    }

    /// <summary>A frame was on the screen.</summary>
    /// <param name="local">Which.</param>
    /// <param name="presentation">When and how.</param>
    public void Note(ulong local, in FramePresentation presentation)
    {
        for (var i = 0; i < Entries.Capacity; i++)
        {
            if (_entries[i].Local == local)
                (_entries[i].Presentation, _entries[i].IsNews) = (presentation, true);
        }
    }

    /// <summary>Writes what is new, oldest first.</summary>
    /// <param name="surface">Whose.</param>
    /// <param name="writer">With room for <see cref="MaxBytes"/>.</param>
    public void Write(int surface, LinkWriter writer)
    {
        for (var i = 1; i <= Entries.Capacity; i++)
        {
            ref var entry = ref _entries[(_last + i) % Entries.Capacity];
            if (!entry.IsNews)
                continue;
            entry.IsNews = false;
            writer.Write(
                LinkOpcode.Presented,
                (uint)surface,
                new PresentedBody
                {
                    Serial = entry.Serial,
                    TimeNs = (ulong)Math.Max(entry.Presentation.TimeNs, 0),
                    RefreshNs = (uint)entry.Presentation.RefreshNs,
                    Flags = entry.Presentation.IsZeroCopy ? PresentedBody.ZeroCopy : 0,
                });
        }
    }

    /// <summary>The connection is gone: nobody is told.</summary>
    public void Clear() => this = default;

    private struct Entry
    {
        public ulong Local;
        public ulong Serial;
        public FramePresentation Presentation;
        public bool IsNews;
    }

    [InlineArray(Capacity)]
    private struct Entries
    {
        public const int Capacity = LinkLimits.MaxCredit + 1;
        private Entry _entry0;
    }
}
