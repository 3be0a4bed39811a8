// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Input;

namespace GuestSurfaces.Plugin.Configuration;

/// <summary>What weston.ini says about guests. A section that is wrong is told and left out. Immutable.</summary>
public sealed class PluginSettings
{
    /// <summary>How many guests a desktop may have.</summary>
    public const int MaxGuests = 16;

    // What is for guests of ours alone.
    private static readonly string[] s_presenterKeys = ["policy", "sync", "ivi-id", "capture"];
    private static readonly List<string> s_policies = [.. Enum.GetNames<FlipPolicy>().Select(static name => name.ToLowerInvariant())];

    private PluginSettings(IReadOnlyList<GuestSection> guests, GrabChord chord) => (Guests, GrabChord) = (guests, chord);

    /// <summary>The [guest-surface] sections, in their order.</summary>
    public IReadOnlyList<GuestSection> Guests { get; }

    /// <summary>What gives a guest keyboard and shortcuts for itself, and takes them back: grab-chord in [guest-surfaces].</summary>
    public GrabChord GrabChord { get; }

    /// <summary>Reads weston.ini.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="complain">Hears of each wrong section, with its number and the key.</param>
    public static PluginSettings Read(string text, Action<string> complain)
    {
        ArgumentNullException.ThrowIfNull(complain);
        var guests = new List<GuestSection>();
        var chord = GrabChord.Default;
        var number = 0;
        foreach (var section in WestonIni.Parse(text))
        {
            if (section.Name == "guest-surfaces" && section.Keys.TryGetValue("grab-chord", out var keys))
            {
                if (GrabChord.TryParse(keys) is { } parsed)
                    chord = parsed;
                else
                    complain($"[guest-surfaces]: key \"grab-chord\" = \"{keys}\" isn't a chord such as ctrl+alt+g, which counts instead");
            }

            if (section.Name != "guest-surface")
                continue;
            number++;
            if (TryRead(section.Keys, guests, out var wrong) is { } guest)
                guests.Add(guest);
            else
                complain($"[guest-surface] number {number} is left out: key {wrong}");
        }

        return new PluginSettings(guests, chord);
    }

    /// <summary>Reads where a guest belongs.</summary>
    /// <param name="placement">window, fullscreen or background; null: window.</param>
    /// <param name="outputs">Names with commas between them; null: any.</param>
    /// <returns>Null: there is no such placement.</returns>
    public static WindowPlacement? ParsePlacement(string? placement, string? outputs) =>
        PlacementKinds.TryParse(placement ?? PlacementKind.Window.Name()) is { } kind
            ? new WindowPlacement(kind, (outputs ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            : null;

    /// <summary>Reads a colour.</summary>
    /// <param name="text">0xrrggbb, or with two more digits before that, which Weston's own colours have.</param>
    public static uint? ParseColor(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith("0x", StringComparison.Ordinal) && text.Length is 8 or 10 && uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var color)
            ? color & 0xFFFFFF
            : null;
    }

    private static GuestSection? TryRead(IReadOnlyDictionary<string, string> keys, List<GuestSection> others, out string wrong)
    {
        var (name, link, command) = (keys.GetValueOrDefault("name"), keys.GetValueOrDefault("link"), keys.GetValueOrDefault("command"));
        var placement = ParsePlacement(keys.GetValueOrDefault("placement"), keys.GetValueOrDefault("output"));
        var color = keys.TryGetValue("label-color", out var colorText) ? ParseColor(colorText) : GuestSection.DefaultColor;
        var isFrame = TryParseSwitch(keys.GetValueOrDefault("frame"), out var hasFrame);
        var isCapture = TryParseSwitch(keys.GetValueOrDefault("capture"), out var mayBeCaptured);
        var isPolicy = TryParsePolicy(keys.GetValueOrDefault("policy"), out var policy);
        var isSync = TryParseSync(keys.GetValueOrDefault("sync"), out var sync);
        uint? iviId = uint.TryParse(keys.GetValueOrDefault("ivi-id"), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        wrong = name switch
        {
            null => "\"name\" is missing",
            _ when !GuestSection.IsName(name) => $"\"name\" = \"{name}\" isn't 1 to 64 letters, digits, \"_\", \".\" and \"-\" that begin with a letter, a digit or \"_\"",
            _ when others.Any(other => other.Name == name) => $"\"name\" = \"{name}\" is another section's already",
            _ when others.Count == MaxGuests => $"\"name\" = \"{name}\" is one too many: there are {MaxGuests} guests already",
            _ when link is null && command is null => "\"link\" is missing, and there is no command",
            _ when link is not null && command is not null => $"\"link\" = \"{link}\" stands beside a command: one of them",
            _ when link is not null && !link.StartsWith('/') => $"\"link\" = \"{link}\" isn't an absolute path",
            _ when placement is null => $"\"placement\" = \"{keys["placement"]}\" isn't one of {string.Join(", ", PlacementKinds.Names)}",
            _ when !GuestSection.AreOutputs(placement.Outputs) => $"\"output\" = \"{keys["output"]}\" isn't at most {GuestSection.MaxOutputs} names of at most {GuestSection.MaxOutputLength} characters",
            _ when color is null => $"\"label-color\" = \"{colorText}\" isn't a colour such as 0xff8800",
            _ when !isFrame => $"\"frame\" = \"{keys["frame"]}\" is neither true nor false",
            _ when command is not null && s_presenterKeys.FirstOrDefault(keys.ContainsKey) is { } key => $"\"{key}\" = \"{keys[key]}\" stands beside a command, which knows nothing of it",
            _ when !isCapture => $"\"capture\" = \"{keys["capture"]}\" is neither true nor false",
            _ when !isPolicy => $"\"policy\" = \"{keys["policy"]}\" isn't one of {string.Join(", ", s_policies)}",
            _ when !isSync => $"\"sync\" = \"{keys["sync"]}\" isn't one of auto, {string.Join(", ", SyncModes.Names)}",
            _ when keys.ContainsKey("ivi-id") && iviId is null => $"\"ivi-id\" = \"{keys["ivi-id"]}\" isn't a number from 0 to {uint.MaxValue}",
            _ => "",
        };
        return wrong.Length > 0
            ? null
            : new GuestSection { Name = name!, Link = link, Command = command, Placement = placement!, Color = color!.Value, HasFrame = hasFrame, Policy = policy, Sync = sync, IviId = iviId, MayBeCaptured = mayBeCaptured ?? false };
    }

    private static bool TryParseSwitch(string? text, out bool? isOn)
    {
        isOn = text is null ? null : text == "true";
        return text is null or "true" or "false";
    }

    private static bool TryParsePolicy(string? text, out FlipPolicy? policy)
    {
        policy = text is not null && s_policies.IndexOf(text) is >= 0 and var index ? (FlipPolicy)index : null;
        return text is null || policy is not null;
    }

    private static bool TryParseSync(string? text, out SyncMode? sync)
    {
        sync = text is null ? null : SyncModes.TryParse(text);
        return text is null or "auto" || sync is not null;
    }
}
