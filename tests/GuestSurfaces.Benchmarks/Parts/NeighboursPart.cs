// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// What a VM notices of its neighbours: eight guests, seven of them flipping at a steady rate, all viewers at one compositor. In hostile rounds the eighth does all the harm that
/// <see cref="Testing.VhostUser.HostileGuest"/> knows and the seventh's viewer is stopped, so that it reads neither its link nor its display. Beside them quiet rounds, twice, which
/// tells how far equal rounds differ, and rounds in which two processes merely compute, which nothing here could keep a VM from doing. The worst of those without harm is what the goal
/// compares with.
/// <para>Once as guest-surfaces is deployed, a device and a viewer for each VM; and once with all guests on one loop, where turns of bounded length are all that stands between them.</para>
/// </summary>
internal static class NeighboursPart
{
    private const int Guests = 8;
    private const int Hostile = 7;
    private const int Unread = 6;
    private const int Rounds = 5;
    private const int RoundMs = 3000;
    private const int SettleMs = 400;
    private const int WarmUpMs = 4000;
    private const int CompositorHz = 60;
    private const int SamplesEach = 2 * RoundMs;

    private static readonly Mood[] s_moods = Enum.GetValues<Mood>();

    private static readonly (string Name, Func<GuestLatencies, Samples> Of, double Share)[] s_quantiles =
    [
        ("command p50", static guest => guest.CommandNs, 0.5),
        ("command p99", static guest => guest.CommandNs, 0.99),
        ("fenced flush p50", static guest => guest.FlushNs, 0.5),
        ("fenced flush p99", static guest => guest.FlushNs, 0.99),
    ];

    private enum Mood
    {
        Quiet,
        Hostile,
        Busy,
        QuietAgain,
    }

    public static PartResult Run()
    {
        var figures = new List<Figure>();
        using (var processes = new Processes())
            processes.Measure("a process each", isJudged: true, figures);
        using (var loop = new OneLoop())
            loop.Measure("one loop", isJudged: false, figures);
        return new PartResult("neighbours", "honest guests' latencies, kick to answer: medians over rounds with a hostile neighbour (ours), and without (baseline)", figures);
    }

    private abstract class Setup : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-bench");
        private readonly MemFdHandle _output = MemFdHandle.TryCreate("output", 0, FileSeals.None, out var errno) ?? throw new SyscallException("making a file for others' output", errno);
        private readonly List<ChildProcess> _children = [];
        private readonly List<MeasuredGuest> _guests = [];
        private readonly ChildProcess[] _busy = new ChildProcess[2];
        private readonly GuestLatencies[] _latencies = new GuestLatencies[Hostile];
        private readonly Samples[,] _rounds = new Samples[s_moods.Length, s_quantiles.Length];
        private readonly Samples _unreadUs = new(Rounds);
        private ChildProcess? _hostile;
        private double _hostileCpu;

        protected Setup()
        {
            for (var i = 0; i < _latencies.Length; i++)
                _latencies[i] = new GuestLatencies(SamplesEach);
            for (var i = 0; i < _rounds.Length; i++)
                _rounds[i / s_quantiles.Length, i % s_quantiles.Length] = new Samples(Rounds);
            Start(CompositorPeer.Command(Display, CompositorHz));
        }

        protected string Display => Path.Combine(_folder.FullName, "wayland");

        protected string Folder => _folder.FullName;

        /// <summary>Guests whose latencies are judged.</summary>
        protected abstract int Honest { get; }

        /// <summary>What serves the hostile guest.</summary>
        protected abstract ChildProcess HostileServer { get; }

        public void Measure(string where, bool isJudged, List<Figure> figures)
        {
            // Fewer guests than back-ends: the hostile one brings its own.
            for (var i = 0; i < Hostile; i++)
                _guests.Add(new MeasuredGuest(Socket(i), KernelClock.NowNs() + (i * 1_000_000_000L / 30 / Hostile)));
            _hostile = Start(NeighbourPeers.Hostile(Socket(Hostile)));
            for (var i = 0; i < _busy.Length; i++)
                _busy[i] = Start(NeighbourPeers.Busy);
            foreach (var busy in _busy)
                Signal(busy, "STOP");
            Thread.Sleep(WarmUpMs); // the hostile one too: its back-end shall be compiled
            Signal(_hostile, "STOP");
            for (var round = 0; round < Rounds; round++)
            {
                for (var i = 0; i < s_moods.Length; i++)
                    Round(s_moods[(round + i) % s_moods.Length]);
            }

            Report(where, isJudged, figures);
        }

        public void Dispose()
        {
            foreach (var guest in _guests)
                guest.Dispose();
            for (var i = _children.Count - 1; i >= 0; i--)
                _children[i].Dispose();
            _output.Dispose();
            _folder.Delete(recursive: true);
        }

        protected string Socket(int guest) => Path.Combine(Folder, guest.ToString(CultureInfo.InvariantCulture));

        protected ChildProcess Start(string[] command)
        {
            var child = ChildProcess.Start(["env", $"XDG_RUNTIME_DIR={Folder}", $"WAYLAND_DISPLAY={Display}", .. command], null, _output);
            _children.Add(child);
            return child;
        }

