// SPDX-License-Identifier: MIT
using System.Text.Json;
using System.Xml.Linq;
using GuestSurfaces.Cli.Trace;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Tests.Presentation;
using Spectre.Console;
using Xunit;
using static GuestSurfaces.Tests.Presentation.FlipFixture;

namespace GuestSurfaces.Tests.Cli;

/// <summary>What <c>trace</c> makes of frames.</summary>
[Collection(Alone.Name)]
public sealed class TraceTests
{
    [Fact]
    public void Answers_by_the_clock_are_found_in_the_times_alone_as_the_session_counts_them()
    {
        using var f = new FlipFixture();
        var (a, b, c) = (Dmabuf(), Dmabuf(), Dmabuf());
        f.Flip(a);
        f.Latch();
        f.Flip(b);
        f.Latch();
        f.Release(); // as it should be
        f.Flip(c);
        f.Latch();
        f.Pass(40 * Ms); // b is still read
        f.Release();
        f.Flip(a);
        f.Pass(40 * Ms); // not even latched
        f.Latch();
        f.Release();
        var run = new TracedRun("work", f.ReadTrace());
        Assert.Equal((2L, 2), (f.Statistics.UnprotectedFlips, run.Unprotected));
        Assert.Equal([3UL, 4UL], run.Frames.Where(frame => run.IsUnprotected(in frame)).Select(static frame => frame.Serial));
        Assert.Equal((4, 0), (run.Latched, run.Superseded));
        Assert.Equal(35 * Ms, run.FlushToAnswer.MaxNs);
    }

    [Fact]
    public void Copies_are_nobodys_to_draw_into_however_late_the_compositor_takes_them()
    {
        using var f = new FlipFixture();
        f.Flip(Dmabuf());
        f.Pass(40 * Ms); // nothing is shown yet
        f.Latch();
        f.Flip(Shm());
        f.Pass(40 * Ms); // the guest's page before is still shown
        f.Latch();
        f.Release();
        f.Flip(Shm());
        f.Pass(40 * Ms); // a copy is
        f.Latch();
        f.Release();
        f.Flip(Dmabuf());
        f.Pass(40 * Ms); // likewise
        f.Latch();
        var run = new TracedRun("work", f.ReadTrace());
        Assert.Equal((1L, 4L), (f.Statistics.UnprotectedFlips, f.Statistics.LateFlips));
        Assert.Equal([2UL], run.Frames.Where(frame => run.IsUnprotected(in frame)).Select(static frame => frame.Serial));
    }

    [Fact]
    public void Every_bar_of_a_chrome_trace_that_begins_ends_later()
    {
        using var output = new MemoryStream();
        ChromeTrace.Write(Run(), output);
        using var json = JsonDocument.Parse(output.ToArray());
        var open = new Dictionary<(string, ulong), Stack<double>>();
        var bars = 0;
        foreach (var e in json.RootElement.GetProperty("traceEvents").EnumerateArray())
        {
            var phase = e.GetProperty("ph").GetString();
            if (phase == "M")
                continue;
            var track = (e.GetProperty("cat").GetString()!, e.GetProperty("id").GetUInt64());
            var at = e.GetProperty("ts").GetDouble();
            if (!open.TryGetValue(track, out var stack))
                open[track] = stack = new Stack<double>();
            if (phase == "b")
                stack.Push(at);
            else if (phase == "e")
                Assert.InRange(at, stack.Pop(), double.MaxValue);
            else
                Assert.Equal(("n", true), (phase, stack.Count > 0));
            bars += phase == "e" ? 1 : 0;
        }

        Assert.All(open.Values, Assert.Empty);
        Assert.InRange(bars, 30, 200);
    }

    [Fact]
    public void A_plot_has_a_dot_for_each_word_about_a_frame_and_a_row_for_each_of_the_last()
    {
        var run = Run();
        using var output = new MemoryStream();
        TracePlot.Write(run, output);
        output.Position = 0;
        var svg = XDocument.Load(output).Root!;
        var dots = run.Frames.Sum(static frame => new[] { FrameStage.Committed, TracedRun.OnScreen(in frame), FrameStage.Answered }.Count(stage => frame[stage] > 0));
        Assert.Equal(dots, svg.Elements().Count(static e => e.Name.LocalName == "circle"));
        foreach (var frame in run.Frames)
            Assert.Contains(svg.Elements(), e => e.Name.LocalName == "text" && e.Value == $"{frame.Serial}");
        Assert.DoesNotContain("NaN", svg.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void One_frame_can_be_drawn_and_told_too()
    {
        using var f = new FlipFixture();
        f.Flip(Dmabuf());
        var run = new TracedRun("<&>", f.ReadTrace());
        using var output = new MemoryStream();
        TracePlot.Write(run, output);
        output.Position = 0;
        Assert.Contains("<&>: 1 frames", XDocument.Load(output).Root!.Value, StringComparison.Ordinal);
        Assert.Contains("0 shown, 0 overtaken; none was answered too early", Told(run), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_told_in_80_columns()
    {
        var told = Told(Run());
        Assert.All(told.Split('\n'), static line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        Assert.Contains("work: 12 frames in 0.1 s", told, StringComparison.Ordinal);
        Assert.Contains("flush to its answer", told, StringComparison.Ordinal);
    }

    private static string Told(TracedRun run)
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 80;
        TraceView.Print(console, run);
        return text.ToString();
    }

    private static TracedRun Run()
    {
        using var f = new FlipFixture();
        var pictures = Enumerable.Range(0, 3).Select(static _ => Dmabuf()).ToArray();
        for (var i = 0; i < 12; i++)
        {
            f.Flip(pictures[i % 3]);
            f.Pass(8 * Ms);
            if (i % 4 != 2)
                f.Refresh();
        }

        return new TracedRun("work", f.ReadTrace());
    }
}
