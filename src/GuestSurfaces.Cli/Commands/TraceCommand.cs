// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Cli.Trace;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Cli.Commands;

/// <summary><c>guest-surfaces trace</c>: what became of a guest's last frames, one by one.</summary>
internal static class TraceCommand
{
    private const double GlanceMs = 1000;

    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "The guest (see --name); as long as one alone runs, that one.", Arity = ArgumentArity.ZeroOrOne };
        var seconds = new Option<double?>("--seconds") { Description = "Watch for so long, instead of telling what has happened.", HelpName = "S" };
        var output = new Option<string?>("--output", "-o") { Description = "Write every frame as a Chrome trace: ui.perfetto.dev shows it.", HelpName = "FILE" };
        var plot = new Option<string?>("--plot") { Description = "Draw the frames: an SVG, for a browser.", HelpName = "FILE" };
        name.CompletionSources.Add(static _ => CompletionCommand.GuestNames());
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is not (> 0 and <= 3600))
                result.AddError("--seconds is a number above 0, at most 3600");
        });
        var command = new DetailedCommand(
            "trace",
            "Show what became of a guest's frames, one by one.",
            $"""
            Every guest's last {FrameTrace.Capacity} frames are remembered, a minute of them at 60 Hz: so a stutter can be asked about when it is over. Of each
            frame there is when the guest's command was popped from its ring, when it was sent to the window, committed, latched by
            the compositor, on screen, when nobody read its dma-buf any more, and when the guest had its answer.

              guest-surfaces trace                             a few lines
              guest-surfaces trace work --plot work.svg        a picture
              guest-surfaces trace work --seconds 5 -o work.json
            """)
        {
            name, seconds, output, plot,
        };
        command.SetAction(result => Run(
            result.GetValue(name),
            result.GetValue(seconds),
            result.GetValue(output),
            result.GetValue(plot),
            result.InvocationConfiguration.Output,
            result.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(string? name, double? seconds, string? outputPath, string? plotPath, TextWriter output, TextWriter errors)
    {
        var answers = StatusCommand.Folder().AskWithTraces(out _);
        try
        {
            var guests = answers.Where(guest => name is null || guest.Snapshot.Name == name).ToList();
            if (guests.Count != 1)
            {
                errors.WriteLine(Problem(name, guests.Count, answers));
                return 1;
            }

            var frames = ReadFrames(guests[0], seconds, errors);
            if (frames is null)
            {
                errors.WriteLine($"{guests[0].Snapshot.Name} doesn't tell about its frames: it is of another version, or had no memory for it");
                return 1;
            }

            if (frames.Count == 0)
            {
                errors.WriteLine($"{guests[0].Snapshot.Name} had no frames{(seconds is null ? " yet" : " in that time")}");
                return 1;
            }

            var run = new TracedRun(guests[0].Snapshot.Name, frames);
            TraceView.Print(PlainConsole.Create(output), run);
            Save(outputPath, run, ChromeTrace.Write, output);
            Save(plotPath, run, TracePlot.Write, output);
            return 0;
        }
        finally
        {
            foreach (var answer in answers)
                answer.Dispose();
        }
    }

    private static List<FrameRecord>? ReadFrames(GuestAnswer guest, double? seconds, TextWriter errors)
    {
        if (seconds is not { } s)
            return guest.ReadFrames();
        errors.WriteLine($"watching {guest.Snapshot.Name} for {s} s");
        var clock = MonotonicClock.Instance;
        var begin = clock.NowNs;
        var end = begin + (long)(s * 1e9);
        var seen = new SortedDictionary<ulong, FrameRecord>(); // the last word about each: the guest's own memory is a ring
        while (true)
        {
            Thread.Sleep(TimeSpan.FromMilliseconds(Math.Clamp((end - clock.NowNs) / 1e6, 0, GlanceMs)));
            if (guest.ReadFrames() is not { } frames)
                return null;
            foreach (var frame in frames.Where(frame => frame[FrameStage.Popped] >= begin))
                seen[frame.Serial] = frame;
            if (clock.NowNs >= end)
                return [.. seen.Values];
        }
    }

    private static void Save(string? path, TracedRun run, Action<TracedRun, Stream> write, TextWriter output)
    {
        if (path is null)
            return;
        using (var file = File.Create(path))
            write(run, file);
        output.WriteLine($"written: {path}");
    }

    private static string Problem(string? name, int count, IReadOnlyList<GuestAnswer> all)
    {
        var guests = all.Select(static guest => guest.Snapshot);
        return (name, count) switch
        {
            (null, 0) => StatusWatch.Nobody,
            (null, _) => $"Several guests run: name one of {StatusWatch.NamesOf(guests)}.",
            (_, 0) => StatusWatch.NobodyNamed(name, guests),
            _ => $"{count} guests are named {name}: give them names of their own with --name.",
        };
    }
}
