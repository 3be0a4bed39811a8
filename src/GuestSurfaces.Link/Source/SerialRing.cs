// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace GuestSurfaces.Link.Source;

/// <summary>The few frames of a surface that wait for an answer, oldest first. Credit bounds them.</summary>
internal struct SerialRing
{
    /// <summary>Those that a viewer has, and the newest that it hasn't.</summary>
    public const int Capacity = LinkLimits.MaxCredit + 1;

    private Serials _serials;

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>The oldest. Only if there is one.</summary>
    public readonly ulong First => _serials[0];

    /// <summary>Whether a frame waits.</summary>
    /// <param name="serial">Which.</param>
    public readonly bool Contains(ulong serial) => IndexOf(serial) >= 0;

    /// <summary>A frame begins to wait.</summary>
    /// <param name="serial">Higher than those before.</param>
    public void Add(ulong serial) => _serials[Count++] = serial;

    /// <summary>A frame waits no longer.</summary>
    /// <param name="serial">Which.</param>
    /// <returns>Whether it did.</returns>
    public bool Remove(ulong serial)
    {
        var at = IndexOf(serial);
        if (at < 0)
            return false;
        for (var i = at + 1; i < Count; i++)
            _serials[i - 1] = _serials[i];
        Count--;
        return true;
    }

    /// <summary>A frame and all before it wait no longer.</summary>
    /// <param name="serial">Which.</param>
    /// <returns>Whether any did.</returns>
    public bool RemoveUpTo(ulong serial)
    {
        var before = Count;
        while (Count > 0 && _serials[0] <= serial)
            Remove(_serials[0]);
        return Count < before;
    }

    private readonly int IndexOf(ulong serial)
    {
        for (var i = 0; i < Count; i++)
        {
            if (_serials[i] == serial)
                return i;
        }

        return -1;
    }

    [InlineArray(Capacity)]
    private struct Serials
    {
        private ulong _serial0;
    }
}
