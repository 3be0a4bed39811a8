// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Core.Sessions;

/// <summary>When the last few frames were popped, for the latency figures: a display holds at most two at a time.</summary>
internal struct RecentFrames
{
    private (ulong Serial, long PoppedNs) _a;
    private (ulong Serial, long PoppedNs) _b;
    private (ulong Serial, long PoppedNs) _c;

    public void Add(ulong serial, long poppedNs)
    {
        _a = _b;
        _b = _c;
        _c = (serial, poppedNs);
    }

    public readonly bool TryGet(ulong serial, out long poppedNs)
    {
        poppedNs = _c.Serial == serial ? _c.PoppedNs : _b.Serial == serial ? _b.PoppedNs : _a.PoppedNs;
        return _c.Serial == serial || _b.Serial == serial || _a.Serial == serial;
    }
}
