// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Link.Wire;

namespace GuestSurfaces.Link.Viewer;

/// <summary>
/// The frames of one surface that the source waits for: each is answered once, whatever the display says how often. The display knows them by serials of ours: a source
/// may begin anew, a display doesn't.
/// </summary>
internal struct FrameAnswers
{
    private Entries _entries;

    /// <summary>How many the source waits for, those included whose answer is still to be sent.</summary>
    public int Count { get; private set; }

    /// <summary>Whether an answer is to be sent.</summary>
    public readonly bool HasNews
    {
        get
        {
            for (var i = 0; i < Count; i++)
            {
                if (_entries[i].State is Answer.Latched or Answer.Superseded)
                    return true;
            }

            return false;
        }
    }

    /// <summary>A frame has come.</summary>
    /// <param name="local">What the display knows it by.</param>
    /// <param name="serial">The source's.</param>
    public void Add(ulong local, ulong serial) => _entries[Count++] = new Entry { Local = local, Serial = serial };

    /// <summary>The display committed a frame.</summary>
    /// <param name="local">Which.</param>
    /// <param name="timeNs">When.</param>
    public void Commit(ulong local, long timeNs)
    {
        if (IndexOf(local) is var at and >= 0)
            _entries[at].CommittedNs = timeNs;
    }

    /// <summary>A frame was latched, and so are those before it.</summary>
    /// <param name="local">Which.</param>
    /// <param name="timeNs">When.</param>
    /// <returns>Whether that is news.</returns>
    public bool Latch(ulong local, long timeNs)
    {
        if (IndexOf(local) is not (var at and >= 0) || _entries[at].State != Answer.None)
            return false;
        (_entries[at].State, _entries[at].LatchedNs) = (Answer.Latched, timeNs);
        for (var i = 0; i < at; i++)
        {
            if (_entries[i].State == Answer.None)
                _entries[i].State = Answer.Covered;
        }

        return true;
    }

    /// <summary>A frame was superseded.</summary>
    /// <param name="local">Which.</param>
    /// <returns>Whether that is news.</returns>
    public bool Supersede(ulong local)
    {
        if (IndexOf(local) is not (var at and >= 0) || _entries[at].State != Answer.None)
            return false;
        _entries[at].State = Answer.Superseded;
        return true;
    }

    /// <summary>Whatever waits is superseded: there is nothing that would show it.</summary>
    /// <returns>Whether that is news.</returns>
    public bool SupersedeAll()
    {
        var isNews = false;
        for (var i = 0; i < Count; i++)
            isNews |= Supersede(_entries[i].Local);
        return isNews;
    }

    /// <summary>Writes the answers, oldest first.</summary>
    /// <param name="surface">Whose.</param>
    /// <param name="writer">With room for <see cref="MaxBytes"/>.</param>
    public void Write(int surface, LinkWriter writer)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
        {
            ref readonly var entry = ref _entries[i];
            switch (entry.State)
            {
                case Answer.None:
                    _entries[kept++] = entry;
                    break;
                case Answer.Latched:
                    writer.Write(
                        LinkOpcode.Latched,
                        (uint)surface,
                        new LatchedBody { Serial = entry.Serial, CommittedNs = (ulong)entry.CommittedNs, LatchedNs = (ulong)Math.Max(entry.LatchedNs, 0) });
                    break;
                case Answer.Superseded:
                    writer.Write(LinkOpcode.Superseded, (uint)surface, new SupersededBody { Serial = entry.Serial });
                    break;
            }
        }

        Count = kept;
    }

    /// <summary>The most that answers take.</summary>
    public static int MaxBytes { get; } = LinkLimits.MaxCredit * (MessageHead.Bytes + Unsafe.SizeOf<LatchedBody>());

    /// <summary>The connection is gone: nobody waits.</summary>
    public void Clear() => Count = 0;

    private readonly int IndexOf(ulong local)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_entries[i].Local == local)
                return i;
        }

        return -1;
    }

    private enum Answer : byte
    {
        None,
        Covered, // by a later frame's LATCHED, which is in the list too
        Latched,
        Superseded,
    }

    private struct Entry
    {
        public ulong Local;
        public ulong Serial;
        public long CommittedNs;
        public long LatchedNs;
        public Answer State;
    }

    [InlineArray(LinkLimits.MaxCredit)]
    private struct Entries
    {
        private Entry _entry0;
    }
}
