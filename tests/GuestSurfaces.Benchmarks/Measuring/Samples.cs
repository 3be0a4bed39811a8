// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Benchmarks.Measuring;

/// <summary>Durations of one thing, measured many times on a machine that also does others. Allocates only while it is made.</summary>
internal sealed class Samples(int capacity)
{
    private readonly double[] _values = new double[capacity];
    private int _count;

    public int Count => _count;

    public void Add(double value)
    {
        if (_count < _values.Length)
            _values[_count++] = value;
    }

    public void AddAll(Samples other)
    {
        foreach (var value in other._values.AsSpan(0, other._count))
            Add(value);
    }

    public void Clear() => _count = 0;

    /// <summary>The value that a share of all stay at or below: 0 is the least, 0.5 the median.</summary>
    public double Quantile(double share)
    {
        if (_count == 0)
            return double.NaN;
        var sorted = _values.AsSpan(0, _count).ToArray();
        Array.Sort(sorted);
        return sorted[(int)Math.Clamp(share * (_count - 1), 0, _count - 1)];
    }

    /// <summary>The median of the ratios of samples that were taken at the same time.</summary>
    /// <param name="other">As many, in the same order.</param>
    public double MedianRatioTo(Samples other)
    {
        var ratios = new Samples(_count);
        for (var i = 0; i < _count; i++)
            ratios.Add(_values[i] / other._values[i]);
        return ratios.Median;
    }

    public double Median => Quantile(0.5);

    public double Least => Quantile(0);
}

/// <summary>Two things measured in turn, so that whatever else the machine does meets both alike.</summary>
internal static class Interleaved
{
    /// <summary>Runs rounds of both, the first one first in every other round.</summary>
    public static void Run(int rounds, Action first, Action second)
    {
        for (var i = 0; i < rounds; i++)
        {
            ((i & 1) == 0 ? first : second)();
            ((i & 1) == 0 ? second : first)();
        }
    }
}
