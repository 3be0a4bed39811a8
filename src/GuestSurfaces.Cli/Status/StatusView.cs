// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Cli.Hosting;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace GuestSurfaces.Cli.Status;

/// <summary>A snapshot as people read it: one block a guest, 80 columns wide.</summary>
internal static class StatusView
{
    public const int Columns = 80;

    private const int LabelColumns = 10;
    private const int MinColumns = 40;

    /// <summary>Prints one guest.</summary>
    /// <param name="console">At least <see cref="Columns"/> wide.</param>
    /// <param name="guest">What it said.</param>
    public static void Print(IAnsiConsole console, StatusSnapshot guest) => console.Write(Create(guest, Columns));

    /// <summary>One guest's block.</summary>
    /// <param name="guest">What it said.</param>
    /// <param name="columns">How wide the terminal is; no more than <see cref="Columns"/> are used.</param>
    public static IRenderable Create(StatusSnapshot guest, int columns)
    {
        columns = Math.Clamp(columns, MinColumns, Columns);
        var stats = guest.Stats;
        var grid = new Grid { Width = columns };
        grid.AddColumn(new GridColumn { Width = LabelColumns, NoWrap = true, Padding = new Padding(2, 0, 0, 0) });
        grid.AddColumn(new GridColumn { Width = columns - LabelColumns - 2, Padding = new Padding(0, 0, 0, 0) });
        void Row(string label, string text, string style = "default") => grid.AddRow(new Text(label), new Text(text, Style.Parse(style)));

        Row("guest", $"{guest.Transport}{Frontend(guest.Frontend)}, {(!guest.Shown ? "unseen" : guest.Viewers > 0 ? "shown by viewers" : "shown here")}, for {Duration(guest.UptimeS)}");
        if (guest.Viewers > 0)
            Row("viewers", $"{Number(guest.Viewers)}, {(guest.InCharge.Length > 0 ? guest.InCharge : "none")} in charge");
        Row("rung", stats.Rung switch
        {
            "direct" => "direct: the guest's own pages are shown, nothing is copied",
            "convert" => "convert: one pass of the GPU for each frame",
            "copy" => "copy: what the guest changed is copied once",
            _ when stats.FramesReceived > 0 => "none: nobody looks",
            _ => "none yet: no frame came",
        }, stats.Rung == "direct" ? "green" : stats.Rung == "none" ? "default" : "yellow");
        if (stats.Rung != "none" && stats.Reason.Length > 0)
            Row("why", stats.Reason);
        if (stats.Remedy.Length > 0)
            Row("fix", stats.Remedy);
        if (stats.Rung is "direct" or "convert" && stats.SyncMode.Length > 0)
            Row("sync", stats.SyncReason.Length > 0 ? $"{stats.SyncMode}: {stats.SyncReason}" : stats.SyncMode);
        if (stats.Placement is not ("" or "window") || stats.PlacementReason.Length > 0)
            Row("shown as", stats.PlacementReason.Length > 0 ? $"{stats.Placement}: {stats.PlacementReason}" : stats.Placement);
        if (stats.Policy.Length > 0 && (stats.Policy != "mailbox" || stats.PolicyReason.Length > 0))
            Row("policy", stats.PolicyReason.Length > 0 ? $"{stats.Policy}: {stats.PolicyReason}" : stats.Policy);
        if (guest.FramesPerS is { } received)
            Row("rate", string.Create(CultureInfo.InvariantCulture, $"{received:0.0} frames/s from the guest, {guest.PresentedPerS:0.0} on screen"));
        if (stats.FramesReceived > 0)
        {
            Row("frames", $"{Number(stats.FramesReceived)} from the guest, {Number(stats.FramesPresented)} on screen, {Number(stats.FramesDropped)} overtaken by a newer one");
            Row("copied", $"{Bytes(stats.BytesCopiedPerFrame)} a frame");
            if (stats.ZeroCopyPresented > 0)
                Row("scan-out", $"{Number(stats.ZeroCopyPresented)} frames read by the screen itself");
            else if (stats.Rung == "direct" && stats.CompositedBecause.Length > 0)
                Row("scan-out", $"none: {stats.CompositedBecause}");
        }

        if (Math.Max(stats.LateFlips, stats.UnprotectedFlips) is var late and > 0)
            Row("flips", $"{Number(late)} answered by the clock, {(guest.Shown ? "since the compositor didn't in time" : "since nobody looks")}; {Number(stats.UnprotectedFlips)} while the screen still read what the guest then drew into");
        if (stats.PinnedBuffers > 0)
            Row("pinned", $"{Bytes(stats.PinnedBytes)} of the guest's memory in {Number(stats.PinnedBuffers)} buffers");
        if (stats.FlushToCommitUs.Max > 0)
            Row("latency", $"{Latency(stats.FlushToCommitUs)}: from the guest's flush to the compositor");
        if (stats.FlushToGuestUs.Max > 0)
            Row(stats.FlushToCommitUs.Max > 0 ? "" : "latency", $"{Latency(stats.FlushToGuestUs)}: from the guest's flush to its answer");
        if (guest.Isolation.Length > 0)
            Row("process", guest.Isolation);
        return new Rows(Markup.FromInterpolated(CultureInfo.InvariantCulture, $"[bold]{guest.Name}[/] (pid {guest.Pid})"), grid);
    }

    private static string Frontend(string frontend) => frontend switch
    {
        "waiting" => ", waiting for a VMM",
        "connected" => ", VMM connected",
        _ => "",
    };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Latency(Percentiles us) =>
        string.Create(CultureInfo.InvariantCulture, $"{us.P50 / 1000:0.00} ms (1 % over {us.P99 / 1000:0.00}, longest {us.Max / 1000:0.00})");

    private static string Bytes(double bytes) => bytes switch
    {
        < 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes:0} bytes"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024:0.#} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 20):0.#} MiB"),
    };

    private static string Duration(double seconds) => TimeSpan.FromSeconds(Math.Max(seconds, 0)) switch
    {
        { TotalMinutes: < 2 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:0} s"),
        { TotalHours: < 2 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalMinutes:0} min"),
        var t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalHours:0} h"),
    };
}
