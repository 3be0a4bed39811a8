// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using GuestSurfaces.Cli.Doctor;
using Spectre.Console;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces doctor</c>: what will work here, what will be zero-copy, and why not.</summary>
internal static class DoctorCommand
{
    private static readonly IAnsiConsole s_console = CreateConsole();

    public static Command Create()
    {
        var json = new Option<bool>("--json") { Description = "Print the findings as JSON." };
        var command = new DetailedCommand(
            "doctor",
            "Say what works on this machine, how fast, and what to do about the rest.",
            """
            Looks at the machine, its VMM and its compositor, and says what guests' frames will go through, why not a faster way, and what to do about it.
            Exit code 1 if something needed is missing.
            """)
        {
            json,
        };
        command.SetAction(result => Run(result.GetValue(json)));
        return command;
    }

    private static int Run(bool json)
    {
        var findings = new List<Finding>();
        HostChecks.Run(finding =>
        {
            findings.Add(finding);
            if (!json)
                Print(finding);
        });
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(findings, DoctorJson.Default.ListFinding));
        return findings.Exists(f => f.Severity == Severity.Broken) ? 1 : 0;
    }

    // A file or a pipe gets whole lines without colours.
    private static IAnsiConsole CreateConsole()
    {
        if (!Console.IsOutputRedirected)
            return AnsiConsole.Console;
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        console.Profile.Width = short.MaxValue;
        return console;
    }

    private static void Print(Finding finding)
    {
        var mark = finding.Severity switch
        {
            Severity.Good => "[green]good[/]  ",
            Severity.Slower => "[yellow]slower[/]",
            _ => "[red]broken[/]",
        };
        s_console.MarkupLine($"{mark} [bold]{Markup.Escape(finding.Subject)}[/]: {Markup.Escape(finding.Observation)}");
        if (finding.Fix.Length > 0)
            s_console.MarkupLine($"       fix: {Markup.Escape(finding.Fix)}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(List<Finding>))]
internal sealed partial class DoctorJson : JsonSerializerContext;
