// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Presentation;

namespace GuestSurfaces.Plugin.Configuration;

/// <summary>A guest as somebody wants it on the desktop: a [guest-surface] section of weston.ini, or <c>plugin attach</c>. Immutable.</summary>
public sealed record GuestSection
{
    /// <summary>How many outputs a guest can have: one for each head.</summary>
    public const int MaxOutputs = 16;

    /// <summary>The longest name of an output. All of a guest's fit into one Wayland message, of 4096 bytes, with three for each character.</summary>
    public const int MaxOutputLength = 64;

    /// <summary>The colour of frames that nobody has chosen another for.</summary>
    public const uint DefaultColor = 0xFF8800;

    /// <summary>1 to 64 letters, digits, "_", "." and "-": in titles, app ids and the log. Unique.</summary>
    public required string Name { get; init; }

    /// <summary>The path of its device's link socket; null: <see cref="Command"/> shows it.</summary>
    public string? Link { get; init; }

    /// <summary>For /bin/sh: any Wayland client that shows it; null: <see cref="Link"/> says where it is.</summary>
    public string? Command { get; init; }

    /// <summary>Where it belongs.</summary>
    public WindowPlacement Placement { get; init; } = WindowPlacement.Windows;

    /// <summary>Of its frame, 0xrrggbb.</summary>
    public uint Color { get; init; } = DefaultColor;

    /// <summary>
    /// Whether it has one; null: unless the desktop places it full screen. A picture that fills a screen because its user says so may be scanned out; a frame would be drawn into it.
    /// </summary>
    public bool? HasFrame { get; init; }

    /// <summary>What becomes of flips that come faster than the screen refreshes; null: as <c>present</c> has it.</summary>
    public FlipPolicy? Policy { get; init; }

    /// <summary>How its presenter agrees with the desktop on when a buffer is free; null: the best that both have.</summary>
    public SyncMode? Sync { get; init; }

    /// <summary>The surface id of its first head for an IVI shell; null: it has none.</summary>
    public uint? IviId { get; init; }

    /// <summary>Whether <c>plugin capture</c> may have its picture. Only weston.ini can say so.</summary>
    public bool MayBeCaptured { get; init; }

    /// <summary>What <c>guest-surfaces present</c> is told of this, beside where it belongs.</summary>
    internal IEnumerable<string> PresenterOptions()
    {
        yield return $"--name={Name}";
        if (Placement.Kind == PlacementKind.Fullscreen)
            yield return "--fullscreen";
        if (Policy is { } policy)
            yield return $"--policy={policy.ToString().ToLowerInvariant()}";
        if (Sync is { } sync)
            yield return $"--sync={sync.Name()}";
        if (IviId is { } id)
            yield return string.Create(CultureInfo.InvariantCulture, $"--ivi-id={id}");
    }

    /// <summary>Whether outputs can be told to the desktop and to presenters.</summary>
    /// <param name="names">Any.</param>
    public static bool AreOutputs(IReadOnlyList<string> names) =>
        names.Count <= MaxOutputs && names.All(static name => name is { Length: <= MaxOutputLength } && !name.Any(char.IsControl));

    /// <summary>Whether a text is a name.</summary>
    /// <param name="text">Any.</param>
    public static bool IsName(string text) =>
        text.Length is >= 1 and <= 64 && text[0] is not ('-' or '.') && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
}
