// SPDX-License-Identifier: MIT
using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;

namespace GuestSurfaces.Wayland.Scanner;

/// <summary>An array that is equal by content: what the compiler's incremental cache compares.</summary>
/// <typeparam name="T">The elements.</typeparam>
public readonly struct EquatableArray<T> : IEquatable<EquatableArray<T>>, IEnumerable<T>
    where T : IEquatable<T>
{
    private readonly T[]? _items;

    /// <summary>Wraps what is then never changed.</summary>
    /// <param name="items">The elements.</param>
    public EquatableArray(IEnumerable<T> items) => _items = items.ToArray();

    /// <summary>How many.</summary>
    public int Count => _items?.Length ?? 0;

    /// <summary>One of them.</summary>
    /// <param name="index">Which.</param>
    public T this[int index] => _items![index];

    /// <summary>Equal by content.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">Other.</param>
    public static bool operator ==(EquatableArray<T> left, EquatableArray<T> right) => left.Equals(right);

    /// <summary>Different by content.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">Other.</param>
    public static bool operator !=(EquatableArray<T> left, EquatableArray<T> right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(EquatableArray<T> other) => this.SequenceEqual(other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EquatableArray<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => this.Aggregate(17, static (hash, item) => unchecked((hash * 31) + item.GetHashCode()));

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)(_items ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
