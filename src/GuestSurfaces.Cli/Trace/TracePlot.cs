// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Xml;
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Cli.Trace;

/// <summary>
/// Draws a run as an SVG for people who would rather look: above, how long after its flush each frame was committed, on screen and answered; below, the last frames
/// one by one, with what waited for what.
/// </summary>
internal sealed class TracePlot : IDisposable
{
    private const int Width = 1200;
    private const int Left = 70;
    private const int Right = Width - 20;
    private const int CloudTop = 110;
    private const int CloudHeight = 300;
    private const int RowsTop = CloudTop + CloudHeight + 110;
    private const int RowHeight = 16;
    private const int MaxRows = 24;
    private const int MaxDots = 2000;
    private const double MinRangeMs = 20;

    private const string Grid = "#d8dce2", Ink = "#1f2933", Faint = "#6b7683";
    private const string CommitColour = "#3b82c4", ScreenColour = "#2a9d5c", AnswerColour = "#e08a1e", ReadColour = "#a9d8bd", WaitColour = "#b9d3ea", WrongColour = "#cc2f3c";

    private readonly TracedRun _run;
    private readonly XmlWriter _svg;

    private TracePlot(TracedRun run, Stream output)
    {
        _run = run;
        _svg = XmlWriter.Create(output, new XmlWriterSettings { Indent = true, CloseOutput = false });
    }

    /// <summary>Draws it.</summary>
    /// <param name="run">With at least one frame.</param>
    /// <param name="output">Where to; stays open.</param>
    public static void Write(TracedRun run, Stream output)
    {
        using var plot = new TracePlot(run, output);
        plot.Draw();
    }

    /// <inheritdoc/>
    public void Dispose() => _svg.Dispose();

    private void Draw()
    {
        var rows = _run.Frames.Skip(Math.Max(0, _run.Frames.Count - MaxRows)).ToList();
        var height = RowsTop + (rows.Count * RowHeight) + 50;
        _svg.WriteStartElement("svg", "http://www.w3.org/2000/svg");
        Attributes(("viewBox", $"0 0 {Width} {height}"), ("font-family", "sans-serif"), ("font-size", "12"));
        Box(0, 0, Width, height, "#ffffff");
        Text(Left, 30, $"{_run.Name}: {_run.Frames.Count} frames in {Number((_run.EndNs - _run.BeginNs) / 1e9, 2)} s", Ink, size: 18);
        Text(Left, 50, TraceView.Sentence(_run), Faint);
        DrawCloud();
        DrawRows(rows);
        _svg.WriteEndElement();
    }

    private void DrawCloud()
    {
        var frames = _run.Frames.Skip(Math.Max(0, _run.Frames.Count - MaxDots)).ToList();
        var begin = frames[0][FrameStage.Popped];
        var span = Math.Max(1, frames.Max(static frame => frame[FrameStage.Popped]) - begin);
        var range = Math.Max(MinRangeMs, 1.1 * Math.Max(_run.FlushToAnswer.PercentileNs(0.99), _run.FlushToCommit.PercentileNs(0.99) + _run.CommitToScreen.PercentileNs(0.99)) / 1e6);
        Text(Left, CloudTop - 34, "How long after its flush each frame …", Ink, size: 14);
        Legend(Left, CloudTop - 12, [("was committed", CommitColour), ("was on screen", ScreenColour), ("was answered", AnswerColour), ("was answered too early", WrongColour)]);
        for (var ms = 0.0; ms <= range; ms += StepOf(range))
        {
            var y = CloudTop + CloudHeight - (ms / range * CloudHeight);
            Line(Left, y, Right, y, Grid);
            Text(Left - 8, y + 4, $"{Number(ms, 0)} ms", Faint, anchor: "end");
        }

        for (var s = 0.0; s <= span / 1e9; s += StepOf(span / 1e9))
            Text(Left + (s * 1e9 / span * (Right - Left)), CloudTop + CloudHeight + 18, $"{Number(s, 1)} s", Faint, anchor: "middle");
        foreach (var frame in frames)
        {
            var x = Left + ((double)(frame[FrameStage.Popped] - begin) / span * (Right - Left));
            Dot(in frame, FrameStage.Committed, x, range, CommitColour);
            Dot(in frame, TracedRun.OnScreen(in frame), x, range, ScreenColour);
            Dot(in frame, FrameStage.Answered, x, range, _run.IsUnprotected(in frame) ? WrongColour : AnswerColour);
        }
    }

