// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// Frames of five requests (attach, damage, frame, feedback, commit), one or ten to a flush, from the first request to the return of the flush. Ours and
/// libwayland's talk to sinks of the same program, which answer callbacks and feedback so that ids come back as with a compositor.
/// </summary>
internal static class WirePart
{
    private const int Rounds = 25;
    private const int Flushes = 2000;

    public static PartResult Run()
    {
        const string title = "Wayland requests and one flush over a socketpair, beside a C client on libwayland";
        if (NativePeer.TryBuild("wire-bench", out var reason, "presentation-time") is not { } program)
            return new PartResult("wire", title, [], reason);
        using var ours = new OurClient(program);
        using var theirs = new NativeClient(program);
        foreach (var frames in (int[])[1, 10])
        {
            ours.Flush(4 * Flushes, frames, isCpu: false);
            Thread.Sleep(300); // the last tier of compiled code is made in the background
            ours.Flush(4 * Flushes, frames, isCpu: true);
            theirs.Flush(Flushes, frames, isCpu: false);
        }

        var figures = new List<Figure>();
        foreach (var (frames, flushes) in ((int, int)[])[(1, Flushes), (10, Flushes / 4)])
        {
            foreach (var isCpu in (bool[])[false, true])
            {
                var a = new Samples(Rounds);
                var b = new Samples(Rounds);
                Interleaved.Run(Rounds, () => a.Add(ours.Flush(flushes, frames, isCpu)), () => b.Add(theirs.Flush(flushes, frames, isCpu)));
                var name = $"{5 * frames} requests, {(isCpu ? "CPU" : "wall")}";
                figures.Add(Figure.AtMost(name, a.Median / 1000, b.Median / 1000, "us", 1.2));
            }
        }

        return new PartResult("wire", title, figures);
    }

    /// <summary>Our wire library.</summary>
    private sealed class OurClient : IDisposable, IWlCallbackListener, IWpPresentationFeedbackListener
    {
        private const int Side = 64;

        private readonly ChildProcess _sink;
        private readonly WaylandConnection _connection;
        private readonly EpollHandle _epoll = EpollHandle.Create();
        private readonly WlBuffer _buffer;
        private readonly WlSurface _surface;
        private readonly WpPresentation _presentation;
        private readonly WpPresentationFeedback[] _feedbacks = new WpPresentationFeedback[10];
        private readonly WlCallback[] _callbacks = new WlCallback[10];
        private readonly Samples _times = new(8 * Flushes);
        private int _pending;

        public OurClient(string program)
        {
            var (near, far) = UnixSocketHandle.CreatePair(nonBlocking: false);
            using (far)
                _sink = ChildProcess.Start([program, "sink"], far, output: null);
            _connection = new WaylandConnection(near);
            var globals = new WaylandGlobals(_connection);
            _connection.Roundtrip(TimeSpan.FromSeconds(20));
            _presentation = globals.Require<WpPresentation>();
            using var memory = MemFdHandle.TryCreateSealed("pixels", Side * Side * 4, out var errno) ?? throw new SyscallException("making pixels", errno);
            var pool = globals.Require<WlShm>().CreatePool(memory, Side * Side * 4);
            _buffer = pool.CreateBuffer(0, Side, Side, Side * 4, WlShmFormat.Xrgb8888);
            _surface = globals.Require<WlCompositor>().CreateSurface();
            for (var i = 0; i < _callbacks.Length; i++)
                (_callbacks[i], _feedbacks[i]) = (new WlCallback { Listener = this }, new WpPresentationFeedback { Listener = this });
            _connection.Roundtrip(TimeSpan.FromSeconds(20));
            _epoll.Add(_connection.Fd, EpollEvents.In, 0);
        }

        /// <summary>The median time of a flush and its requests, in ns.</summary>
        public double Flush(int flushes, int frames, bool isCpu)
        {
            Span<EpollResult> results = stackalloc EpollResult[1];
            _times.Clear();
            for (var i = 0; i < flushes; i++)
            {
                var start = isCpu ? Clocks.ThreadNs() : Clocks.NowNs();
                for (var k = 0; k < frames; k++)
                {
                    _surface.Attach(_buffer, 0, 0);
                    _surface.DamageBuffer(i & 15, 3, 8, 8);
                    _surface.Frame(_callbacks[k]);
                    _presentation.Feedback(_surface, _feedbacks[k]);
                    _surface.Commit();
                }

                _connection.Flush();
                _times.Add((isCpu ? Clocks.ThreadNs() : Clocks.NowNs()) - start);
                _pending = 2 * frames;
                while (_pending > 0)
                {
                    _epoll.Wait(results, 20_000);
                    if (!_connection.Dispatch())
                        throw new InvalidOperationException(_connection.Failure!.ToString());
                }
            }

            return _times.Median;
        }

        public void Dispose()
        {
            _epoll.Remove(_connection.Fd);
            _epoll.Dispose();
            _connection.Dispose();
            _sink.Dispose();
        }

        void IWlCallbackListener.OnDone(WlCallback sender, uint callbackData) => _pending--;

        void IWpPresentationFeedbackListener.OnDiscarded(WpPresentationFeedback sender) => _pending--;
    }

    /// <summary>libwayland's.</summary>
    private sealed class NativeClient(string program) : IDisposable
    {
        private readonly Process _process = Process.Start(new ProcessStartInfo(program, "client") { RedirectStandardInput = true, RedirectStandardOutput = true })!;

        public double Flush(int flushes, int frames, bool isCpu)
        {
            _process.StandardInput.WriteLine($"{(isCpu ? "cpu" : "wall")} {flushes} {frames}");
            _process.StandardInput.Flush();
            return double.Parse(_process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the C client has ended"), CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
