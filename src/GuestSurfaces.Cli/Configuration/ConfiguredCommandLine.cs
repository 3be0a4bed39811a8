// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.CommandLine.Parsing;
using GuestSurfaces.Cli.Hosting;

namespace GuestSurfaces.Cli.Configuration;

/// <summary>A command line with what the configuration file adds to it: every setting that its command has as an option, and that it doesn't say itself.</summary>
/// <param name="Arguments">Without the program's name.</param>
/// <param name="Applied">What was added.</param>
internal sealed record ConfiguredCommandLine(string[] Arguments, IReadOnlyList<Setting> Applied)
{
    /// <summary>Completes one.</summary>
    /// <param name="arguments">What the user typed.</param>
    /// <param name="parsed">The same, parsed without errors.</param>
    /// <param name="path">The configuration file.</param>
    /// <exception cref="UserErrorException">Something in that file is wrong.</exception>
    public static ConfiguredCommandLine Complete(string[] arguments, ParseResult parsed, string? path)
    {
        var command = parsed.CommandResult.Command;
        var options = SettableOptions.Of(command).Where(option => !IsGiven(parsed, option)).ToList();

        // Processes of one VM are started by each other, with all that they need to know, and an isolated one can't read the file.
        if (options.Count == 0 || parsed.Action != command.Action || command.Options.Any(option => (option.Hidden || option.Name == Lifeline.OptionName) && IsGiven(parsed, option)))
            return new ConfiguredCommandLine(arguments, []);
        var settings = ConfigurationFile.Read(path, parsed.RootCommandResult.Command).For(NameOf(parsed, command));
        var applied = options.Where(option => settings.ContainsKey(option.Name[2..])).Select(option => (Option: option, Setting: settings[option.Name[2..]])).ToList();
        var at = Depth(parsed.CommandResult);
        return new ConfiguredCommandLine(
            [.. arguments[..at], .. applied.SelectMany(static pair => pair.Setting.ToArguments(pair.Option)), .. arguments[at..]], [.. applied.Select(static pair => pair.Setting)]);
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    // Where a guest is an argument, --name is what its window is called.
    private static string? NameOf(ParseResult parsed, Command command)
    {
        var guest = command.Arguments.FirstOrDefault(static a => a.Name == "guest");
        var name = guest is not null ? parsed.GetResult(guest)?.GetValueOrDefault<string>() : parsed.GetValue<string?>("--name");
        return name is null || name.Contains('/', StringComparison.Ordinal) ? null : name;
    }

    private static int Depth(CommandResult result) => result.Parent is CommandResult parent ? Depth(parent) + 1 : 0;
}
