// SPDX-License-Identifier: MIT
using System.Text.Json.Serialization;

namespace GuestSurfaces.Cli.Bench;

/// <summary>What one way of presenting cost.</summary>
internal sealed record BenchFigures
{
    public long FramesPresented { get; init; }

    public double FramesPerSecond { get; init; }

    public double FlushToCommitP50Us { get; init; }

    public double FlushToCommitP99Us { get; init; }

    public double CpuUsPerFrame { get; init; }

    public double BytesCopiedPerFrame { get; init; }

    public double GcAllocatedBytesPerFrame { get; init; }

    public static BenchFigures Of(BenchMeasure measure) => new()
    {
        FramesPresented = measure.Presented,
        FramesPerSecond = measure.Presented / Math.Max(measure.Seconds, 1e-9),
        FlushToCommitP50Us = measure.FlushToCommit.PercentileNs(0.5) / 1000.0,
        FlushToCommitP99Us = measure.FlushToCommit.PercentileNs(0.99) / 1000.0,
        CpuUsPerFrame = measure.CpuUsPerFrame,
        BytesCopiedPerFrame = (double)measure.BytesCopied / Math.Max(measure.Presented, 1),
        GcAllocatedBytesPerFrame = measure.AllocatedPerFrame,
    };
}

/// <summary>What <c>bench --json</c> writes. Additions keep the schema's number.</summary>
internal sealed record BenchReport
{
    public int Schema { get; init; } = 1;

    public required string Compositor { get; init; }

    public required string Size { get; init; }

    public required string Rung { get; init; }

    public required string Reason { get; init; }

    public required BenchFigures Bridge { get; init; }

    public required BenchFigures Baseline { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class BenchJson : JsonSerializerContext;
