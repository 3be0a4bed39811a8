// SPDX-License-Identifier: MIT
using System.Text.Json;
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Cli.Trace;

/// <summary>
/// Writes a run as a Chrome trace: ui.perfetto.dev and chrome://tracing show it. Each frame is a bar of its scanout's track with its stages inside; the guest's
/// waits are a track of their own. Times in µs since the run began. Source: the Trace Event Format (async events b, n and e).
/// </summary>
internal static class ChromeTrace
{
    /// <summary>Writes it.</summary>
    /// <param name="run">What.</param>
    /// <param name="output">Where to; stays open.</param>
    public static void Write(TracedRun run, Stream output)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartArray("traceEvents");
        WriteName(json, "process_name", 0, run.Name);
        foreach (var scanout in run.Frames.Select(static frame => frame.Scanout).Distinct().Order())
            WriteName(json, "thread_name", scanout, $"scanout {scanout}");
        foreach (var frame in run.Frames)
            WriteFrame(json, run, in frame);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteFrame(Utf8JsonWriter json, TracedRun run, in FrameRecord frame)
    {
        var (popped, committed, latched, released) = (frame[FrameStage.Popped], frame[FrameStage.Committed], frame[FrameStage.Latched], frame[FrameStage.Released]);
        var isOvertaken = frame.Marks.HasFlag(FrameMarks.Superseded);
        WriteEvent(json, run, in frame, "frame", "b", $"frame {frame.Serial}{(isOvertaken ? " (overtaken)" : "")}", popped, writeMarks: true);
        WriteSpan(json, run, in frame, "waits to be committed", popped, committed);
        WriteSpan(json, run, in frame, "waits for the compositor", committed, latched);
        WriteSpan(json, run, in frame, "is read", latched, released);
        if (frame[FrameStage.Presented] is > 0 and var presented)
            WriteEvent(json, run, in frame, "frame", "n", "on screen", presented);
        WriteEvent(json, run, in frame, "frame", "e", "", TracedRun.Last(in frame));
        if (!frame.Marks.HasFlag(FrameMarks.Awaited) || frame[FrameStage.Answered] is not (> 0 and var answered))
            return;
        WriteEvent(json, run, in frame, "guest", "b", run.IsUnprotected(in frame) ? "guest waits (answered by the clock)" : "guest waits", popped);
        WriteEvent(json, run, in frame, "guest", "e", "", answered);
    }

    private static void WriteSpan(Utf8JsonWriter json, TracedRun run, in FrameRecord frame, string name, long fromNs, long toNs)
    {
        if (fromNs <= 0 || toNs <= fromNs)
            return;
        WriteEvent(json, run, in frame, "frame", "b", name, fromNs);
        WriteEvent(json, run, in frame, "frame", "e", "", toNs);
    }

    private static void WriteEvent(Utf8JsonWriter json, TracedRun run, in FrameRecord frame, string category, string phase, string name, long timeNs, bool writeMarks = false)
    {
        json.WriteStartObject();
        json.WriteString("ph", phase);
        json.WriteString("cat", category);
        if (name.Length > 0)
            json.WriteString("name", name);
        json.WriteNumber("id", frame.Serial);
        json.WriteNumber("pid", 0);
        json.WriteNumber("tid", frame.Scanout);
        json.WriteNumber("ts", (timeNs - run.BeginNs) / 1000.0);
        if (writeMarks)
        {
            json.WriteStartObject("args");
            json.WriteBoolean("guest waits", frame.Marks.HasFlag(FrameMarks.Awaited));
            json.WriteBoolean("zero copy", frame.Marks.HasFlag(FrameMarks.ZeroCopy));
            json.WriteBoolean("dma-buf", frame.Marks.HasFlag(FrameMarks.Dmabuf));
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteName(Utf8JsonWriter json, string kind, uint thread, string name)
    {
        json.WriteStartObject();
        json.WriteString("ph", "M");
        json.WriteString("name", kind);
        json.WriteNumber("pid", 0);
        json.WriteNumber("tid", thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
