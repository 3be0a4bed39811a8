// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// A real guest that goes on flipping while nobody sees it, here where only the guest is emulated: what we hold its answers for is this machine's own time. Its frames are copied (there is no
/// udmabuf here), which is another way to the screen and the same way to an answer. Its kernel's own trace tells what it has waited for (GS-FENCES of gsguest.c).
/// </summary>
[Trait("Tier", "A")]
public sealed class PauseTests
{
    private const string Size = "320x240";
    private const int Sample = 60; // flips before and after
    private const int Recovering = 2;
    private const double LongestHoldMs = 50; // what its driver waits for; of 99 in 100, for the last may be another program's doing
    private const double LeastShare = 0.75; // likewise, of a second
    private const int NeighboursColours = 2; // and bars

    [Theory]
    [InlineData("sway", "6.12")]
    [InlineData("weston14", "6.1")]
    public void A_guest_that_nobody_sees_is_answered_in_time_and_flips_as_before_once_it_is_seen(string compositor, string kernel)
    {
        using var bench = new LabBench(compositor, size: Size) { IsAsPublished = true };
        var bridge = bench.StartBridge("guest", "--once", "--size", Size);
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--guest", kernel, "--job", "flip", "--frames", "0", "--append", "gs.trace=1");
        bench.WaitFor("vm", "^GS-READY");
        Func<LabBench, Pause>[] ways = compositor == "sway" ? [AnotherWorkspace, Minimised, Covered, Stopped] : [Stopped]; // Weston's kiosk keeps another window below where there is no seat
        var pauses = ways.Select(way => way(bench)).ToList();
        var frames = bench.Frames("guest");
        bench.Press("vm");
        var done = bench.WaitFor("vm", "^GS-DONE");
        bench.AssertNoKernelErrors("vm");
        bench.StopGuest("vm");
        Assert.True(bridge.WaitForExit(TimeSpan.FromSeconds(20)), bridge.Output);

        Assert.All(pauses, pause => pause.AssertAsBefore(frames));
        var holds = frames.Where(static frame => frame.Marks.HasFlag(FrameMarks.Awaited) && frame[FrameStage.Answered] > 0)
            .Select(static frame => (frame[FrameStage.Answered] - frame[FrameStage.Popped]) / 1e6).Order().ToList();
        double Percentile(double share) => holds[(int)Math.Ceiling(share * holds.Count) - 1];
        Tell($"held: {holds.Count} flips; {Percentile(0.5):0.0} ms (p50), {Percentile(0.99):0.0} (p99), {Percentile(0.999):0.0} (p99.9), {holds[^1]:0.0} (longest)");
        Assert.InRange(Percentile(0.99), 0, LongestHoldMs);
        var fences = GuestFences.Parse(File.ReadAllText(bench.SerialLog("vm")));
        Assert.InRange(fences.Waits, holds.Count / 2, int.MaxValue);
        Assert.InRange(fences.TimedOut, 0, fences.Waits / 20); // none, on a machine that does nothing else: docs/sync.md
        Tell($"{done}");
    }

    private static Pause AnotherWorkspace(LabBench bench) => Hide(bench, "another workspace", () => bench.Tell("workspace 2"), () => bench.Tell("workspace 1"));

    private static Pause Minimised(LabBench bench) => Hide(
        bench, "minimised", () => bench.Tell("[app_id=\".*\"] mark guest, move scratchpad"), () => bench.Tell("[con_mark=\"guest\"] scratchpad show, fullscreen enable"));

    private static Pause Covered(LabBench bench)
    {
        var neighbour = default(LabProcess);
        return Hide(
            bench,
            "covered",
            () =>
            {
                neighbour = bench.StartNeighbour();
                bench.ShootUntil(static picture => Colours(picture) <= NeighboursColours);
            },
            () =>
            {
                neighbour!.Dispose();
                bench.ShootUntil(static picture => Colours(picture) > NeighboursColours);
            });
    }

    private static Pause Stopped(LabBench bench) => Hide(bench, "stopped", () => bench.SignalCompositor("STOP"), () => bench.SignalCompositor("CONT"), seconds: 5);

    private static Pause Hide(LabBench bench, string way, Action hide, Action show, int seconds = 3)
    {
        var before = MonotonicClock.Instance.NowNs;
        Await(bench, frames => CountFrom(frames, before) >= Sample);
        var pause = new Pause(way, MonotonicClock.Instance.NowNs);
        hide();
        pause = pause with { HiddenNs = MonotonicClock.Instance.NowNs };
        var until = pause.HiddenNs + (seconds * 1_000_000_000L);
        Await(bench, frames => CountFrom(frames, until) > 0);
        pause = pause with { EndNs = MonotonicClock.Instance.NowNs };
        show();
        pause = pause with { ShownNs = MonotonicClock.Instance.NowNs };
        Await(bench, frames => CountFrom(frames, pause.ShownNs) >= Recovering + Sample);
        return pause;
    }

    private static void Await(LabBench bench, Predicate<IReadOnlyList<FrameRecord>> condition) =>
        LabBench.WaitUntil(() => condition(bench.Frames("guest")), TimeSpan.FromSeconds(60), "the guest flips");

    private static int CountFrom(IReadOnlyList<FrameRecord> frames, long timeNs) => frames.Count(frame => frame[FrameStage.Popped] >= timeNs);

    private static int Colours(Picture picture) => picture.ToPixels().Distinct().Count();

    private static void Tell(FormattableString line) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(line));

    /// <summary>When the guest was hidden and shown again.</summary>
    private sealed record Pause(string Way, long BeginNs, long HiddenNs = 0, long EndNs = 0, long ShownNs = 0)
    {
        /// <summary>It was hidden, and nobody took its frames; it went on, and then went on as before.</summary>
        public void AssertAsBefore(IReadOnlyList<FrameRecord> frames)
        {
            var meanwhile = Flushes(frames, HiddenNs, EndNs);
            var untaken = meanwhile.Count(frame => frame[FrameStage.Latched] is var latched && (latched == 0 || latched > EndNs));
            var (former, paused, resumed) = (Rate(Flushes(frames, 0, BeginNs).TakeLast(Sample)), Rate(meanwhile), Rate(Flushes(frames, ShownNs, long.MaxValue).Skip(Recovering).Take(Sample)));
            Tell($"{Way}: {former:0.0} flips a second before, {paused:0.0} meanwhile ({untaken} of {meanwhile.Count} taken by nobody), {resumed:0.0} after: {resumed / former:0.00}");
            Assert.InRange(untaken, meanwhile.Count - Recovering, meanwhile.Count);
            Assert.InRange(resumed / former, LeastShare, double.MaxValue);
        }

        private static List<FrameRecord> Flushes(IReadOnlyList<FrameRecord> frames, long fromNs, long toNs) =>
            [.. frames.Where(frame => frame[FrameStage.Popped] >= fromNs && frame[FrameStage.Popped] <= toNs)];

        private static double Rate(IEnumerable<FrameRecord> frames)
        {
            var times = frames.Select(static frame => frame[FrameStage.Popped]).ToList();
            return (times.Count - 1) * 1e9 / (times[^1] - times[0]);
        }
    }
}
