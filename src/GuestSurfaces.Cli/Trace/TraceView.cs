// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Core.Diagnostics;
using Spectre.Console;

namespace GuestSurfaces.Cli.Trace;

/// <summary>A run in words and a table, 80 columns wide.</summary>
internal static class TraceView
{
    /// <summary>Prints it.</summary>
    /// <param name="console">80 columns wide.</param>
    /// <param name="run">With at least one frame.</param>
    public static void Print(IAnsiConsole console, TracedRun run)
    {
        var seconds = (run.EndNs - run.BeginNs) / 1e9;
        console.Write(Markup.FromInterpolated(CultureInfo.InvariantCulture, $"[bold]{run.Name}[/]: {run.Frames.Count} frames in {seconds:0.0} s\n"));
        console.WriteLine(Sentence(run));
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("in ms");
        foreach (var column in (string[])["half within", "99 of 100", "longest"])
            table.AddColumn(new TableColumn(column) { Alignment = Justify.Right });
        AddRow(table, "the guest's flush to the commit", run.FlushToCommit);
        AddRow(table, "the commit to the screen", run.CommitToScreen);
        AddRow(table, "the guest's flush to its answer", run.FlushToAnswer);
        console.Write(table);
    }

    /// <summary>How many frames came to what end.</summary>
    /// <param name="run">Any.</param>
    public static string Sentence(TracedRun run)
    {
        var end = run.Unprotected == 0 ? "none was answered too early" : $"{run.Unprotected} answered before the compositor was done with what the guest draws into next";
        return $"{run.Latched} shown{(run.ZeroCopy > 0 ? $" ({run.ZeroCopy} read by the screen itself)" : "")}, {run.Superseded} overtaken; {end}";
    }

    private static void AddRow(Table table, string what, LatencyHistogram h)
    {
        if (h.Count > 0)
            table.AddRow(what, Ms(h.PercentileNs(0.5)), Ms(h.PercentileNs(0.99)), Ms(h.MaxNs));
    }

    private static string Ms(long ns) => (ns / 1e6).ToString("0.00", CultureInfo.InvariantCulture);
}
