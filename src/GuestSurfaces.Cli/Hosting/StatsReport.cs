// SPDX-License-Identifier: MIT
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Cli.Hosting;

/// <summary>p50, p99, p99.9 and maximum of a duration, in microseconds.</summary>
internal sealed record Percentiles(double P50, double P99, double Max)
{
    public double P999 { get; init; }

    public static Percentiles Of(LatencyHistogram h) => new(h.PercentileNs(0.5) / 1000.0, h.PercentileNs(0.99) / 1000.0, h.MaxNs / 1000.0) { P999 = h.PercentileNs(0.999) / 1000.0 };
}

/// <summary>What <c>--stats</c> writes. Additions keep <see cref="CurrentSchema"/>; a changed or removed member raises it.</summary>
internal sealed record StatsReport
{
    public const int CurrentSchema = 1;

    // A file for programs and people, never part of a web page: a + stays a +.
    private static readonly StatsJson s_json = new(new JsonSerializerOptions(StatsJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public int Schema { get; init; } = CurrentSchema;

    public string Guest { get; init; } = "";

    public string Vmm { get; init; } = "";

    public string Accelerator { get; init; } = "";

    public string AcceleratorReason { get; init; } = "";

    public string Compositor { get; init; } = "";

    public string Rung { get; init; } = "";

    public string Reason { get; init; } = "";

    public string Remedy { get; init; } = "";

    public long FramesReceived { get; init; }

    public long FramesPresented { get; init; }

    /// <summary>Of those, the ones that the screen read from the guest's own pages: not even the compositor drew them.</summary>
    public long ZeroCopyPresented { get; init; }

    /// <summary>Why the compositor draws the shown frame once more, as far as it tells beforehand; empty if it may scan it out.</summary>
    public string CompositedBecause { get; init; } = "";

    /// <summary>How the display and the compositor tell each other when dma-bufs are read.</summary>
    public string SyncMode { get; init; } = "";

    /// <summary>Why no better way, or not the one that was asked for.</summary>
    public string SyncReason { get; init; } = "";

    /// <summary>What the guest's windows are on the desktop: window, fullscreen, background or ivi.</summary>
    public string Placement { get; init; } = "";

    /// <summary>Why not what was asked for.</summary>
    public string PlacementReason { get; init; } = "";

    /// <summary>What becomes of flips that come faster than the screen refreshes.</summary>
    public string Policy { get; init; } = "";

    /// <summary>Why not what was asked for.</summary>
    public string PolicyReason { get; init; } = "";

    public long FramesDropped { get; init; }

    /// <summary>Flips answered by the clock, since the compositor didn't in time.</summary>
    public long LateFlips { get; init; }

    /// <summary>Of those, the ones that let the guest draw into pages that were still read.</summary>
    public long UnprotectedFlips { get; init; }

    public long TornWrites { get; init; }

    public long Throttled { get; init; }

    public double BytesCopiedPerFrame { get; init; }

    public ulong PinnedBytes { get; init; }

    public int PinnedBuffers { get; init; }

    public required Percentiles FlushToCommitUs { get; init; }

    public required Percentiles FlushToGuestUs { get; init; }

    public double GcAllocatedBytesPerFrame { get; init; }

    public int GcCollections { get; init; }

    public double RssMib { get; init; }

    /// <summary>A rung's name as reports and logs spell it.</summary>
    public static string Name(Rung rung) => rung switch
    {
        Core.Diagnostics.Rung.Direct => "direct",
        Core.Diagnostics.Rung.Convert => "convert",
        Core.Diagnostics.Rung.Copy => "copy",
        _ => "none",
    };

    /// <summary>Writes the report over whatever is there, in one piece: a device that is isolated can write this file and nothing beside it.</summary>
    public void WriteTo(string path)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var text = JsonSerializer.SerializeToUtf8Bytes(this, s_json.StatsReport);
        file.Write([.. text, (byte)'\n']);
        file.SetLength(text.Length + 1);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(StatsReport))]
internal sealed partial class StatsJson : JsonSerializerContext;
