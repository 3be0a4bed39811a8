// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Core.Memory;

/// <summary>A fixed range of guest RAM, for rings. Bounded copies only; fails once the region behind it is gone. Units: bytes.</summary>
public readonly struct GuestWindow
{
    private readonly SharedRegion? _bytes;
    private readonly ulong _offset;
    private readonly ulong _length;

    internal GuestWindow(SharedRegion bytes, ulong offset, ulong length)
    {
        _bytes = bytes;
        _offset = offset;
        _length = length;
    }

    /// <summary>Its length in bytes; 0 for the default value.</summary>
    public ulong LengthBytes => _length;

    /// <summary>Copies one value out, reading each of its bytes once.</summary>
    /// <typeparam name="T">A blittable type.</typeparam>
    /// <param name="offset">Where in the window.</param>
    /// <param name="value">The copy.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead<T>(ulong offset, out T value)
        where T : unmanaged
    {
        if (Contains(offset, (ulong)Unsafe.SizeOf<T>()))
            return _bytes!.TryRead(_offset + offset, out value);
        value = default;
        return false;
    }

    /// <summary>Copies one value in.</summary>
    /// <typeparam name="T">A blittable type.</typeparam>
    /// <param name="offset">Where in the window.</param>
    /// <param name="value">The value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryWrite<T>(ulong offset, in T value)
        where T : unmanaged => Contains(offset, (ulong)Unsafe.SizeOf<T>()) && _bytes!.TryWrite(_offset + offset, in value);

    /// <summary>Reads a ring index with acquire order.</summary>
    /// <param name="offset">Where in the window.</param>
    /// <param name="value">The copy.</param>
    public bool TryLoadAcquire(ulong offset, out ushort value)
    {
        value = 0;
        return Contains(offset, sizeof(ushort)) && _bytes!.TryLoadAcquire(_offset + offset, out value);
    }

    /// <summary>Writes a ring index with release order.</summary>
    /// <param name="offset">Where in the window.</param>
    /// <param name="value">The value.</param>
    public bool TryStoreRelease(ulong offset, ushort value) => Contains(offset, sizeof(ushort)) && _bytes!.TryStoreRelease(_offset + offset, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Contains(ulong offset, ulong length) => offset <= _length && length <= _length - offset;
}
