// SPDX-License-Identifier: MIT
using GuestSurfaces.Presentation;

namespace GuestSurfaces.Plugin.Configuration;

/// <summary>A guest as somebody wants it on the desktop: a [guest-surface] section of weston.ini, or <c>plugin attach</c>. Immutable.</summary>
public sealed record GuestSection
{
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

    /// <summary>Whether it has one. A picture that fills a screen because its user says so may be scanned out; a frame would be drawn into it.</summary>
    public bool HasFrame { get; init; } = true;

    /// <summary>Whether a text is a name.</summary>
    /// <param name="text">Any.</param>
    public static bool IsName(string text) =>
        text.Length is >= 1 and <= 64 && text[0] is not ('-' or '.') && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');
}
