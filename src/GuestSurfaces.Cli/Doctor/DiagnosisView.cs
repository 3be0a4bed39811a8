// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Hosting;
using Spectre.Console;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>A diagnosis as people read it: the verdict first, then what it comes from, 80 columns wide. Only commands are longer, for they are copied whole.</summary>
internal static class DiagnosisView
{
    private const int MarkColumns = 8;
    private const int SubjectColumns = 18;

    private static readonly (Area Area, string Title)[] s_areas = [(Area.Guest, "This VM"), (Area.Vmm, "VMM"), (Area.Kernel, "Kernel"), (Area.Compositor, "Compositor")];

    /// <summary>Prints it.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="diagnosis">What was found.</param>
    public static void Print(TextWriter output, Diagnosis diagnosis)
    {
        var console = PlainConsole.Create(output);
        if (!diagnosis.Works)
            Verdict(console, "works", "[red]no[/]", string.Join("; ", diagnosis.Findings.Where(static f => f.Severity == Severity.Broken).Select(static f => f.Observation)));
        var because = string.Join("; ", diagnosis.Because);
        _ = diagnosis.Direct switch
        {
            DirectVerdict.Yes => Verdict(console, "direct", "[green]yes[/]", "guests that share their framebuffers are shown without a copy"),
            DirectVerdict.Partly => Verdict(console, "direct", "[yellow]partly[/]", $"because {because}"),
            _ => Verdict(console, "direct", diagnosis.Works ? "[yellow]no[/]" : "[red]no[/]", $"because {because}"),
        };

        foreach (var (area, title) in s_areas)
        {
            var findings = diagnosis.Findings.Where(f => f.Area == area).ToList();
            if (findings.Count == 0)
                continue;
            console.WriteLine();
            console.MarkupLineInterpolated($"[bold]{title}[/]");
            foreach (var finding in findings)
                Print(console, finding);
        }
    }

    private static bool Verdict(IAnsiConsole console, string what, string answer, string because)
    {
        console.Write(Row([new Markup($"[bold]{what}[/]"), new Markup($"{answer}, {Markup.Escape(because)}")], [MarkColumns]));
        return true;
    }

    private static void Print(IAnsiConsole console, Finding finding)
    {
        var mark = finding.Severity switch
        {
            Severity.Good => "[green]good[/]",
            Severity.Lesser => "lesser",
            Severity.Slower => "[yellow]slower[/]",
            _ => "[red]broken[/]",
        };
        console.Write(Row([new Markup(mark), new Text(finding.Subject), new Text(finding.Observation)], [MarkColumns, SubjectColumns]));

        // As they are, also where they are wider than the rest: what is broken can't be copied.
        var label = "fix: ";
        foreach (var step in finding.Fix)
        {
            console.Profile.Out.Writer.WriteLine($"{new string(' ', MarkColumns)}{label}{step}");
            label = "     ";
        }
    }

    private static Grid Row(Spectre.Console.Rendering.IRenderable[] cells, int[] widths)
    {
        var grid = new Grid { Width = PlainConsole.Columns };
        foreach (var width in widths)
            grid.AddColumn(new GridColumn { Width = width, NoWrap = true, Padding = new Padding(0, 0, 0, 0) });
        grid.AddColumn(new GridColumn { Width = PlainConsole.Columns - widths.Sum(), Padding = new Padding(0, 0, 0, 0) });
        return grid.AddRow(cells);
    }
}
