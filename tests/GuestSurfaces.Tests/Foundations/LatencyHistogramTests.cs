// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using Xunit;

namespace GuestSurfaces.Tests.Foundations;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void An_empty_histogram_says_0()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal((0L, 0L, 0L), (histogram.Count, histogram.MaxNs, histogram.PercentileNs(0.5)));
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(7L)]
    [InlineData(8L)]
    [InlineData(16_666_667L)]
    [InlineData(long.MaxValue)]
    public void One_duration_is_every_percentile(long ns)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(ns);
        Assert.Equal(ns, histogram.PercentileNs(0.01));
        Assert.Equal(ns, histogram.PercentileNs(1));
    }

    [Fact]
    public void Percentiles_are_within_an_eighth()
    {
        var histogram = new LatencyHistogram();
        var random = new Random(1);
        var all = new long[10_000];
        foreach (ref var ns in all.AsSpan())
            histogram.Add(ns = (long)Math.Exp(random.NextDouble() * 30));
        Array.Sort(all);
        foreach (var share in new[] { 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            var exact = all[(int)Math.Ceiling(share * all.Length) - 1];
            Assert.InRange(histogram.PercentileNs(share), exact, exact + (exact / 7) + 1);
        }

        histogram.Clear();
        Assert.Equal(0, histogram.PercentileNs(0.5));
    }

    [Fact]
    public void A_negative_duration_counts_as_0()
    {
        var histogram = new LatencyHistogram();
        histogram.Add(-5);
        Assert.Equal((1L, 0L), (histogram.Count, histogram.PercentileNs(0.5)));
    }
}
