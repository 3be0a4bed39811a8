// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;

namespace GuestSurfaces.Presentation.Input;

/// <summary>
/// The keys that give a guest keyboard and mouse for itself, and take them back: one or more of Ctrl, Shift, Alt and Super, then a key. By their places: the key that is a G
/// on a US keyboard. Further modifiers that are held don't hinder, since one that hangs must not lock a user in. Immutable.
/// </summary>
public sealed class GrabChord
{
    private static readonly (string Name, ushort Left, ushort Right)[] s_modifiers = [("Ctrl", 29, 97), ("Shift", 42, 54), ("Alt", 56, 100), ("Super", 125, 126)];

    // Rows of keys with codes that follow each other. Source: Linux input-event-codes.h.
    private static readonly (ushort First, string[] Names)[] s_keys =
    [
        (1, ["Escape", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0"]),
        (16, ["Q", "W", "E", "R", "T", "Y", "U", "I", "O", "P"]),
        (30, ["A", "S", "D", "F", "G", "H", "J", "K", "L"]),
        (44, ["Z", "X", "C", "V", "B", "N", "M"]),
        (57, ["Space"]),
        (59, ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10"]),
        (87, ["F11", "F12"]),
        (102, ["Home"]),
        (107, ["End"]),
        (110, ["Insert", "Delete"]),
        (119, ["Pause"]),
    ];

    private readonly int _wanted; // bits, by s_modifiers
    private readonly ushort _key;
    private readonly string _text;

    private GrabChord(int wanted, ushort key, string keyName)
    {
        (_wanted, _key) = (wanted, key);
        _text = string.Join('+', s_modifiers.Where((_, i) => (wanted & (1 << i)) != 0).Select(static m => m.Name).Append(keyName));
    }

    /// <summary>Ctrl+Alt+G, as in QEMU's own windows.</summary>
    public static GrabChord Default { get; } = TryParse("ctrl+alt+g")!;

    /// <summary>The modifiers as bits: 1 Ctrl, 2 Shift, 4 Alt, 8 Super.</summary>
    public uint Modifiers => (uint)_wanted;

    /// <summary>The key. Source: Linux input-event-codes.h.</summary>
    public uint Key => _key;

    /// <summary>Reads one as people write it: ctrl+alt+g.</summary>
    /// <param name="text">Modifiers (ctrl, shift, alt, super), then a letter, a digit, f1 to f12, escape, space, home, end, insert, delete or pause; any case.</param>
    /// <returns>Null if it is none.</returns>
    public static GrabChord? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = text.Split('+');
        var wanted = 0;
        foreach (var word in words[..^1])
        {
            var i = Array.FindIndex(s_modifiers, m => m.Name.Equals(word, StringComparison.OrdinalIgnoreCase));
            if (i < 0 || (wanted & (1 << i)) != 0)
                return null;
            wanted |= 1 << i;
        }

        if (wanted == 0)
            return null;
        foreach (var (first, names) in s_keys)
        {
            var i = Array.FindIndex(names, name => name.Equals(words[^1], StringComparison.OrdinalIgnoreCase));
            if (i >= 0)
                return new GrabChord(wanted, (ushort)(first + i), names[i]);
        }

        return null;
    }

    /// <summary>As it is shown to people: "Ctrl+Alt+G".</summary>
    public override string ToString() => _text;

    /// <summary>Whether a key completes it.</summary>
    /// <param name="key">It was pressed.</param>
    /// <param name="down">The keys that are down, by code.</param>
    internal bool IsCompletedBy(ushort key, ReadOnlySpan<bool> down)
    {
        if (key != _key)
            return false;
        for (var i = 0; i < s_modifiers.Length; i++)
        {
            if ((_wanted & (1 << i)) != 0 && !down[s_modifiers[i].Left] && !down[s_modifiers[i].Right])
                return false;
        }

        return true;
    }
}
