// SPDX-License-Identifier: MIT
using System.Reflection;

namespace GuestSurfaces.Conformance;

/// <summary>
/// What is known to be otherwise with one back-end. A line is <c>fail CASE reason</c>, <c>skip CASE reason</c>,
/// <c>skip-hostile reason</c> or <c>random-tame reason</c>; CASE may end in <c>*</c>; <c>#</c> starts a comment. A case that is expected to fail and passes is a
/// failure too, so the list stays true.
/// </summary>
public sealed class Expectations
{
    private readonly List<(string Pattern, string Reason)> _fails = [];
    private readonly List<(string Pattern, string Reason)> _skips = [];

    public static Expectations None { get; } = new();

    /// <summary>Why cases marked as hostile to peers aren't run; null: they are.</summary>
    public string? HostileSkipped { get; private set; }

    /// <summary>Why random sequences keep to plain pictures; null: they don't.</summary>
    public string? RandomTame { get; private set; }

    /// <summary>How many cases are listed by name.</summary>
    public int Count => _fails.Count + _skips.Count;

    /// <summary>Reads a file, or a list that comes with the program (<c>qemu-7.2</c>).</summary>
    public static Expectations Load(string fileOrName)
    {
        using var embedded = Assembly.GetExecutingAssembly().GetManifestResourceStream($"expectations/{fileOrName}.txt");
        if (embedded == null)
            return Parse(File.ReadAllLines(fileOrName));
        using var reader = new StreamReader(embedded);
        return Parse(reader.ReadToEnd().Split('\n'));
    }

    public static Expectations Parse(IEnumerable<string> lines)
    {
        var expectations = new Expectations();
        foreach (var line in lines)
        {
            var words = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0 || words[0].StartsWith('#'))
                continue;
            if (words[0] == "skip-hostile")
                expectations.HostileSkipped = line.Trim()["skip-hostile".Length..].Trim();
            else if (words[0] == "random-tame")
                expectations.RandomTame = line.Trim()["random-tame".Length..].Trim();
            else if (words.Length == 3 && words[0] is "fail" or "skip")
                (words[0] == "fail" ? expectations._fails : expectations._skips).Add((words[1], words[2]));
            else
                throw new FormatException($"'{line}' is no expectation: 'fail CASE reason', 'skip CASE reason' or 'skip-hostile reason' is");
        }

        return expectations;
    }

    /// <summary>Runs what is hostile to peers all the same.</summary>
    public void RunHostile() => HostileSkipped = null;

    /// <summary>Why a case is expected to fail; null: it isn't.</summary>
    public string? FailureOf(string name) => Find(_fails, name);

    /// <summary>Why a case isn't run; null: it is.</summary>
    public string? SkipOf(ConformanceCase conformanceCase) =>
        Find(_skips, conformanceCase.Name) ?? (conformanceCase.HostileToPeers is { } hostile && HostileSkipped is { } why ? $"{why}: {hostile}" : null);

    private static string? Find(List<(string Pattern, string Reason)> list, string name)
    {
        foreach (var (pattern, reason) in list)
        {
            if (pattern.EndsWith('*') ? name.StartsWith(pattern[..^1], StringComparison.Ordinal) : name == pattern)
                return reason;
        }

        return null;
    }
}
