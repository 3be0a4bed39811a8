// SPDX-License-Identifier: MIT
using System.Numerics;

namespace GuestSurfaces.Core.Diagnostics;

/// <summary>Durations, counted in buckets an eighth of a power of two wide: 12 % precision over all of a long, and adding allocates nothing.</summary>
public sealed class LatencyHistogram
{
    private const int SubBits = 3;
    private readonly long[] _buckets = new long[64 << SubBits];

    /// <summary>How many durations.</summary>
    public long Count { get; private set; }

    /// <summary>The longest, exactly, in ns.</summary>
    public long MaxNs { get; private set; }

    /// <summary>Adds a duration.</summary>
    /// <param name="durationNs">In ns; negative counts as 0.</param>
    public void Add(long durationNs)
    {
        durationNs = Math.Max(durationNs, 0);
        _buckets[Bucket(durationNs)]++;
        Count++;
        MaxNs = Math.Max(MaxNs, durationNs);
    }

    /// <summary>Adds all durations of another one.</summary>
    /// <param name="other">Stays as it is.</param>
    public void Add(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var i = 0; i < _buckets.Length; i++)
            _buckets[i] += other._buckets[i];
        Count += other.Count;
        MaxNs = Math.Max(MaxNs, other.MaxNs);
    }

    /// <summary>The duration that a share of all stay at or below; the upper edge of its bucket, at most <see cref="MaxNs"/>. 0 if there are none.</summary>
    /// <param name="share">0 to 1: 0.5 is the median.</param>
    public long PercentileNs(double share)
    {
        var wanted = (long)Math.Ceiling(share * Count);
        for (var i = 0; i < _buckets.Length; i++)
        {
            wanted -= _buckets[i];
            if (wanted <= 0 && _buckets[i] > 0)
                return Math.Min(UpperEdge(i), MaxNs);
        }

        return MaxNs;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_buckets);
        Count = 0;
        MaxNs = 0;
    }

    private static int Bucket(long value)
    {
        if (value < 1 << SubBits)
            return (int)value;
        var exponent = BitOperations.Log2((ulong)value);
        return ((exponent - SubBits + 1) << SubBits) + (int)((value >> (exponent - SubBits)) & ((1 << SubBits) - 1));
    }

    private static long UpperEdge(int bucket)
    {
        if (bucket < 1 << SubBits)
            return bucket;
        var exponent = (bucket >> SubBits) + SubBits - 1;
        var sub = bucket & ((1 << SubBits) - 1);
        return (((1L << SubBits) + sub + 1) << (exponent - SubBits)) - 1;
    }
}
