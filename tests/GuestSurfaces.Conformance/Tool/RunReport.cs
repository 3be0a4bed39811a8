// SPDX-License-Identifier: MIT
using System.Text.Json;

namespace GuestSurfaces.Conformance;

/// <summary>Results as a table for people and as JSON for programs.</summary>
public static class RunReport
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>One line for every case that didn't simply pass, or for all.</summary>
    public static void WriteTable(TextWriter to, IReadOnlyList<CaseResult> results, bool all)
    {
        var width = 0;
        foreach (var result in results)
            width = Math.Max(width, result.Name.Length);
        foreach (var result in results)
        {
            if (all || result.Verdict is not (Verdict.Passed or Verdict.Skipped))
                to.WriteLine($"{Mark(result.Verdict),-9} {result.Name.PadRight(width)} {result.Milliseconds,7:F0} ms  {result.Detail}".TrimEnd());
        }
    }

    /// <summary>The last line: what matters.</summary>
    public static string Summary(IReadOnlyList<CaseResult> results)
    {
        var counts = new int[Enum.GetValues<Verdict>().Length];
        long answers = 0, pixels = 0;
        foreach (var result in results)
        {
            counts[(int)result.Verdict]++;
            answers += result.Answers;
            pixels += result.Pixels;
        }

        var blind = results.Count(r => r.Verdict == Verdict.Passed && r.Detail == CaseResult.Blind);
        return $"{results.Count} cases: {counts[(int)Verdict.Passed]} passed{(blind > 0 ? $" ({blind} without seeing pictures)" : "")}, {counts[(int)Verdict.Failed]} failed, " +
            $"{counts[(int)Verdict.Deviates]} deviate as known, {counts[(int)Verdict.UnexpectedlyPassed]} passed against expectation, " +
            $"{counts[(int)Verdict.Skipped]} skipped; compared {answers} answers and {pixels} pixels";
    }

    public static void WriteJson(string path, string backend, IReadOnlyList<CaseResult> results, RandomReport? random)
    {
        var report = new
        {
            backend,
            summary = Summary(results),
            cases = results.Select(r => new { r.Name, verdict = r.Verdict.ToString(), r.Detail, r.Answers, r.Pixels, r.Milliseconds }),
            random,
        };
        File.WriteAllText(path, JsonSerializer.Serialize(report, s_json) + "\n");
    }

    public static string Summary(RandomReport report) =>
        $"random: {report.Commands} commands, compared {report.Answers} answers and {report.Pixels} pixels with the model, " +
        $"{report.PeerAnswers} answers between back-ends ({report.PeerDifferences} differ within the specification), {report.Failures.Count} failures";

    private static string Mark(Verdict verdict) => verdict switch
    {
        Verdict.Passed => "ok",
        Verdict.Failed => "FAILED",
        Verdict.Deviates => "deviates",
        Verdict.UnexpectedlyPassed => "PASSED?!",
        _ => "skipped",
    };
}
