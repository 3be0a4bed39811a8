// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Configuration;
using GuestSurfaces.Cli.Manual;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces config</c>: what the configuration file makes of a VM.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var vm = new Argument<string?>("name") { Description = "A VM's name; without it, what holds for all.", Arity = ArgumentArity.ZeroOrOne };
        vm.CompletionSources.Add(static _ => CompletionCommand.GuestNames());
        var show = new DetailedCommand(
            "show",
            "Print a VM's settings, each with the place that it comes from.",
            """
            One setting a line: its key, its value, and the file and line that says so; nothing stands there where it is the program's own default.

              guest-surfaces config show work
            """)
        {
            vm,
        };
        show.SetAction(result => Show(result.GetValue(vm), result.RootCommandResult.Command, result.InvocationConfiguration.Output));
        return new DetailedCommand(
            "config",
            "Per-VM settings, from a file.",
            """
            $XDG_CONFIG_HOME/guest-surfaces/config.json (by default in ~/.config) holds options of run, present, device and attach, for all VMs and for each by its name.
            Keys are the options' names without dashes, values what stands behind them; true and false for those that have none. The command line wins. Comments are allowed.
            Anything that isn't known there is an error, with its line.

              {
                  "defaults": { "zero-copy": "auto" },
                  "vms": {
                      // guest-surfaces run --name work -- qemu-system-x86_64 …
                      "work": { "outputs": 2, "size": "1920x1080", "fullscreen": true },
                  },
              }
            """)
        {
            show,
        };
    }

    private static int Show(string? vm, Command root, TextWriter output)
    {
        var settings = ConfigurationFile.Read(ConfigurationFile.PathOfUser, root).For(vm);
        var rows = SettableOptions.OfAll(root).Select(option => settings.TryGetValue(option.Name[2..], out var setting)
            ? (option.Name, Value: string.Join(", ", setting.Values), setting.Place)
            : (option.Name, Value: option.ValueType == typeof(bool) ? "false" : ManPage.DefaultOf(option), Place: "")).ToList();
        foreach (var (name, value, place) in rows)
            output.WriteLine($"{name[2..].PadRight(rows.Max(static r => r.Name.Length))}{value.PadRight(rows.Max(static r => r.Value.Length) + 2)}{place}".TrimEnd());
        return 0;
    }
}
