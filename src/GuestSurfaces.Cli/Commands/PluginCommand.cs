// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using GuestSurfaces.Cli.Capture;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Interop;
using GuestSurfaces.Plugin.Configuration;
using GuestSurfaces.Plugin.Control;
using GuestSurfaces.Plugin.Host;
using GuestSurfaces.Presentation;
using GuestSurfaces.Wayland;
using Spectre.Console;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces plugin</c>: the guests that a Weston with our module has on its desktop.</summary>
internal static class PluginCommand
{
    public static Command Create() => new("plugin", "List, bring, move and remove guests on a Weston desktop.")
    {
        CreateList(), CreateAttach(), CreateDetach(), CreateMove(), CreateFullscreen(), CreateCapture(), CreateServe(),
    };

    private static DetailedCommand CreateList()
    {
        var json = new Option<bool>("--json") { Description = "Print what the desktop says as JSON." };
        var command = new DetailedCommand(
            "list",
            "Say which guests this desktop has, and how they fare.",
            """
            Asks the Weston of this session. A guest's rung and sync mode are what its own process tells, if that has the guest's name (see `guest-surfaces status`).

              guest-surfaces plugin list
            """)
        {
            json,
        };
        command.SetAction(result =>
        {
            var reply = Ask(new ControlRequest { Action = ControlAction.List });
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json))
                output.WriteLine(System.Text.Encoding.UTF8.GetString(reply.ToJson()));
            else if (reply.Guests.Count == 0)
                output.WriteLine("There is no guest on this desktop. Bring one: guest-surfaces plugin attach NAME");
            else
                Print(reply.Guests, output);
        });
        return command;
    }

    private static DetailedCommand CreateAttach()
    {
        var guest = GuestArgument("Its name in weston.ini, or as its device says with --name; or the path of its link's socket.", "NAME|PATH");
        var name = new Option<string?>("--name", "-n") { Description = "What it is called on the desktop, instead of its socket's name.", HelpName = "NAME" };
        var fullscreen = new Option<bool>("--fullscreen") { Description = "Let it fill a screen. It has no frame then." };
        var output = OutputOption();
        var color = new Option<string?>("--label-color") { Description = "Of its frame.", HelpName = "0xRRGGBB" };
        var command = new DetailedCommand(
            "attach",
            "Bring a guest onto the desktop, or one back that was detached.",
            """
            Until Weston ends; a [guest-surface] section of weston.ini lasts longer.

              guest-surfaces device --name work --socket-path /run/user/1000/vm.sock &
              guest-surfaces plugin attach work --label-color 0x3070ff
            """)
        {
            guest, name, fullscreen, output, color,
        };
        command.SetAction(result =>
        {
            var text = result.GetValue(guest)!;
            var isPath = text.Contains('/', StringComparison.Ordinal);
            _ = Ask(new ControlRequest
            {
                Action = ControlAction.Attach,
                Name = result.GetValue(name) ?? (isPath ? Path.GetFileNameWithoutExtension(text) : text),
                Link = isPath ? Path.GetFullPath(text) : Folder().LinkPathOf(text),
                Placement = new WindowPlacement(result.GetValue(fullscreen) ? PlacementKind.Fullscreen : PlacementKind.Window, Outputs(result.GetValue(output))),
                Color = result.GetValue(color) is { } colorText
                    ? PluginSettings.ParseColor(colorText) ?? throw new UserErrorException($"--label-color {colorText} isn't a colour", "write it as 0xff8800")
                    : null,
            });
        });
        return command;
    }

    private static DetailedCommand CreateDetach()
    {
        var guest = GuestArgument("Its name on the desktop.", "NAME");
        var command = new DetailedCommand("detach", "Take a guest from the desktop. Its VM doesn't notice; `attach` brings it back.", "  guest-surfaces plugin detach work") { guest };
        command.SetAction(result => _ = Ask(new ControlRequest { Action = ControlAction.Detach, Name = result.GetValue(guest) }));
        return command;
    }

    private static DetailedCommand CreateMove()
    {
        var guest = GuestArgument("Its name on the desktop.", "NAME");
        var outputs = new Argument<string>("outputs") { Description = "By name; for a guest with several heads one for each, with commas between them.", HelpName = "OUTPUT[,OUTPUT…]" };
        var command = new DetailedCommand(
            "move",
            "Put a guest that fills screens on other outputs.",
            """
            Counts while the guest fills screens: windows are where the user puts them.

              guest-surfaces plugin move work HDMI-A-1
              guest-surfaces plugin move work HDMI-A-1,HDMI-A-2
            """)
        {
            guest, outputs,
        };
        command.SetAction(result => _ = Ask(new ControlRequest { Action = ControlAction.Move, Name = result.GetValue(guest), Placement = new WindowPlacement(PlacementKind.Fullscreen, Outputs(result.GetValue(outputs))) }));
        return command;
    }

    private static DetailedCommand CreateFullscreen()
    {
        var guest = GuestArgument("Its name on the desktop.", "NAME");
        var off = new Option<bool>("--off") { Description = "Make it a window again." };
        var output = OutputOption();
        var command = new DetailedCommand("fullscreen", "Let a guest fill a screen, or make it a window again.", "  guest-surfaces plugin fullscreen work --output HDMI-A-1\n  guest-surfaces plugin fullscreen work --off") { guest, output, off };
        command.SetAction(result => _ = Ask(new ControlRequest
        {
            Action = ControlAction.Fullscreen,
            Name = result.GetValue(guest),
            Placement = new WindowPlacement(result.GetValue(off) ? PlacementKind.Window : PlacementKind.Fullscreen, Outputs(result.GetValue(output))),
        }));
        return command;
    }

    private static DetailedCommand CreateCapture()
    {
        var guest = GuestArgument("Its name on the desktop.", "NAME");
        var file = new Argument<FileInfo>("file") { Description = "The picture. A file that is there already is replaced.", HelpName = "FILE.png" };
        var head = new Option<int>("--head") { Description = "Which of its heads.", HelpName = "0-15" };
        head.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 15)
                result.AddError("--head wants 0 to 15");
        });
        var command = new DetailedCommand(
            "capture",
            "Save what a guest shows as a picture: its own pixels, without frame and cursor, and nothing else of the desktop.",
            """
            Only guests that weston.ini allows it for, with capture=true in their [guest-surface]. The picture comes from the guest's device; Weston has no part in it.
            Its file replaces what has that name, when it is whole, and may be read by its user alone.

              guest-surfaces plugin capture work work.png
            """)
        {
            guest, file, head,
        };
        command.SetAction(result =>
        {
            var reply = Ask(new ControlRequest { Action = ControlAction.Capture, Name = result.GetValue(guest) });
            var (size, rgb) = GuestCapture.Take(reply.Link!, result.GetValue(head));
            var target = result.GetValue(file)!;
            try
            {
                PrivateFile.Write(target.FullName, file => PngFile.Write(file, size.Width, size.Height, rgb));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UserErrorException($"{target.FullName} can't be written: {e.Message}", "name another file");
            }
        });
        return command;
    }

    private static DetailedCommand CreateServe()
    {
        var ini = new Argument<FileInfo?>("weston.ini") { Description = "What says which guests there are; none: no guests at first.", Arity = ArgumentArity.ZeroOrOne, HelpName = "WESTON.INI" };
        var serve = new DetailedCommand(
            "serve",
            "For Weston's module, which starts this: bring the guests.",
            "Weston's connection is in WAYLAND_SOCKET. It offers what this needs only to the process that it has started itself.") { ini };
        serve.SetAction(result =>
        {
            try
            {
                using var host = new PluginHost(
                    WaylandConnection.Connect(),
                    result.GetValue(ini) is { } file ? File.ReadAllText(file.FullName) : "",
                    ThisProgram.CommandLine([]),
                    StatusFolder.OfSession is { } folder ? Path.Combine(folder.Create(), ControlClient.FileName) : null);
                using var signals = new StopSignals(host.Loop.Stop);
                host.Run();
            }
            catch (Exception e) when (e is NotSupportedException or InvalidOperationException or WaylandException)
            {
                throw new UserErrorException(e.Message, "this is for Weston's module to start; see docs/weston.md");
            }
        });
        return serve;
    }

    private static Argument<string> GuestArgument(string description, string helpName)
    {
        var argument = new Argument<string>("guest") { Description = description, HelpName = helpName };
        argument.CompletionSources.Add(static _ => CompletionCommand.GuestNames());
        return argument;
    }

    private static Option<string?> OutputOption() => new("--output") { Description = "Which screen, by name; for a guest with several heads one for each, with commas between them.", HelpName = "OUTPUT[,OUTPUT…]" };

    private static string[] Outputs(string? text)
    {
        var names = (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return GuestSection.AreOutputs(names)
            ? names
            : throw new UserErrorException("those can't be outputs", $"name at most {GuestSection.MaxOutputs}, with commas between them, of at most {GuestSection.MaxOutputLength} characters each");
    }

    private static StatusFolder Folder() => StatusFolder.OfSession
        ?? throw new UserErrorException("XDG_RUNTIME_DIR isn't set to a folder, and that is where the desktop is asked", "run this in the session of that desktop");

    private static ControlReply Ask(ControlRequest request)
    {
        ControlReply reply;
        try
        {
            reply = ControlClient.Ask(Path.Combine(Folder().Create(), ControlClient.FileName), request);
        }
        catch (SyscallException e)
        {
            throw new UserErrorException($"no desktop answers: {e.Message}", "load the module in Weston (docs/weston.md), and run this in its session");
        }
        catch (TimeoutException e)
        {
            throw new UserErrorException(e.Message, "see Weston's log; its host, the process `guest-surfaces plugin serve`, may be killed: Weston starts another, which brings the guests back");
        }

        return reply.Problem is { } problem ? throw new UserErrorException(problem, "see: guest-surfaces plugin list") : reply;
    }

    private static void Print(IReadOnlyList<GuestReport> guests, TextWriter output)
    {
        var told = Folder().Ask(out _);
        var table = new Table().Border(TableBorder.None);
        foreach (var column in (string[])["GUEST", "STATE", "PID", "PLACEMENT", "OUTPUT", "RESTARTS", "RUNG", "SYNC"])
            table.AddColumn(new TableColumn(column) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        foreach (var guest in guests)
        {
            var stats = told.FirstOrDefault(snapshot => snapshot.Name == guest.Name)?.Stats;
            string[] cells =
            [
                guest.Name, guest.State.ToString().ToLowerInvariant(), guest.Pid?.ToString(CultureInfo.InvariantCulture) ?? "-", guest.Placement,
                guest.Outputs.Count > 0 ? string.Join(',', guest.Outputs) : "any", guest.Restarts.ToString(CultureInfo.InvariantCulture), stats?.Rung ?? "?", stats?.SyncMode is { Length: > 0 } sync ? sync : "?",
            ];
            table.AddRow(cells.Select(static cell => new Text(cell)));
        }

        PlainConsole.Create(output).Write(table);
    }
}
