// SPDX-License-Identifier: MIT
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Peers;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// A frame over the link to another process and back: latched, and the picture before released. Beside it the least that two processes can do to the same end: a packet one
/// way, an eventfd the other, each awaited by epoll. Both are .NET programs with the same bindings, so what differs is the protocol.
/// </summary>
internal static class LinkPart
{
    private const int Rounds = 25;
    private const int Frames = 2000;

    public static PartResult Run()
    {
        using var ours = new Ours();
        using var bare = new Bare();
        Action oursRound = ours.Round, bareRound = bare.Round;
        Interleaved.Run(2, oursRound, bareRound);
        Thread.Sleep(500); // the last tier of compiled code is made in the background
        Interleaved.Run(1, oursRound, bareRound);
        ours.Forget();
        bare.Forget();
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        Interleaved.Run(Rounds, oursRound, bareRound);
        bytes = GC.GetTotalAllocatedBytes(precise: true) - bytes;
        return new PartResult("link", "a frame over the link and its answer, beside a packet and an eventfd between two processes",
        [
            Figure.AtMost("round trip, wall", ours.WallNs.Median / 1000, bare.WallNs.Median / 1000, "us", 2) with
            {
                Ratio = ours.WallNs.MedianRatioTo(bare.WallNs),
                IsMet = ours.WallNs.MedianRatioTo(bare.WallNs) <= 2,
            },
            Figure.Plain("CPU of both processes", ours.CpuNs.Median / 1000, bare.CpuNs.Median / 1000, "us"),
            Figure.Zero("allocated per frame", (double)bytes / (Rounds * Frames), "bytes"),
        ]);
    }

    private abstract class Setup(string role) : IDisposable
    {
        private ChildProcess? _peer;

        public Samples WallNs { get; } = new(Rounds);

        public Samples CpuNs { get; } = new(Rounds);

        public void Forget()
        {
            WallNs.Clear();
            CpuNs.Clear();
        }

        public void Round()
        {
            var cpu = Clocks.ThreadNs() + Clocks.ProcessNs(_peer!.Id);
            var start = Clocks.NowNs();
            for (var i = 0; i < Frames; i++)
                RoundTrip();
            WallNs.Add((double)(Clocks.NowNs() - start) / Frames);
            CpuNs.Add((double)(Clocks.ThreadNs() + Clocks.ProcessNs(_peer.Id) - cpu) / Frames);
        }

        public virtual void Dispose() => _peer?.Dispose();

        protected UnixSocketHandle Start()
        {
            var (near, far) = UnixSocketHandle.CreatePair(nonBlocking: false, SocketKind.Packets);
            using (far)
                _peer = ChildProcess.Start(LinkPeer.Command(role), far, null);
            return near;
        }

        protected abstract void RoundTrip();
    }

    private sealed class Ours : Setup, IDisplayEvents
    {
        private readonly EventLoop _loop = new();
        private readonly LinkHub _hub;
        private readonly BufferStorage[] _storages = new BufferStorage[2];
        private readonly BufferView _view = new(new BufferSize(64, 64), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 256);
        private ulong _serial;
        private ulong _latched;

        public Ours()
            : base("viewer")
        {
            _hub = new LinkHub(_loop, this, "bench", new GuestStatistics(), NullLogger.Instance);
            _hub.Add(Start());
            for (var i = 0; i < _storages.Length; i++)
                _storages[i] = BufferStorage.TryAllocate("bench", 16384, null, out var errno) ?? throw new SyscallException("making pixels", errno);
            while (!_hub.IsControlled)
                _loop.RunOnce();
        }

        public override void Dispose()
        {
            _hub.Dispose();
            foreach (var storage in _storages)
                storage.Drop();
            _loop.Dispose();
            base.Dispose();
        }

        protected override void RoundTrip()
        {
            var storage = _storages[_serial & 1];
            storage.Lock();
            var frame = new GuestFrame
            {
                Storage = storage,
                View = _view,
                Source = new BufferRect(0, 0, 64, 64),
                Damage = DamageList.Of(new BufferRect((int)(_serial & 15), 0, 8, 8)),
                Serial = ++_serial,
                PoppedNs = KernelClock.NowNs(),
                Awaited = true,
            };
            _hub.Present(0, in frame);
            while (_latched < _serial)
                _loop.RunOnce();
        }

        void IDisplayEvents.Committed(int scanout, ulong serial)
        {
        }

        void IDisplayEvents.Latched(int scanout, ulong serial, long timeNs) => _latched = serial;

        void IDisplayEvents.Superseded(int scanout, ulong serial) => throw new InvalidOperationException("a frame wasn't shown");

        void IDisplayEvents.ModeWanted(int scanout, in OutputMode mode)
        {
        }

        void IDisplayEvents.CloseWanted(int scanout)
        {
        }
    }

    private sealed class Bare : Setup
    {
        private readonly UnixSocketHandle _socket;
        private readonly EventFdHandle _answer = EventFdHandle.Create();
        private readonly EpollHandle _epoll = EpollHandle.Create();
        private readonly byte[] _packet = new byte[80]; // a FRAME's size
        private readonly EpollResult[] _results = new EpollResult[1];

        public Bare()
            : base("bare")
        {
            _socket = Start();
            _epoll.Add(_answer, EpollEvents.In, 0);
            _socket.Send(_packet, [_answer], out _);
            Await();
        }

        public override void Dispose()
        {
            _socket.Dispose();
            _epoll.Dispose();
            _answer.Dispose();
            base.Dispose();
        }

        protected override void RoundTrip()
        {
            _socket.Send(_packet, [], out _);
            Await();
        }

        private void Await()
        {
            while (true)
            {
                _epoll.Wait(_results, 20_000);
                _answer.Drain(out var count);
                if (count > 0)
                    return;
            }
        }
    }
}
