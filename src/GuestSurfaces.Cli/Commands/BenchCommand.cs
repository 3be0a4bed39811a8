// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using GuestSurfaces.Cli.Bench;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using Spectre.Console;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces bench</c>: what the whole path costs on this machine, beside a client that does nothing but the least.</summary>
internal static class BenchCommand
{
    /// <summary>Turns for each: four, in turn, so that whatever else the machine does meets both alike.</summary>
    private const int Turns = 4;

    private const long WarmUpNs = 300_000_000;
    private const long FirstTurnNs = 2_000_000_000;

    public static Command Create()
    {
        var common = new CommonOptions();
        var seconds = new Option<int>("--seconds") { Description = "How long to measure, both together.", DefaultValueFactory = _ => 20, HelpName = "N" };
        var headless = new Option<bool>("--headless") { Description = "Use a weston of its own without a screen, even if there is a session." };
        var json = new Option<string?>("--json") { Description = "Write the figures to this file as JSON.", HelpName = "FILE" };
        var command = new DetailedCommand(
            "bench",
            "Measure what presenting a guest's frames costs on this machine.",
            """
            Measures what presenting a guest's frames costs on this machine, in the present Wayland session, or in a headless weston where there is none.

            Two clients take turns. The bridge: a guest without a VM, whose frames go through session and presenter as any guest's. The baseline: a minimal
            wl_shm client that commits the same pictures. Both change a quarter of the picture in every frame and draw as fast as the compositor shows.
            What the bridge needs beyond the baseline is what GuestSurfaces adds. Compare ratios: times depend on the machine and on what else it does.

              flush to commit   from the end of drawing until wl_surface.commit is written
              CPU per frame     of this process, drawing included, compositor excluded

              guest-surfaces bench
              guest-surfaces bench --headless --size 3840x2160 --seconds 60 --json bench.json
            """)
        {
            seconds, common.Size, headless, json, common.Verbose,
        };
        command.SetAction(result =>
        {
            var duration = result.GetValue(seconds);
            if (duration is < 2 or > 3600)
                throw new UserErrorException($"--seconds {duration} is no useful time", "2 to 3600");
            var size = CommonOptions.ParseSize(result.GetValue(common.Size)!);
            return Run(size, duration, result.GetValue(headless), result.GetValue(json), result.GetValue(common.Verbose));
        });
        return command;
    }

    private static int Run(Core.Buffers.BufferSize size, int seconds, bool headless, string? jsonPath, bool verbose)
    {
        var session = Environment.GetEnvironmentVariable("WAYLAND_DISPLAY");
        var hasSession = !headless && !string.IsNullOrEmpty(session);
        using var weston = hasSession ? null : HeadlessWeston.Start();
        var display = weston?.Display ?? session!;
        var name = weston is null ? $"the session at {session}" : "a headless weston";
        var picture = new BenchPicture(size);
        var bridge = new BenchMeasure();
        var baseline = new BenchMeasure();
        var rung = Measure(display, picture, bridge, baseline, seconds, verbose);
        var report = new BenchReport
        {
            Compositor = name,
            Size = size.ToString(),
            Rung = StatsReport.Name(rung.Rung),
            Reason = rung.Reason,
            Bridge = BenchFigures.Of(bridge),
            Baseline = BenchFigures.Of(baseline),
        };
        Print(report);
        if (jsonPath is not null)
            File.WriteAllText(jsonPath, JsonSerializer.Serialize(report, BenchJson.Default.BenchReport) + "\n");
        return 0;
    }

    private static RungReport Measure(string display, BenchPicture picture, BenchMeasure bridge, BenchMeasure baseline, int seconds, bool verbose)
    {
        using var loggers = ConsoleLog.Create(verbose);
        var log = loggers.CreateLogger("bench");
        var rung = new RungReport(Rung.None, "no frame yet");
        var turnNs = (long)seconds * 1_000_000_000 / (2 * Turns);
        for (var turn = 0; turn <= Turns; turn++)
        {
            // The first turn of each compiles what the others measure.
            var counts = turn > 0;
            Console.Error.WriteLine(counts ? $"turn {turn} of {Turns}: bridge, baseline ({turnNs / 1e9:0.#} s each)" : "warming up");
            using (var loop = new EventLoop())
            {
                using var run = new BridgeRun(loop, display, picture, counts ? bridge : new BenchMeasure(), log);
                Take(loop, run, counts ? turnNs : FirstTurnNs);
                rung = run.Rung;
            }

            using (var loop = new EventLoop())
            {
                using var run = new BareRun(loop, display, picture, counts ? baseline : new BenchMeasure());
                Take(loop, run, counts ? turnNs : FirstTurnNs);
            }
        }

        return rung;
    }

    private static void Take(EventLoop loop, IBenchRun run, long turnNs)
    {
        // Made before anything is measured: what a turn allocates is the frames' doing.
        var isOver = new StrongBox<bool>();
        var end = loop.Timers.Create(() => isOver.Value = true);
        run.Start();
        end.ArmIn(WarmUpNs);
        RunUntil(loop, run, isOver);
        run.Begin();
        isOver.Value = false;
        end.ArmIn(turnNs);
        RunUntil(loop, run, isOver);
        run.End();
    }

    private static void RunUntil(EventLoop loop, IBenchRun run, StrongBox<bool> isOver)
    {
        while (!isOver.Value)
        {
            loop.RunOnce();
            if (run.Failure is { } failure)
                throw new UserErrorException($"the compositor is gone: {failure}", "try again, or with --headless");
        }
    }

    private static void Print(BenchReport report)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        foreach (var column in (string[])["bridge", "baseline", "ratio"])
            table.AddColumn(new TableColumn(column).RightAligned());
        Row(table, "flush to commit, p50 (us)", report.Bridge.FlushToCommitP50Us, report.Baseline.FlushToCommitP50Us);
        Row(table, "flush to commit, p99 (us)", report.Bridge.FlushToCommitP99Us, report.Baseline.FlushToCommitP99Us);
        Row(table, "CPU per presented frame (us)", report.Bridge.CpuUsPerFrame, report.Baseline.CpuUsPerFrame);
        Row(table, "bytes copied per frame", report.Bridge.BytesCopiedPerFrame, report.Baseline.BytesCopiedPerFrame);
        Row(table, "managed bytes allocated per frame", report.Bridge.GcAllocatedBytesPerFrame, report.Baseline.GcAllocatedBytesPerFrame);
        Row(table, "frames a second", report.Bridge.FramesPerSecond, report.Baseline.FramesPerSecond);
        Console.WriteLine($"{report.Size} in {report.Compositor}; {report.Bridge.FramesPresented} and {report.Baseline.FramesPresented} frames");
        AnsiConsole.Write(table);
        Console.WriteLine($"rung: {report.Rung}{(report.Reason.Length > 0 ? $": {report.Reason}" : "")}");
    }

    private static void Row(Table table, string name, double bridge, double baseline) => table.AddRow(
        name,
        bridge.ToString("0.0", CultureInfo.InvariantCulture),
        baseline.ToString("0.0", CultureInfo.InvariantCulture),
        baseline == 0 ? "" : (bridge / baseline).ToString("0.00", CultureInfo.InvariantCulture));
}
