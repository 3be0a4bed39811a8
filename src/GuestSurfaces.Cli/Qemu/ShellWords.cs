// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;

namespace GuestSurfaces.Cli.Qemu;

/// <summary>Prints arguments so that they can be pasted into a shell.</summary>
internal static partial class ShellWords
{
    /// <summary>Quotes a word if a shell would read it in another way.</summary>
    public static string Quote(string word) => Plain().IsMatch(word) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>A whole command.</summary>
    public static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    [GeneratedRegex(@"^[A-Za-z0-9_@%+=:,./-]+\z")]
    private static partial Regex Plain();
}
