// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// A guest's flip until its commit reaches the compositor, beside a C client that commits a ready buffer when it is woken, in turns; and, counted by strace, how many
/// system calls and wake-ups a frame costs each, from kick to answer.
/// </summary>
internal static class FlipPart
{
    private const int WarmUp = 4000;
    private const int Flips = 6000;
    private const int CountedFlips = 2000;
    private const double MoreCalls = 4;

    private static readonly string[] s_waits = ["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll"];

    public static PartResult Run()
    {
        const string title = "a guest's flip, from its kick, beside a C client on libwayland that commits a ready buffer";
        if (NativePeer.TryBuild("flip-client", out var reason, "xdg-shell", "presentation-time") is not { } program)
            return new PartResult("flip", title, [], reason);
        var figures = new List<Figure>();
        MeasureLatency(program, figures);
        CountCalls(program, figures);
        return new PartResult("flip", title, figures);
    }

    private static void MeasureLatency(string program, List<Figure> figures)
    {
        using var bridge = new FlipSide.Bridge([]);
        using var minimal = new FlipSide.Minimal([], program);
        for (var i = 0; i < WarmUp; i++)
        {
            bridge.Flip();
            minimal.Flip();
        }

        Thread.Sleep(500); // the last tier of compiled code is made in the background
        var (ours, theirs) = (new Samples(Flips), new Samples(Flips));
        var (oursCpu, theirsCpu) = (Clocks.ProcessNs(bridge.Pid), Clocks.ProcessNs(minimal.Pid));
        Interleaved.Run(Flips, () => Add(ours, bridge), () => Add(theirs, minimal));
        figures.Add(Figure.AtMost("kick to commit, p50", ours.Median / 1000, theirs.Median / 1000, "us", 2));
        figures.Add(Figure.Plain("kick to commit, p99", ours.Quantile(0.99) / 1000, theirs.Quantile(0.99) / 1000, "us"));
        figures.Add(Figure.Plain("CPU from kick to answer", (Clocks.ProcessNs(bridge.Pid) - oursCpu) / 1000.0 / Flips, (Clocks.ProcessNs(minimal.Pid) - theirsCpu) / 1000.0 / Flips, "us"));

        static void Add(Samples samples, FlipSide side)
        {
            Thread.Sleep(1); // both sleep when they are woken
            samples.Add(side.Flip());
        }
    }

    private static void CountCalls(string program, List<Figure> figures)
    {
        if (!File.Exists("/usr/bin/strace"))
        {
            figures.Add(Figure.Plain("system calls: not counted, strace isn't installed", double.NaN, null, ""));
            return;
        }

        var ours = CallsPerFlip(counter => new FlipSide.Bridge(counter));
        var theirs = CallsPerFlip(counter => new FlipSide.Minimal(counter, program));
        var (sum, theirSum) = (ours.Values.Sum(), theirs.Values.Sum());
        figures.Add(new Figure("system calls a flip", sum, theirSum, "", sum - theirSum, $"<= +{MoreCalls}", Math.Round(sum - theirSum, 1) <= MoreCalls));
        figures.Add(Figure.Plain("of these, waits and polls", Waits(ours), Waits(theirs), ""));
        foreach (var name in ours.Keys.Union(theirs.Keys).Order(StringComparer.Ordinal))
            figures.Add(Figure.Plain($"  {name}", ours.GetValueOrDefault(name), theirs.GetValueOrDefault(name), ""));

        static double Waits(Dictionary<string, double> calls) => s_waits.Sum(name => calls.GetValueOrDefault(name));
    }

    /// <summary>By the difference of a longer run and a shorter one, so that beginning and end don't count.</summary>
    private static Dictionary<string, double> CallsPerFlip(Func<IReadOnlyList<string>, FlipSide> start)
    {
        var (few, many) = (Count(WarmUp), Count(WarmUp + CountedFlips));
        return many.Select(calls => (Name: calls.Key, PerFlip: (double)(calls.Value - few.GetValueOrDefault(calls.Key)) / CountedFlips))
            .Where(static calls => Math.Abs(calls.PerFlip) >= 0.05).ToDictionary(static calls => calls.Name, static calls => calls.PerFlip);

        Dictionary<string, long> Count(int flips)
        {
            var table = Path.GetTempFileName();
            try
            {
                using (var side = start(["strace", "-f", "-c", "-o", table]))
                {
                    for (var i = 0; i < flips; i++)
                        side.Flip();
                    side.End();
                }

                return Parse(File.ReadLines(table));
            }
            finally
            {
                File.Delete(table);
            }
        }
    }

    // "% time, seconds, usecs/call, calls, errors if there are any, syscall"
    private static Dictionary<string, long> Parse(IEnumerable<string> lines) =>
        lines.Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(static words => words.Length is 5 or 6 && double.TryParse(words[0], CultureInfo.InvariantCulture, out _) && words[^1] != "total")
            .ToDictionary(static words => words[^1], static words => long.Parse(words[3], CultureInfo.InvariantCulture));
}
