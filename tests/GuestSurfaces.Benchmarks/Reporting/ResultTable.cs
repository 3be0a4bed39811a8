// SPDX-License-Identifier: MIT
using System.Globalization;

namespace GuestSurfaces.Benchmarks.Reporting;

/// <summary>Prints a part's figures, columns aligned.</summary>
internal static class ResultTable
{
    private static readonly string[] s_head = ["", "ours", "baseline", "unit", "ratio", "wanted", "verdict"];

    public static void Print(PartResult result)
    {
        Console.WriteLine();
        Console.WriteLine($"{result.Part}: {result.Title}");
        if (result.Skipped is { } why)
        {
            Console.WriteLine($"  not measured: {why}");
            return;
        }

        var rows = new List<string[]> { s_head };
        foreach (var figure in result.Figures)
        {
            rows.Add(
            [
                figure.Name,
                Number(figure.Ours),
                figure.Baseline is { } baseline ? Number(baseline) : "",
                figure.Unit,
                figure.Baseline is null ? "" : figure.Ratio.ToString("0.00", CultureInfo.InvariantCulture),
                figure.Wanted,
                figure.IsMet switch { true => "met", false => "MISSED", null => "" },
            ]);
        }

        var widths = new int[s_head.Length];
        foreach (var row in rows)
        {
            for (var i = 0; i < widths.Length; i++)
                widths[i] = Math.Max(widths[i], row[i].Length);
        }

        foreach (var row in rows)
        {
            Console.Write("  ");
            for (var i = 0; i < widths.Length; i++)
                Console.Write((i is 0 or 3 ? row[i].PadRight(widths[i]) : row[i].PadLeft(widths[i])) + "  ");
            Console.WriteLine();
        }
    }

    private static string Number(double value) => value switch
    {
        0 => "0",
        >= 1000 or <= -1000 => value.ToString("0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };
}
