// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace GuestSurfaces.Cli.Commands;

/// <summary>A command whose own help says more than its line in the list of commands.</summary>
/// <param name="name">As typed.</param>
/// <param name="summary">One line.</param>
/// <param name="details">What else there is to know, and examples.</param>
internal sealed class DetailedCommand(string name, string summary, string details) : Command(name, summary)
{
    /// <summary>What else there is to know, and examples.</summary>
    public string Details { get; } = details;
}

/// <summary>Prints a <see cref="DetailedCommand"/>'s details with its own help, and only there: the library has one text for both places.</summary>
internal sealed class DetailedHelp(SynchronousCommandLineAction inner) : SynchronousCommandLineAction
{
    /// <summary>Takes the place of the library's help.</summary>
    /// <param name="root">Whose --help is inherited by all commands.</param>
    public static void Install(RootCommand root)
    {
        foreach (var option in root.Options)
        {
            if (option is HelpOption { Action: SynchronousCommandLineAction action })
                option.Action = new DetailedHelp(action);
        }
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true; // whoever asks for help hasn't given what is required yet

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is DetailedCommand command)
            command.Description = $"{command.Description}\n\n{command.Details}";
        return inner.Invoke(parseResult);
    }
}
