// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Conformance;

/// <summary>The command line. Exit status: 0 all as it should be, 1 something isn't, 2 it couldn't be run.</summary>
public static class Commands
{
    public static RootCommand Root()
    {
        var root = new RootCommand(
            "Drives any vhost-user-gpu back-end as a VMM and a guest would, and compares its answers and pictures with the specifications. " +
            "Exit status: 0 all as it should be, 1 something isn't, 2 it couldn't be run.");
        root.Add(Run());
        root.Add(Corpus());
        return root;
    }

    private static Command Run()
    {
        var socket = new Option<string>("--socket") { Description = "The back-end listens on this path and takes one connection after the other.", HelpName = "PATH" };
        var spawn = new Option<string>("--spawn")
        {
            Description = "Starts the back-end for every case: words separated by spaces, {fd} becomes the number of a connected socket, or {socket} a path to listen on.",
            HelpName = "COMMAND",
        };
        var list = new Option<bool>("--list") { Description = "Lists the cases and where their demands are written; runs nothing." };
        var filter = new Option<string>("--filter") { Description = "Only cases whose name contains this.", HelpName = "TEXT" };
        var expect = new Option<string>("--expect") { Description = "What is known to be otherwise: a file, or a list that comes with the program (qemu-7.2).", HelpName = "FILE" };
        var hostile = new Option<bool>("--hostile") { Description = "Also runs what the expectations skip as hostile." };
        var random = new Option<int>("--random") { Description = "Afterwards sends this many random commands, in sequences of 200.", HelpName = "N" };
        var seed = new Option<int>("--seed") { Description = "The first sequence's seed.", DefaultValueFactory = _ => 1, HelpName = "S" };
        var tame = new Option<bool>("--tame") { Description = "Random sequences keep to BGRX/BGRA resources shown from their origin." };
        var peer = new Option<string[]>("--peer") { Description = "Sends the random sequences to this back-end too (a command as for --spawn) and compares.", HelpName = "COMMAND" };
        var probe = new Option<string>("--probe-command")
        {
            Description = "How to see what the back-end shows, if not over QEMU's display socket: gets {scanout}, writes a P6 picture to {file}; status 1: it is off.",
            HelpName = "COMMAND",
        };
        var json = new Option<string>("--json") { Description = "Also writes the results here.", HelpName = "FILE" };
        var all = new Option<bool>("--verbose") { Description = "Also prints what passed and what was skipped." };
        var command = new Command("run", "Runs the cases against a back-end.") { socket, spawn, list, filter, expect, hostile, random, seed, tame, peer, probe, json, all };
        command.SetAction(parsed =>
        {
            var cases = CaseList.All.Where(c => parsed.GetValue(filter) is not { } text || c.Name.Contains(text, StringComparison.Ordinal)).ToArray();
            if (parsed.GetValue(list))
                return List(cases);
            IPixelProbe? eyes = parsed.GetValue(probe) is { } look ? new CommandPixelProbe(look) : null;
            var (path, words) = (parsed.GetValue(socket), parsed.GetValue(spawn));
            if (path == null == (words == null) || cases.Length == 0)
                return Complain(cases.Length == 0 ? "no case has such a name: see --list" : "say either --socket PATH or --spawn COMMAND");
            Func<BackendUnderTest> start = path != null ? () => new ListeningBackend(path, eyes) : () => new SpawnedBackend(words!, eyes);
            try
            {
                var expectations = parsed.GetValue(expect) is { } file ? Expectations.Load(file) : Expectations.None;
                if (parsed.GetValue(hostile))
                    expectations.RunHostile();
                var results = RunCases(start, cases, expectations, parsed.GetValue(all));
                Console.WriteLine(RunReport.Summary(results));
                var commands = parsed.GetValue(random);
                var report = commands > 0
                    ? RandomDifferential.Run(
                        [start, .. (parsed.GetValue(peer) ?? []).Select(p => (Func<BackendUnderTest>)(() => new SpawnedBackend(p)))],
                        commands, parsed.GetValue(seed), parsed.GetValue(tame) || expectations.RandomTame != null)
                    : null;
                foreach (var failure in report?.Failures ?? [])
                    Console.WriteLine("FAILED    " + failure);
                foreach (var (kind, times) in report?.DifferenceKinds ?? new Dictionary<string, int>())
                    Console.WriteLine($"differs   {kind} ({times} times; both are allowed)");
                if (report != null)
                    Console.WriteLine(RunReport.Summary(report));
                if (parsed.GetValue(json) is { } to)
                    RunReport.WriteJson(to, path ?? words!, results, report);
                return results.Any(r => r.IsBad) || report is { Failures.Count: > 0 } ? 1 : 0;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
            {
                return Complain(e.Message);
            }
        });
        return command;
    }

    private static Command Corpus()
    {
        var directory = new Argument<string>("DIR") { Description = "Where virtio-gpu/ and vhost-user/ are written." };
        var command = new Command("corpus", "Writes the bytes of hostile requests and messages as seeds for fuzzers.") { directory };
        command.SetAction(parsed =>
        {
            var (files, bytes) = CorpusWriter.Write(parsed.GetValue(directory)!);
            Console.WriteLine($"wrote {files} files, {bytes} bytes");
            return 0;
        });
        return command;
    }

    private static List<CaseResult> RunCases(Func<BackendUnderTest> start, ConformanceCase[] cases, Expectations expectations, bool all)
    {
        using (var first = start())
        using (first.Connect())
        {
            // A back-end that can't even be started is no failed case: it is nothing to run against.
        }

        var runner = new SuiteRunner(start, expectations);
        var results = new List<CaseResult>();
        foreach (var conformanceCase in cases)
            results.Add(runner.Run(conformanceCase));
        RunReport.WriteTable(Console.Out, results, all);
        return results;
    }

    private static int List(ConformanceCase[] cases)
    {
        foreach (var c in cases)
            Console.WriteLine($"{c.Name,-50} {c.Spec}{(c.Requires != 0 ? $" [needs {c.Requires}]" : "")}{(c.RequiresProtocol != 0 ? $" [needs {c.RequiresProtocol}]" : "")}{(c.HostileToPeers != null ? " [hostile]" : "")}");
        Console.WriteLine($"{cases.Length} cases");
        return 0;
    }

    private static int Complain(string what)
    {
        Console.Error.WriteLine("vhost-user-gpu-conformance: " + what);
        return 2;
    }
}
