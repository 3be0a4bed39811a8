// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Core;

namespace GuestSurfaces.Virtio.Gpu;

/// <summary>The frames that one flush made: at most one for each scanout.</summary>
internal struct FrameSet
{
    private Serials _serials;

    /// <summary>Bit n: scanout n has one.</summary>
    public uint Scanouts { get; private set; }

    public readonly bool IsEmpty => Scanouts == 0;

    /// <summary>The serial of a scanout's frame, if it has one.</summary>
    public readonly ulong this[int scanout] => _serials[scanout];

    public readonly bool Has(int scanout) => (Scanouts & (1u << scanout)) != 0;

    public void Add(int scanout, ulong serial)
    {
        Scanouts |= 1u << scanout;
        _serials[scanout] = serial;
    }

    /// <summary>Takes out a scanout's frame if it is not newer than a serial.</summary>
    public void Settle(int scanout, ulong serial)
    {
        if (Has(scanout) && _serials[scanout] <= serial)
            Scanouts &= ~(1u << scanout);
    }

    [InlineArray(Limits.MaxScanouts)]
    private struct Serials
    {
        private ulong _serial0;
    }
}