    private void DrawRows(List<FrameRecord> rows)
    {
        var begin = rows.Min(static frame => frame[FrameStage.Popped]);
        var span = Math.Max(1, rows.Max(TracedRunLast) - begin);
        double X(long timeNs) => Left + ((double)(timeNs - begin) / span * (Right - Left));
        Text(Left, RowsTop - 40, $"The last {rows.Count}, one by one", Ink, size: 14);
        Legend(Left, RowsTop - 18, [("waits to be committed", WaitColour), ("waits for the compositor", CommitColour), ("its dma-buf is read", ReadColour), ("on screen", ScreenColour), ("answered", AnswerColour), ("overtaken", Faint)]);
        for (var i = 0; i < rows.Count; i++)
        {
            var frame = rows[i];
            var y = RowsTop + (i * RowHeight);
            var isOvertaken = frame.Marks.HasFlag(FrameMarks.Superseded);
            Text(Left - 8, y + 12, $"{frame.Serial}", isOvertaken ? Faint : Ink, anchor: "end");
            Bar(in frame, FrameStage.Popped, FrameStage.Committed, y, WaitColour);
            Bar(in frame, FrameStage.Committed, FrameStage.Latched, y, CommitColour);
            Bar(in frame, FrameStage.Latched, FrameStage.Released, y, ReadColour);
            if (isOvertaken)
                Bar(in frame, FrameStage.Popped, FrameStage.Answered, y, Grid);
            Tick(in frame, FrameStage.Presented, y, ScreenColour);
            Tick(in frame, FrameStage.Answered, y, _run.IsUnprotected(in frame) ? WrongColour : AnswerColour);
        }

        var bottom = RowsTop + (rows.Count * RowHeight);
        for (var ms = 0.0; ms <= span / 1e6; ms += StepOf(span / 1e6))
            Text(X(begin + (long)(ms * 1e6)), bottom + 20, $"{Number(ms, 0)} ms", Faint, anchor: "middle");

        void Bar(in FrameRecord frame, FrameStage from, FrameStage to, double y, string colour)
        {
            if (frame[from] > 0 && frame[to] > frame[from])
                Box(X(frame[from]), y + 2, Math.Max(X(frame[to]) - X(frame[from]), 0.5), RowHeight - 4, colour);
        }

        void Tick(in FrameRecord frame, FrameStage stage, double y, string colour)
        {
            if (frame[stage] > 0)
                Box(X(frame[stage]) - 1, y, 2.5, RowHeight, colour);
        }
    }

    private static long TracedRunLast(FrameRecord frame) => TracedRun.Last(in frame);

    /// <summary>A round number that makes some five to ten marks.</summary>
    private static double StepOf(double range)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(range, 1e-9))));
        return (range / power) switch { < 2 => power / 5, < 5 => power / 2, _ => power };
    }

    private static string Number(double value, int digits) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);

    private void Dot(in FrameRecord frame, FrameStage stage, double x, double rangeMs, string colour)
    {
        if (frame[stage] == 0)
            return;
        var ms = (frame[stage] - frame[FrameStage.Popped]) / 1e6;
        _svg.WriteStartElement("circle");
        Attributes(("cx", Number(x, 1)), ("cy", Number(CloudTop + CloudHeight - (Math.Clamp(ms / rangeMs, 0, 1) * CloudHeight), 1)), ("r", "1.8"), ("fill", colour));
        _svg.WriteEndElement();
    }

    private void Legend(double x, double y, ReadOnlySpan<(string Text, string Colour)> entries)
    {
        foreach (var (text, colour) in entries)
        {
            Box(x, y - 9, 10, 10, colour);
            Text(x + 15, y, text, Ink);
            x += 34 + (text.Length * 6.6);
        }
    }

    private void Box(double x, double y, double width, double height, string colour)
    {
        _svg.WriteStartElement("rect");
        Attributes(("x", Number(x, 1)), ("y", Number(y, 1)), ("width", Number(width, 1)), ("height", Number(height, 1)), ("fill", colour));
        _svg.WriteEndElement();
    }

    private void Line(double x1, double y1, double x2, double y2, string colour)
    {
        _svg.WriteStartElement("line");
        Attributes(("x1", Number(x1, 1)), ("y1", Number(y1, 1)), ("x2", Number(x2, 1)), ("y2", Number(y2, 1)), ("stroke", colour));
        _svg.WriteEndElement();
    }

    private void Text(double x, double y, string text, string colour, int size = 12, string anchor = "start")
    {
        _svg.WriteStartElement("text");
        Attributes(("x", Number(x, 1)), ("y", Number(y, 1)), ("fill", colour), ("font-size", $"{size}"), ("text-anchor", anchor));
        _svg.WriteString(text);
        _svg.WriteEndElement();
    }

    private void Attributes(params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        foreach (var (name, value) in attributes)
            _svg.WriteAttributeString(name, value);
    }
}
