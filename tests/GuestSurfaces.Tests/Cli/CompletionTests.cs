// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli;
using GuestSurfaces.Tests.Lab;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>Shells complete what the program takes, by asking it.</summary>
public sealed class CompletionTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-complete");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("guest-surfaces ", "run attach device present fake-guest status bench doctor config completion man")]
    [InlineData("guest-surfaces do", "doctor")]
    [InlineData("./bin/guest-surfaces attach ", "vhost-user link")]
    [InlineData("guest-surfaces run --dev", "--device")]
    [InlineData("guest-surfaces run --device ", "auto gpu generic")]
    [InlineData("guest-surfaces completion ", "bash zsh fish")]
    [InlineData("guest-surfaces fake-guest da", "damage")]
    public void The_program_says_what_could_come_next(string line, string expected)
    {
        var words = Ask(line);
        Assert.All(expected.Split(' '), word => Assert.Contains(word, words));
        Assert.DoesNotContain("complete", words);
    }

    [Fact]
    public void Only_what_is_typed_so_far_counts() => Assert.Equal(["doctor"], Ask("guest-surfaces do --json", "guest-surfaces do".Length));

    [Fact]
    public void Commands_come_with_their_summaries()
    {
        var output = new StringWriter();
        Assert.Equal(0, CommandLineProgram.Run(["complete", "17", "guest-surfaces do"], output, TextWriter.Null));
        Assert.Equal("doctor\tSay what works on this machine, how fast, and what to do about the rest.\n", output.ToString());
    }

    /// <summary>Each shell's own machinery runs the script; the program is the built one.</summary>
    [Theory]
    [InlineData("bash", "guest-surfaces run --dev", "--device")]
    [InlineData("bash", "guest-surfaces run --device g", "generic gpu")]
    [InlineData("bash", "guest-surfaces do", "doctor")]
    [InlineData("zsh", "guest-surfaces do", "doctor")]
    [InlineData("fish", "guest-surfaces run --dev", "--device")]
    [InlineData("fish", "guest-surfaces run --device g", "generic gpu")]
    [InlineData("fish", "guest-surfaces do", "doctor")]
    public void A_shell_completes_with_it(string shell, string line, string expected)
    {
        if (!File.Exists($"/usr/bin/{shell}"))
            Assert.Skip($"{shell} isn't installed");
        var output = new StringWriter();
        Assert.Equal(0, CommandLineProgram.Run(["completion", shell], output, TextWriter.Null));
        var script = Path.Combine(_folder.FullName, "_guest-surfaces");
        File.WriteAllText(script, output.ToString());
        var program = shell switch
        {
            "bash" =>
                """
                . "$1"
                COMP_LINE=$2 COMP_POINT=${#2}
                read -ra COMP_WORDS <<< "$2"
                [ "${2% }" = "$2" ] || COMP_WORDS+=('')
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _guest_surfaces
                printf '%s\n' "${COMPREPLY[@]}"
                """,

            // What would be shown is written instead: completion itself wants a terminal.
            "zsh" =>
                """
                compdef() { :; }
                _describe() { print -rl -- "${(@)found%%:*}"; }
                . "$1"
                words=(${=2}); CURRENT=${#words}
                _guest_surfaces
                """,
            _ => """source "$argv[1]"; complete -C "$argv[2]" | string split -f 1 \t""",
        };
        string[] arguments = shell == "fish" ? ["-c", program, script, line] : ["-c", program, shell, script, line];
        var printed = LabProcess.Run(shell, arguments, s_patience, new Dictionary<string, string> { ["PATH"] = $"{AppContext.BaseDirectory}:{Environment.GetEnvironmentVariable("PATH")}", ["HOME"] = _folder.FullName });
        Assert.Equal(expected.Split(' '), printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Order());
    }

    private static string[] Ask(string line, int? typed = null)
    {
        var output = new StringWriter();
        Assert.Equal(0, CommandLineProgram.Run(["complete", $"{typed ?? line.Length}", line], output, TextWriter.Null));
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => l.Split('\t')[0])];
    }
}
