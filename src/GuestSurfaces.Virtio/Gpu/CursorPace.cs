// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// How often a guest may change its cursors: a thousand times a second is as often as any mouse reports, and every change of image is a copy here and one more in
/// the compositor. Beyond that the ring fills, and many commands become one change. Units: ns of the loop's clock.
/// </summary>
internal sealed class CursorPace
{
    private const long WindowNs = 16_000_000;
    private const int MaxChanges = 32;

    private long _windowStart;
    private int _changes;

    /// <summary>When changes may go on.</summary>
    public long ResumeNs => _windowStart + WindowNs;

    /// <summary>Cursors were changed.</summary>
    public void Shown() => _changes++;

    /// <summary>Whether to leave the ring alone until <see cref="ResumeNs"/>.</summary>
    public bool IsSpent(long nowNs)
    {
        if (nowNs - _windowStart >= WindowNs)
        {
            _windowStart = nowNs;
            _changes = 0;
        }

        return _changes >= MaxChanges;
    }
}
