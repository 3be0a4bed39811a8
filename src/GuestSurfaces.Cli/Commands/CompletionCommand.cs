// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Status;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces completion</c>: what shells complete. Their scripts ask this program each time, so they never know less than it does.</summary>
internal static class CompletionCommand
{
    /// <summary>Asked by the scripts: how far the line is typed, and the line.</summary>
    private const string Ask = "complete";

    private const string Bash =
        """
        # guest-surfaces: completion for bash
        _guest_surfaces() {
            local i line
            for ((i = 1; i < COMP_CWORD; i++)); do
                if [ "${COMP_WORDS[i]}" = -- ]; then
                    # from here on it is another program's command line
                    if declare -F _command_offset > /dev/null; then _command_offset $((i + 1)); fi
                    return
                fi
            done
            line=${COMP_LINE:0:COMP_POINT}
            local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]}
            [ "$current" != = ] || current=
            COMPREPLY=($(compgen -W "$(guest-surfaces complete ${#line} "$line" 2> /dev/null | cut -f 1)" -- "$current"))
        }
        complete -o default -F _guest_surfaces guest-surfaces
        """;

    private const string Zsh =
        """
        #compdef guest-surfaces
        # guest-surfaces: completion for zsh
        _guest_surfaces() {
            local line
            local -a found
            integer rest=${words[(i)--]}
            if (( rest < CURRENT )); then
                # from here on it is another program's command line
                shift $rest words
                (( CURRENT -= rest ))
                _normal
                return
            fi
            line="${(j: :)words[1,CURRENT]}"
            found=("${(@f)$(guest-surfaces complete ${#line} "$line" 2> /dev/null)}")
            if [[ -n "${found[1]}" ]]; then
                found=("${(@)found//:/\\:}")
                found=("${(@)found/$'\t'/:}")
                _describe guest-surfaces found
            else
                _files
            fi
        }
        if [[ "${funcstack[1]}" = _guest-surfaces ]]; then _guest_surfaces "$@"; else compdef _guest_surfaces guest-surfaces; fi
        """;

    private const string Fish =
        """
        # guest-surfaces: completion for fish
        function __guest_surfaces
            set -l line (commandline -cp)
            guest-surfaces complete (string length -- "$line") "$line" 2> /dev/null
        end
        function __guest_surfaces_other
            contains -- -- (commandline -opc)
        end
        complete -c guest-surfaces -n 'not __guest_surfaces_other' -a '(__guest_surfaces)'
        complete -c guest-surfaces -n __guest_surfaces_other -x -a '(__fish_complete_subcommand --fcs-skip=(contains -i -- -- (commandline -opc)))'
        """;

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish.", HelpName = "SHELL" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new DetailedCommand(
            "completion",
            "Print a script by which a shell completes this program's command lines.",
            """
            Commands, options, their values, and the names of running guests; after -- the VMM's own. install.sh puts the scripts where the shells look. For one user:

              bash   guest-surfaces completion bash > ~/.local/share/bash-completion/completions/guest-surfaces
              zsh    guest-surfaces completion zsh > ~/.zfunc/_guest-surfaces       (with fpath+=~/.zfunc before compinit)
              fish   guest-surfaces completion fish > ~/.config/fish/completions/guest-surfaces.fish
            """)
        {
            shell,
        };
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(result.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish }));
        return command;
    }

    /// <summary>What the scripts ask.</summary>
    public static Command CreateAsk()
    {
        var typed = new Argument<int>("typed");
        var line = new Argument<string>("line");
        var command = new Command(Ask) { typed, line };
        command.Hidden = true;
        command.SetAction(result =>
        {
            foreach (var (word, description) in Complete((RootCommand)result.RootCommandResult.Command, result.GetValue(line)!, result.GetValue(typed)))
                result.InvocationConfiguration.Output.WriteLine(description.Length > 0 ? $"{word}\t{description}" : word);
        });
        return command;
    }

    /// <summary>Names of running guests.</summary>
    internal static IEnumerable<string> GuestNames() => StatusFolder.OfSession?.Names ?? [];

    // The library takes whatever the line starts with for this program only if it is called so.
    private static IEnumerable<(string Word, string Description)> Complete(RootCommand root, string line, int typed)
    {
        line = line[..Math.Clamp(typed, 0, line.Length)];
        var arguments = line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        return root.Parse(arguments).GetCompletions(arguments.Length).Select(static item => (item.Label, (item.Detail ?? "").Split('\n')[0]));
    }
}
