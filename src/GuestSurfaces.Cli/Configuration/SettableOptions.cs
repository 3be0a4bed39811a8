// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;

namespace GuestSurfaces.Cli.Configuration;

/// <summary>The options that a configuration file may set: those of all commands about one guest, except the few that only make sense for one start. A new option is among them by itself.</summary>
internal static class SettableOptions
{
    private static readonly HashSet<string> s_onlyOnce =
        ["--name", "--socket-path", "--fd", "--print-capabilities", "--dry-run", "--once", "--exit", "--frames", "--rate", "--view-only", "--window", Lifeline.OptionName];

    /// <summary>Of one command; none if it isn't about a guest with a name.</summary>
    /// <param name="command">Any.</param>
    public static IEnumerable<Option> Of(Command command) =>
        command.Options.Any(static o => o.Name == "--name") ? command.Options.Where(static o => !o.Hidden && !o.Recursive && !s_onlyOnce.Contains(o.Name)) : [];

    /// <summary>Of all commands, each name once, in their order.</summary>
    /// <param name="root">The program.</param>
    public static IReadOnlyList<Option> OfAll(Command root) => [.. Commands(root).SelectMany(Of).DistinctBy(static o => o.Name)];

    /// <summary>The key that was probably meant; null if none is like it.</summary>
    /// <param name="keys">All there are.</param>
    /// <param name="word">What was written.</param>
    public static string? Nearest(IEnumerable<string> keys, string word)
    {
        var (key, distance) = keys.Select(key => (key, Distance(key, word))).MinBy(static pair => pair.Item2);
        return distance <= Math.Max(2, word.Length / 3) ? key : null;
    }

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Prepend(command);

    // Levenshtein's.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 0; i < a.Length; i++)
        {
            var diagonal = row[0]++;
            for (var j = 0; j < b.Length; j++)
                (diagonal, row[j + 1]) = (row[j + 1], Math.Min(Math.Min(row[j], row[j + 1]) + 1, diagonal + (a[i] == b[j] ? 0 : 1)));
        }

        return row[^1];
    }
}
