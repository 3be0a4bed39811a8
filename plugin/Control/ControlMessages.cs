// SPDX-License-Identifier: MIT
using System.Text.Json;
using System.Text.Json.Serialization;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Plugin.Host;
using GuestSurfaces.Presentation;

namespace GuestSurfaces.Plugin.Control;

/// <summary>What a desktop's host can be asked.</summary>
public enum ControlAction
{
    /// <summary>Which guests there are.</summary>
    List,

    /// <summary>To bring one, or one back.</summary>
    Attach,

    /// <summary>To take one away.</summary>
    Detach,

    /// <summary>To put one on other outputs.</summary>
    Move,

    /// <summary>To make one fill screens, or not.</summary>
    Fullscreen,

    /// <summary>Where one's picture is to be had.</summary>
    Capture,
}

/// <summary>What a desktop's host is asked: one packet of JSON. Immutable.</summary>
public sealed record ControlRequest
{
    /// <summary>What to do.</summary>
    public required ControlAction Action { get; init; }

    /// <summary>The guest's name.</summary>
    public string? Name { get; init; }

    /// <summary>The path of its link, for a new one.</summary>
    public string? Link { get; init; }

    /// <summary>Of its frame, 0xrrggbb, for a new one.</summary>
    public uint? Color { get; init; }

    /// <summary>Where to.</summary>
    public WindowPlacement Placement { get; init; } = WindowPlacement.Windows;

    /// <summary>As it is sent.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ControlJson.Default.ControlRequest);

    /// <summary>Reads what <see cref="ToJson"/> wrote; null if that isn't it, or if it has more outputs than can be told, or longer ones.</summary>
    /// <param name="json">Whole.</param>
    public static ControlRequest? TryParse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ControlJson.Default.ControlRequest) is { Placement.Outputs: { } outputs } request && GuestSection.AreOutputs(outputs) ? request : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A guest as the desktop has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">How it fares.</param>
/// <param name="Pid">Its presenter's process; null: there is none.</param>
/// <param name="Placement">window, fullscreen or background.</param>
/// <param name="Outputs">The outputs that are named for it.</param>
/// <param name="Restarts">How often its presenter has ended by itself.</param>
public sealed record GuestReport(string Name, GuestState State, int? Pid, string Placement, IReadOnlyList<string> Outputs, int Restarts)
{
    internal static GuestReport Of(HostedGuest guest) =>
        new(guest.Section.Name, guest.State, guest.Pid, guest.Placement.Kind.Name(), guest.Placement.Outputs, guest.Restarts);
}

/// <summary>The answer: one packet of JSON. Immutable.</summary>
public sealed record ControlReply
{
    /// <summary>Why nothing was done; null: it was.</summary>
    public string? Problem { get; init; }

    /// <summary>Where the guest's picture is to be had: the path of its link. Only if that was asked, and weston.ini allows it.</summary>
    public string? Link { get; init; }

    /// <summary>All guests, if that was asked.</summary>
    public IReadOnlyList<GuestReport> Guests { get; init; } = [];

    /// <summary>As it is sent.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ControlJson.Default.ControlReply);

    /// <summary>Reads what <see cref="ToJson"/> wrote; null if that isn't it.</summary>
    /// <param name="json">Whole.</param>
    public static ControlReply? TryParse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, ControlJson.Default.ControlReply);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
internal sealed partial class ControlJson : JsonSerializerContext;
