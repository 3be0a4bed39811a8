// SPDX-License-Identifier: MIT
using System.Text.Json.Serialization;

namespace GuestSurfaces.Benchmarks.Reporting;

/// <summary>One line of the result: ours beside a baseline that was measured in the same run.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Ours">Our figure.</param>
/// <param name="Baseline">The baseline's.</param>
/// <param name="Unit">Of both.</param>
/// <param name="Ratio">What is judged: ours to the baseline's, or our figure itself where there is nothing to compare with.</param>
/// <param name="Wanted">The goal in words: "≤ 1.20". Empty: for information only.</param>
/// <param name="IsMet">Whether the goal is met; null without one.</param>
internal sealed record Figure(string Name, double Ours, double? Baseline, string Unit, double Ratio, string Wanted, bool? IsMet)
{
    /// <summary>A figure whose ratio may be at most so much.</summary>
    public static Figure AtMost(string name, double ours, double baseline, string unit, double limit) =>
        new(name, ours, baseline, unit, ours / baseline, $"<= {limit:0.00}", ours / baseline <= limit);

    /// <summary>A figure whose ratio must be at least so much.</summary>
    public static Figure AtLeast(string name, double ours, double baseline, string unit, double limit) =>
        new(name, ours, baseline, unit, ours / baseline, $">= {limit:0.00}", ours / baseline >= limit);

    /// <summary>A figure that must be exactly 0.</summary>
    public static Figure Zero(string name, double ours, string unit) => new(name, ours, null, unit, ours, "0", ours == 0);

    /// <summary>A figure that explains others.</summary>
    public static Figure Plain(string name, double ours, double? baseline, string unit) =>
        new(name, ours, baseline, unit, baseline is { } b && b != 0 ? ours / b : ours, "", null);
}

/// <summary>The figures of one part, or why there are none.</summary>
/// <param name="Part">Its name on the command line.</param>
/// <param name="Title">What it measures, against what.</param>
/// <param name="Figures">In order.</param>
/// <param name="Skipped">Why it could not be measured; null if it was.</param>
internal sealed record PartResult(string Part, string Title, IReadOnlyList<Figure> Figures, string? Skipped = null);

/// <summary>What <c>--json</c> writes.</summary>
internal sealed record BenchmarkReport(int Schema, int Cores, string Runtime, IReadOnlyList<PartResult> Parts);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchmarkReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
