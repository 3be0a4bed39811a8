// SPDX-License-Identifier: MIT
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using GuestSurfaces.Cli.Hosting;

namespace GuestSurfaces.Cli.Status;

/// <summary>What a running guest's process says about itself. Additions keep <see cref="CurrentSchema"/>; a changed or removed member raises it.</summary>
internal sealed record StatusSnapshot
{
    public const int CurrentSchema = 1;

    // For programs and people, never part of a web page: a + stays a +.
    private static readonly StatusJson s_json = new(new JsonSerializerOptions(StatusJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static readonly StatusJson s_oneLine = new(new JsonSerializerOptions(s_json.Options) { WriteIndented = false });

    private static readonly string[] s_lamps = ["num", "caps", "scroll"];

    public int Schema { get; init; } = CurrentSchema;

    /// <summary>As --name says.</summary>
    public required string Name { get; init; }

    public int Pid { get; init; }

    /// <summary>How its pictures arrive: "vhost-user", "fake-guest".</summary>
    public required string Transport { get; init; }

    /// <summary>"waiting" for a VMM, "connected" to one, or "none" if it needs none.</summary>
    public required string Frontend { get; init; }

    /// <summary>Whether there are windows, here or of a viewer in charge.</summary>
    public bool Shown { get; init; }

    /// <summary>How many viewers in other processes there are.</summary>
    public int Viewers { get; init; }

    /// <summary>What the viewer calls itself that paces the guest and decides about its modes; empty if none does.</summary>
    public string InCharge { get; init; } = "";

    /// <summary>What its process has given up, and why not the rest.</summary>
    public string Isolation { get; init; } = "";

    /// <summary>The lamps that the guest wants lit on its keyboard: "num", "caps", "scroll". The desktop's own show the desktop's locks.</summary>
    public IReadOnlyList<string> Lamps { get; init; } = [];

    public double UptimeS { get; init; }

    /// <summary>Frames a second from the guest since it was asked before; of whoever watches alone.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? FramesPerS { get; init; }

    /// <summary>The same of those that a compositor latched.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? PresentedPerS { get; init; }

    /// <summary>The same as --stats would write now.</summary>
    public required StatsReport Stats { get; init; }

    /// <summary>Lamps by name.</summary>
    /// <param name="lamps">As <see cref="Virtio.Input.VirtioInputDevice.Lamps"/>.</param>
    public static IReadOnlyList<string> LampNames(uint lamps) => [.. s_lamps.Where((_, i) => (lamps & (1u << i)) != 0)];

    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, s_json.StatusSnapshot), (byte)'\n'];

    /// <summary>Several as one array.</summary>
    public static string ToJson(IReadOnlyList<StatusSnapshot> snapshots) => JsonSerializer.Serialize(snapshots, s_json.IReadOnlyListStatusSnapshot);

    /// <summary>The same in one line.</summary>
    public static string ToJsonLine(IReadOnlyList<StatusSnapshot> snapshots) => JsonSerializer.Serialize(snapshots, s_oneLine.IReadOnlyListStatusSnapshot);

    /// <summary>With rates, from what it said earlier.</summary>
    /// <param name="earlier">Of the same process.</param>
    public StatusSnapshot Since(StatusSnapshot earlier)
    {
        var seconds = UptimeS - earlier.UptimeS;
        return seconds <= 0 ? this : this with
        {
            FramesPerS = (Stats.FramesReceived - earlier.Stats.FramesReceived) / seconds,
            PresentedPerS = (Stats.FramesPresented - earlier.Stats.FramesPresented) / seconds,
        };
    }

    /// <summary>Reads what <see cref="ToJson()"/> wrote. Null if that isn't it.</summary>
    public static StatusSnapshot? TryParse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, s_json.StatusSnapshot);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(StatusSnapshot))]
[JsonSerializable(typeof(IReadOnlyList<StatusSnapshot>))]
internal sealed partial class StatusJson : JsonSerializerContext;
