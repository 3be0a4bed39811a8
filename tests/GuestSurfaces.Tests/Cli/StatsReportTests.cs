// SPDX-License-Identifier: MIT
using System.Text.Json;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Diagnostics;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>The file that --stats writes is an interface: others read it by these names.</summary>
public sealed class StatsReportTests
{
    private static readonly string[] s_texts = ["guest", "vmm", "accelerator", "accelerator_reason", "compositor", "rung", "reason", "remedy", "composited_because", "sync_mode", "sync_reason", "placement", "placement_reason", "policy", "policy_reason"];

    private static readonly string[] s_numbers =
    [
        "schema", "frames_received", "frames_presented", "zero_copy_presented", "frames_dropped", "late_flips", "unprotected_flips", "torn_writes", "throttled", "bytes_copied_per_frame",
        "pinned_bytes", "pinned_buffers",
        "gc_allocated_bytes_per_frame", "gc_collections", "rss_mib",
    ];

    [Fact]
    public void Members_have_the_documented_names_and_kinds()
    {
        using var json = Write(new StatsReport { FlushToCommitUs = new Percentiles(1, 2, 3), FlushToGuestUs = new Percentiles(4, 5.5, 6) { P999 = 5.75 } });
        var root = json.RootElement;
        Assert.Equal(1, root.GetProperty("schema").GetInt32());
        Assert.All(s_texts, name => Assert.Equal(JsonValueKind.String, root.GetProperty(name).ValueKind));
        Assert.All(s_numbers, name => Assert.Equal(JsonValueKind.Number, root.GetProperty(name).ValueKind));
        Assert.Equal([1, 2, 3], Numbers(root.GetProperty("flush_to_commit_us")));
        Assert.Equal([4, 5.5, 6], Numbers(root.GetProperty("flush_to_guest_us")));
        Assert.Equal(5.75, root.GetProperty("flush_to_guest_us").GetProperty("p999").GetDouble());
        Assert.Equal([.. s_texts, .. s_numbers, "flush_to_commit_us", "flush_to_guest_us"], root.EnumerateObject().Select(static p => p.Name).ToHashSet());
    }

    [Fact]
    public void Texts_are_written_as_they_are()
    {
        using var json = Write(new StatsReport { Reason = "c++ & \"ü\"", FlushToCommitUs = new Percentiles(0, 0, 0), FlushToGuestUs = new Percentiles(0, 0, 0) }, out var text);
        Assert.Equal("c++ & \"ü\"", json.RootElement.GetProperty("reason").GetString());
        Assert.Contains("c++ & ", text, StringComparison.Ordinal);
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Durations_are_in_microseconds()
    {
        var histogram = new LatencyHistogram();
        histogram.Add(2_000);
        histogram.Add(1_000_000);
        var percentiles = Percentiles.Of(histogram);
        Assert.InRange(percentiles.P50, 2, 2.3);
        Assert.Equal(1000, percentiles.P99);
        Assert.Equal(1000, percentiles.Max);
    }

    [Theory]
    [InlineData(Rung.None, "none")]
    [InlineData(Rung.Copy, "copy")]
    [InlineData(Rung.Convert, "convert")]
    [InlineData(Rung.Direct, "direct")]
    public void Rungs_are_spelt_as_documented(Rung rung, string name) => Assert.Equal(name, StatsReport.Name(rung));

    private static double[] Numbers(JsonElement percentiles) =>
        [percentiles.GetProperty("p50").GetDouble(), percentiles.GetProperty("p99").GetDouble(), percentiles.GetProperty("max").GetDouble()];

    private static JsonDocument Write(StatsReport report) => Write(report, out _);

    private static JsonDocument Write(StatsReport report, out string text)
    {
        var folder = Directory.CreateTempSubdirectory("gs-stats").FullName;
        var path = Path.Combine(folder, "stats.json");
        report.WriteTo(path);
        report.WriteTo(path); // over the old one
        text = File.ReadAllText(path);
        Assert.Single(Directory.GetFileSystemEntries(folder));
        Directory.Delete(folder, recursive: true);
        return JsonDocument.Parse(text);
    }
}
