// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using GuestSurfaces.Cli.Commands;
using GuestSurfaces.Cli.Configuration;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli;

/// <summary>The whole program: finds the command, runs it, and turns whatever is wrong into one or two lines.</summary>
internal static partial class CommandLineProgram
{
    private const int Failed = 1;
    private const int WrongUse = 2;

    /// <summary>Runs one command line.</summary>
    /// <param name="args">Without the program's name.</param>
    /// <param name="output">Where help goes.</param>
    /// <param name="errors">Where problems are told.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] args, TextWriter output, TextWriter errors)
    {
        var root = CreateRoot();
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            // One is enough: the last is about a word of the user's, an earlier one may follow from it.
            errors.WriteLine($"guest-surfaces: {Plain(parsed.Errors[^1].Message)}");
            errors.WriteLine($"  try: {PathOf(parsed.CommandResult)} --help");
            return WrongUse;
        }

        IReadOnlyList<Setting> applied = [];
        try
        {
            (ThisProgram.Arguments, applied) = ConfiguredCommandLine.Complete(args, parsed, ConfigurationFile.PathOfUser);
            if (applied.Count > 0)
                parsed = root.Parse(ThisProgram.Arguments);
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output, Error = errors });
        }
        catch (UserErrorException e)
        {
            // What only the command itself can judge may have come from the configuration file.
            var setting = applied.FirstOrDefault(s => e.Message.StartsWith(s.OptionName + " ", StringComparison.Ordinal));
            errors.WriteLine($"guest-surfaces: {(setting is null ? "" : setting.Place + ": ")}{e.Message}");
            errors.WriteLine($"  {e.Remedy}");
            return WrongUse;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A system call or a file that set-up depends on: the message says which, on what, and why.
            errors.WriteLine($"guest-surfaces: {e.Message}");
            return Failed;
        }
    }

    /// <summary>All commands, with all that they take: what is run, helped with, completed, configured and written into manuals.</summary>
    internal static RootCommand CreateRoot()
    {
        var root = new RootCommand(
            """
            guest-surfaces shows a virtual machine's screen as native windows of a Wayland desktop.

            Start with `guest-surfaces doctor`, then `guest-surfaces run -- qemu-system-x86_64 …`.
            Exit codes: 0 done, 1 failed, 2 wrong use, or the VMM's own for `run`; 128 and a signal's number for viewers (`present`, `attach link`) that it ended.
            """)
        {
            RunCommand.Create(),
            AttachCommand.Create(),
            DeviceCommand.Create(),
            PresentCommand.Create(),
            FakeGuestCommand.Create(),
            StatusCommand.Create(),
            TraceCommand.Create(),
            PluginCommand.Create(),
            BenchCommand.Create(),
            DoctorCommand.Create(),
            ConfigCommand.Create(),
            CompletionCommand.Create(),
            CompletionCommand.CreateAsk(),
            ManCommand.Create(),
        };
        DetailedHelp.Install(root);
        return root;
    }

    private static string PathOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{PathOf(parent)} {command.Command.Name}" : "guest-surfaces";

    // The library speaks of its types, and lists choices one a line.
    internal static string Plain(string message) => Whitespace().Replace(NumberType().Replace(message, "as a number"), " ");

    [GeneratedRegex(@"as expected type '[^']*(Int32|Double)[^']*'")]
    private static partial Regex NumberType();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();
}
