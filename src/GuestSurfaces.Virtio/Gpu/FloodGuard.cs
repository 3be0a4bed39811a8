// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Gpu;

/// <summary>
/// Guests without fences have no back-pressure: a benchmark in one would flush a thousand times a second, and each of them would cost the desktop's user.
/// While frames take the place of others that weren't shown, half of every refresh is the most that their commands may cost; then the ring fills, which is
/// back-pressure enough. Work without such flushes is never held up. Units: ns of the loop's clock.
/// </summary>
internal sealed class FloodGuard
{
    private long _windowStart;
    private long _spent;
    private bool _superseding;

    /// <summary>How long a refresh is.</summary>
    public long RefreshNs { get; set; } = 1_000_000_000 / 60;

    /// <summary>A frame took the place of one that wasn't shown.</summary>
    public void Superseding() => _superseding = true;

    /// <summary>Time was spent on a command.</summary>
    public void Charge(long startNs, long endNs)
    {
        Roll(startNs);
        _spent += endNs - startNs;
    }

    /// <summary>Whether to leave the ring alone until <see cref="ResumeNs"/>, or until a frame is shown.</summary>
    public bool IsSpent(long nowNs)
    {
        Roll(nowNs);
        return _superseding && _spent >= RefreshNs / 2;
    }

    /// <summary>When the next refresh begins at the latest.</summary>
    public long ResumeNs => _windowStart + RefreshNs;

    /// <summary>Begins a refresh.</summary>
    public void Restart(long nowNs)
    {
        _windowStart = nowNs;
        _spent = 0;
        _superseding = false;
    }

    private void Roll(long nowNs)
    {
        if (nowNs - _windowStart >= RefreshNs)
            Restart(nowNs);
    }
}