        /// <summary>Something of this arrangement changes with the hostile rounds.</summary>
        protected virtual void Turn(bool isHostile)
        {
        }

        protected static void Signal(ChildProcess process, string name)
        {
            using var kill = Process.Start("kill", ["-s", name, $"{process.Id}"]);
            kill.WaitForExit();
        }

        private void Round(Mood mood)
        {
            Turn(mood == Mood.Hostile);
            foreach (var process in Actors(mood))
                Signal(process, "CONT");
            Thread.Sleep(SettleMs);
            var cpu = HostileCpuNs();
            for (var i = 0; i < _guests.Count; i++)
            {
                _latencies[i].Clear();
                _guests[i].RecordTo(_latencies[i]);
            }

            Thread.Sleep(RoundMs);
            foreach (var guest in _guests)
                guest.RecordTo(null);
            if (mood == Mood.Hostile)
                _hostileCpu += (HostileCpuNs() - cpu) / (RoundMs * 1e6) / Rounds;
            foreach (var process in Actors(mood))
                Signal(process, "STOP");
            Turn(isHostile: false);
            Thread.Sleep(SettleMs); // the last frame's latency, if one was under way, is there too
            Record(mood);
        }

        private ChildProcess[] Actors(Mood mood) => mood switch
        {
            Mood.Hostile => [_hostile!],
            Mood.Busy => _busy,
            _ => [],
        };

        private long HostileCpuNs() => Clocks.ProcessNs(_hostile!.Id) + Clocks.ProcessNs(HostileServer.Id);

        private void Record(Mood mood)
        {
            for (var i = 0; i < s_quantiles.Length; i++)
            {
                var (_, of, share) = s_quantiles[i];
                var all = new Samples(Honest * SamplesEach);
                for (var guest = 0; guest < Honest; guest++)
                    all.AddAll(of(_latencies[guest]));
                _rounds[(int)mood, i].Add(all.Quantile(share) / 1000);
            }

            if (mood == Mood.Hostile)
                _unreadUs.Add(_latencies[Unread].FlushNs.Quantile(0.99) / 1000);
        }

        private void Report(string where, bool isJudged, List<Figure> figures)
        {
            for (var i = 0; i < s_quantiles.Length; i++)
            {
                var name = $"{where}: {s_quantiles[i].Name}";
                var (hostile, busy) = (_rounds[(int)Mood.Hostile, i].Median, _rounds[(int)Mood.Busy, i].Median);
                var (quiet, again) = (_rounds[(int)Mood.Quiet, i].Median, _rounds[(int)Mood.QuietAgain, i].Median);
                var worst = Math.Max(busy, Math.Max(quiet, again));
                figures.Add(isJudged ? Figure.AtMost($"{name}, hostile to the worst other", hostile, worst, "us", 1.25) : Figure.Plain($"{name}, hostile to the worst other", hostile, worst, "us"));
                figures.Add(Figure.Plain($"{name}, hostile to quiet", hostile, (quiet + again) / 2, "us"));
                figures.Add(Figure.Plain($"{name}, computing to quiet", busy, (quiet + again) / 2, "us"));
                figures.Add(Figure.Plain($"{name}, quiet to quiet", again, quiet, "us"));
            }

            if (Honest <= Unread)
                figures.Add(Figure.Plain($"{where}: flush p99 of the guest whose viewer is stopped", _unreadUs.Median, null, "us"));
            figures.Add(Figure.Plain($"{where}: processors that the hostile guest and its server used", _hostileCpu, null, ""));
        }
    }

    /// <summary>As deployed.</summary>
    private sealed class Processes : Setup
    {
        private readonly ChildProcess[] _devices = new ChildProcess[Guests];
        private readonly ChildProcess[] _viewers = new ChildProcess[Guests];

        public Processes()
        {
            Sockets.Await(Display);
            for (var i = 0; i < Guests; i++)
            {
                // A device ends with its VMM; the hostile one's comes back again and again.
                string[] role = i == Hostile ? ["attach", "vhost-user"] : ["device"];
                _devices[i] = Start(["dotnet", Places.CommandLineTool, .. role, "--name", $"vm{i}", "--socket-path", Socket(i), "--link", Link(i)]);
            }

            for (var i = 0; i < Guests; i++)
            {
                for (var watch = Stopwatch.StartNew(); !File.Exists(Link(i)) && watch.Elapsed.TotalSeconds < 20;)
                    Thread.Sleep(20);
                _viewers[i] = Start(["dotnet", Places.CommandLineTool, "present", Link(i)]);
            }
        }

        protected override int Honest => Unread;

        protected override ChildProcess HostileServer => _devices[Hostile];

        protected override void Turn(bool isHostile) => Signal(_viewers[Unread], isHostile ? "STOP" : "CONT");

        private string Link(int guest) => Socket(guest) + ".link";
    }

    private sealed class OneLoop : Setup
    {
        public OneLoop()
        {
            Sockets.Await(Display);
            HostileServer = Start(NeighbourPeers.Loop(Folder, Guests, Display));
        }

        protected override int Honest => Hostile;

        protected override ChildProcess HostileServer { get; }
    }
}
