// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
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
        var watch = new Option<bool>("--watch", "-w") { Description = "Ask again every second until q or Ctrl-C; with --json one array a line." };
        name.CompletionSources.Add(static _ => CompletionCommand.GuestNames());
        var command = new DetailedCommand(
            "status",
            "Say how the running guests' frames get to the screen, and why not faster.",
            """
            Asks every guest-surfaces of this user and session: run, attach, device and fake-guest. Each answers on a socket of its own in
            $XDG_RUNTIME_DIR/guest-surfaces, which only this user can open.

              rung    direct: zero copies; convert: one GPU pass; copy: changed rows once
              why     why it isn't a higher one, and under "fix" what to do about it

              guest-surfaces status
              guest-surfaces status --watch
              guest-surfaces status work --json
            """)
        {
            name, json, watch,
        };
        command.SetAction(result => result.GetValue(watch)
            ? StatusWatch.Run(Folder(), result.GetValue(name), result.GetValue(json), result.InvocationConfiguration.Output)
            : Run(result.GetValue(name), result.GetValue(json), result.InvocationConfiguration.Output, result.InvocationConfiguration.Error));
        return command;
    }

    /// <summary>Where this session's guests are asked.</summary>
    /// <exception cref="UserErrorException">There is no session.</exception>
    internal static StatusFolder Folder() => StatusFolder.OfSession
        ?? throw new UserErrorException("XDG_RUNTIME_DIR isn't set to a folder, and that is where running guests are found", "run this in the session that the guests run in; with sudo, keep the variable");

    private static int Run(string? name, bool json, TextWriter output, TextWriter errors)
    {
        var all = Folder().Ask(out var silent);
        foreach (var process in silent)
            errors.WriteLine($"{process} doesn't answer: it is stopped, or hangs, or is of another version");
        var guests = name is null ? all : [.. all.Where(g => g.Name == name)];
        if (json)
            output.WriteLine(StatusSnapshot.ToJson(guests));
        else if (guests.Count > 0)
            Print(guests, output);
        else if (name is null)
            output.WriteLine(StatusWatch.Nobody);
        if (name is null || guests.Count > 0)
            return 0;
        errors.WriteLine(StatusWatch.NobodyNamed(name, all));
        return 1;
    }

    private static void Print(IReadOnlyList<StatusSnapshot> guests, TextWriter output)
    {
        var console = PlainConsole.Create(output);
        for (var i = 0; i < guests.Count; i++)
        {
            if (i > 0)
                console.WriteLine();
            StatusView.Print(console, guests[i]);
        }
    }
}
