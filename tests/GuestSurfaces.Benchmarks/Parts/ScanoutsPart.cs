// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// This process's CPU time per flushed frame: 8 guests with 8 scanouts each on one loop, beside one guest with one. Every head draws 128x128 pixels of its
/// 512x512, 30 times a second; the guests and the compositor are other processes.
/// </summary>
internal static class ScanoutsPart
{
    private const int Rounds = 3;
    private const int Hz = 30;
    private const long RoundNs = 4_000_000_000;
    private const long WarmUpNs = 2_500_000_000;

    public static PartResult Run()
    {
        var figures = new List<Figure>();
        foreach (var hasCompositor in (bool[])[false, true])
        {
            var one = new Setup(1, 1, hasCompositor, Hz);
            var many = new Setup(8, 8, hasCompositor, Hz);
            many.Round(); // compiles everything
            many.Forget();
            Interleaved.Run(Rounds, one.Round, many.Round);
            var where = hasCompositor ? "through a compositor" : "unseen";
            figures.Add(Figure.AtMost($"{where}: CPU per frame, 64 to 1", many.CpuNs.Least / 1000, one.CpuNs.Least / 1000, "us", 1.25));
            figures.Add(Figure.Plain($"{where}: frames a second", many.Rate.Median, one.Rate.Median, "/s"));
            if (!hasCompositor)
            {
                // One scanout at 30 Hz wakes a cold processor for every frame; this one never sleeps.
                var busy = new Setup(1, 1, hasCompositor, hz: 0);
                busy.Round();
                figures.Add(Figure.Plain($"{where}: CPU per frame, 64 to a busy 1", many.CpuNs.Least / 1000, busy.CpuNs.Least / 1000, "us"));
            }
            else
            {
                figures.Add(Figure.Plain($"{where}: frames presented a second", many.PresentedRate.Median, one.PresentedRate.Median, "/s"));
            }
        }

        return new PartResult("scanouts", "our CPU per frame with 8 guests of 8 scanouts (ours) beside one of one (baseline)", figures);
    }

    private sealed class Setup(int guests, int heads, bool hasCompositor, int hz)
    {
        public Samples CpuNs { get; } = new(Rounds);

        public Samples Rate { get; } = new(Rounds);

        public Samples PresentedRate { get; } = new(Rounds);

        public void Forget()
        {
            CpuNs.Clear();
            Rate.Clear();
            PresentedRate.Clear();
        }

        public void Round()
        {
            var folder = Directory.CreateTempSubdirectory("gs-bench");
            var display = hasCompositor ? Path.Combine(folder.FullName, "wayland") : null;
            using (var compositor = display is null ? null : ChildProcess.Start(CompositorPeer.Command(display, hz: 60), null, null))
            {
                if (display is not null)
                    Sockets.Await(display);
                using var host = new BackendHost(folder.FullName, guests, heads, display);
                using var peers = ChildProcess.Start(FrontendsPeer.Command(folder.FullName, guests, heads, hz, fenced: false), null, null);
                host.RunFrames(1);
                host.RunFor(WarmUpNs);
                var (frames, presented, cpu, wall) = (host.Frames, host.Presented, Clocks.ProcessNs(Environment.ProcessId), Clocks.NowNs());
                host.RunFor(RoundNs);
                frames = host.Frames - frames;
                wall = Clocks.NowNs() - wall;
                CpuNs.Add((double)(Clocks.ProcessNs(Environment.ProcessId) - cpu) / frames);
                Rate.Add(frames * 1e9 / wall);
                PresentedRate.Add((host.Presented - presented) * 1e9 / wall);
            }

            folder.Delete(recursive: true);
        }
    }
}
