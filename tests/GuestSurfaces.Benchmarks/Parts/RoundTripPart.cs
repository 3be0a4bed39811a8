// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// The same five commands, one after the other, each awaited, over a real vhost-user socket and eventfds: our back-end in a process of its own beside QEMU's
/// helper in one of its own. The scripted front-end's share is in both.
/// </summary>
internal static class RoundTripPart
{
    private const int WarmUp = 4000;
    private const int Rounds = 41;
    private const int StreamsPerRound = 150;
    private const int Commands = 5;
    private static readonly string[] s_names = ["create 2D", "attach backing", "transfer", "unref", "get display info"];

    public static PartResult Run()
    {
        const string title = "five commands over socket and eventfds, 64x64 resource, beside QEMU's vhost-user-gpu (C)";
        if (!File.Exists(Places.QemuHelper))
            return new PartResult("round-trip", title, [], $"{Places.QemuHelper} isn't installed");
        using var ours = new Peer($"dotnet {Places.CommandLineTool} device --fd={{fd}} --no-display");
        using var theirs = new Peer($"{Places.QemuHelper} --fd={{fd}}");
        ours.Round(WarmUp, record: false);
        theirs.Round(WarmUp / 4, record: false);
        Thread.Sleep(500); // the back-end's last tier of compiled code is made in the background
        ours.Round(WarmUp, record: false);
        Interleaved.Run(Rounds, () => ours.Round(StreamsPerRound, record: true), () => theirs.Round(StreamsPerRound, record: true));

        var figures = new List<Figure>
        {
            Figure.AtMost("all five, median of rounds", ours.Totals.Median / 1000, theirs.Totals.Median / 1000, "us", 1.0),
            Figure.AtMost("all five, fastest round", ours.Totals.Least / 1000, theirs.Totals.Least / 1000, "us", 1.0),
            Figure.Plain("back-end's CPU, all five", ours.Cpu.Median / 1000, theirs.Cpu.Median / 1000, "us"),
        };
        for (var i = 0; i < Commands; i++)
            figures.Add(Figure.Plain(s_names[i], ours.ByCommand[i].Median / 1000, theirs.ByCommand[i].Median / 1000, "us"));
        return new PartResult("round-trip", title, figures);
    }

    /// <summary>A back-end and the guest that talks to it.</summary>
    private sealed class Peer : IDisposable
    {
        private const uint Resource = 7;
        private const uint Side = 64;

        private readonly BackendLauncher _backend;
        private readonly ScriptedFrontend _vmm;
        private readonly GuestDriver _guest;
        private readonly byte[][] _requests = new byte[Commands][];
        private readonly byte[] _response = new byte[GpuCommands.DisplayInfoBytes];
        private readonly Samples[] _inRound;

        public Peer(string command)
        {
            _backend = BackendLauncher.Start(command);
            _vmm = new ScriptedFrontend(_backend.TakeConnection(), new FrontendOptions { TimeoutMs = 20_000 });
            _guest = _vmm.Boot();
            var pages = new GpuMemoryEntry[Side * Side * 4 / 4096];
            for (var i = 0; i < pages.Length; i++)
            {
                pages[i] = new GpuMemoryEntry(_vmm.Memory.Allocate(4096), 4096);
                _vmm.Memory.Allocate(4096); // pages of a real guest are scattered
            }

            var to = new byte[512];
            _requests[0] = to[..GpuCommands.ResourceCreate2D(to, Resource, (uint)GpuFormat.B8G8R8X8, Side, Side)];
            _requests[1] = to[..GpuCommands.ResourceAttachBacking(to, Resource, pages)];
            _requests[2] = to[..GpuCommands.TransferToHost2D(to, Resource, GpuRect.Of(Side, Side), 0)];
            _requests[3] = to[..GpuCommands.ResourceUnref(to, Resource)];
            _requests[4] = to[..GpuCommands.GetDisplayInfo(to)];
            _inRound = [.. Enumerable.Range(0, Commands).Select(_ => new Samples(StreamsPerRound))];
            ByCommand = [.. Enumerable.Range(0, Commands).Select(_ => new Samples(Rounds))];
        }

        /// <summary>Of each round: the sum of its commands' medians, in ns.</summary>
        public Samples Totals { get; } = new(Rounds);

        public Samples Cpu { get; } = new(Rounds);

        public Samples[] ByCommand { get; }

        public void Round(int streams, bool record)
        {
            var cpu = Clocks.ProcessNs(_backend.Process.Id);
            for (var s = 0; s < streams; s++)
            {
                for (var i = 0; i < Commands; i++)
                {
                    var start = Clocks.NowNs();
                    var n = _guest.SubmitAndWait(_requests[i], _response.AsSpan(0, i == Commands - 1 ? GpuCommands.DisplayInfoBytes : GpuHeader.SizeBytes));
                    var end = Clocks.NowNs();
                    if (n < GpuHeader.SizeBytes || GpuCommands.ReadHeader(_response).Type >= (uint)GpuResponse.Unspec)
                        throw new InvalidOperationException($"{s_names[i]} failed: {GpuCommands.ReadHeader(_response)}");
                    _inRound[i].Add(end - start);
                }
            }

            if (record)
            {
                Cpu.Add((double)(Clocks.ProcessNs(_backend.Process.Id) - cpu) / streams);
                var total = 0.0;
                for (var i = 0; i < Commands; i++)
                {
                    var median = _inRound[i].Median;
                    ByCommand[i].Add(median);
                    total += median;
                }

                Totals.Add(total);
            }

            foreach (var samples in _inRound)
                samples.Clear();
        }

        public void Dispose()
        {
            _vmm.Dispose();
            _backend.Dispose();
        }
    }
}
