// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Status;
using Spectre.Console;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces status</c>: what the guests of this session do, by which rung, and why not a higher one.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "Only the guests of this name (see --name).", Arity = ArgumentArity.ZeroOrOne };
        var json = new Option<bool>("--json") { Description = "Print an array of JSON objects, empty if nothing runs; \"stats\" in them is what --stats writes." };
        var command = new DetailedCommand(
            "status",
            "Say how the running guests' frames get to the screen, and why not faster.",
            """
            Asks every guest-surfaces of this user and session: run, attach, device and fake-guest. Each answers on a socket of its own in
            $XDG_RUNTIME_DIR/guest-surfaces, which only this user can open.

              rung    direct: zero copies; convert: one GPU pass; copy: changed rows once
              why     why it isn't a higher one, and under "fix" what to do about it

              guest-surfaces status
              guest-surfaces status work --json
            """)
        {
            name, json,
        };
        command.SetAction(result => Run(result.GetValue(name), result.GetValue(json), result.InvocationConfiguration.Output, result.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(string? name, bool json, TextWriter output, TextWriter errors)
    {
        if (StatusFolder.OfSession is not { } folder)
            throw new UserErrorException("XDG_RUNTIME_DIR isn't set to a folder, and that is where running guests are found", "run this in the session that the guests run in; with sudo, keep the variable");
        var all = folder.Ask(out var silent);
        foreach (var process in silent)
            errors.WriteLine($"{process} doesn't answer: it is stopped, or hangs, or is of another version");
        var guests = name is null ? all : [.. all.Where(g => g.Name == name)];
        if (json)
            output.WriteLine(StatusSnapshot.ToJson(guests));
        else if (guests.Count > 0)
            Print(guests, output);
        else if (name is null)
            output.WriteLine("No guest runs in this session.\n  start one: guest-surfaces run -- qemu-system-x86_64 -m 2G disk.qcow2\n  or a picture without a VM: guest-surfaces fake-guest");
        if (name is null || guests.Count > 0)
            return 0;
        errors.WriteLine($"No guest named {name} runs in this session{(all.Count > 0 ? $"; there is {string.Join(", ", all.Select(static g => g.Name).Distinct())}" : "")}.");
        return 1;
    }

    private static void Print(IReadOnlyList<StatusSnapshot> guests, TextWriter output)
    {
        var plain = Console.IsOutputRedirected || output != Console.Out;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        console.Profile.Width = StatusView.Columns;
        for (var i = 0; i < guests.Count; i++)
        {
            if (i > 0)
                console.WriteLine();
            StatusView.Print(console, guests[i]);
        }
    }
}
