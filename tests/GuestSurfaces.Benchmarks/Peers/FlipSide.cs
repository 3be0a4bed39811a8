// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;
using GuestSurfaces.Testing.Wayland;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>
/// A presenter in a process of its own between this process's two hands: one flips as its guest, the other is its compositor and sees the commit come. Each flip is
/// latched at once, which gives the buffer before back, and its answer awaited.
/// </summary>
internal abstract class FlipSide : IDisposable
{
    private const int PatienceMs = 20_000;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-flip");
    private readonly LenientCompositor _compositor = new();
    private readonly UnixSocketHandle _listener;
    private readonly EpollHandle _epoll = EpollHandle.Create();
    private readonly EpollResult[] _results = new EpollResult[4];
    private readonly UnixSocketHandle _far;
    private UnixSocketHandle? _near;
    private ChildProcess? _presenter;

    /// <summary>Makes the compositor.</summary>
    protected FlipSide()
    {
        Display = Path.Combine(_folder.FullName, "wayland");
        _listener = UnixSocketHandle.Listen(Display);
        _epoll.Add(_listener, EpollEvents.In, 0);
        (_near, _far) = UnixSocketHandle.CreatePair(nonBlocking: false);
    }

    /// <summary>The presenter's process, with all that it has started.</summary>
    public int Pid => _presenter!.Id;

    /// <summary>Where sockets go.</summary>
    protected string Folder => _folder.FullName;

    /// <summary>The compositor's socket.</summary>
    protected string Display { get; }

    /// <summary>The other end of what the presenter inherits.</summary>
    protected UnixSocketHandle Near => _near!;

    /// <summary>One flip.</summary>
    /// <returns>From the kick to the commit's arrival, in ns.</returns>
    public long Flip()
    {
        var commits = Commits;
        var start = KernelClock.NowNs();
        Kick();
        while (true)
        {
            if (_epoll.Wait(_results, PatienceMs) == 0)
                throw new TimeoutException("no commit came");
            var took = KernelClock.NowNs() - start;
            Pump(0);
            if (Commits == commits)
                continue; // something else was said
            AwaitAnswer();
            return took;
        }
    }

    /// <summary>Ends the presenter, and waits for whoever counts.</summary>
    public void End()
    {
        _near?.Dispose();
        _near = null;
        if (_presenter?.WaitForExit(PatienceMs) == false)
            throw new TimeoutException("the presenter doesn't end");
    }

    public virtual void Dispose()
    {
        _near?.Dispose();
        _presenter?.Dispose();
        _compositor.Dispose();
        _epoll.Dispose();
        _listener.Dispose();
        _far.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>Starts the presenter.</summary>
    /// <param name="counter">What runs it, to count its system calls; empty: nothing.</param>
    /// <param name="command">Its command line.</param>
    protected void Start(IReadOnlyList<string> counter, IReadOnlyList<string> command) => _presenter = ChildProcess.Start([.. counter, .. command], _far, null);

    /// <summary>Lets the compositor work until something is so.</summary>
    protected void PumpUntil(Func<bool> isSo)
    {
        var deadline = Environment.TickCount64 + PatienceMs;
        while (!isSo())
        {
            if (Environment.TickCount64 > deadline)
                throw new TimeoutException("the presenter doesn't get going");
            Pump(10);
        }
    }

    /// <summary>How many commits with a picture have come.</summary>
    protected int Commits
    {
        get
        {
            var sum = 0;
            foreach (var surface in _compositor.Surfaces)
                sum += surface.Current is null ? 0 : surface.Commits;
            return sum;
        }
    }

    /// <summary>The guest flips.</summary>
    protected abstract void Kick();

    /// <summary>The guest waits for its answer.</summary>
    protected abstract void AwaitAnswer();

    private void Pump(int waitMs)
    {
        if (waitMs > 0 && _epoll.Wait(_results, waitMs) == 0)
            return;
        if (_listener.TryAccept(out _) is { } socket)
            _epoll.Add(_compositor.Server.AddClient(socket).Fd, EpollEvents.In, 1);
        _compositor.Server.Dispatch();
        _compositor.LatchAll();
        _compositor.Server.Flush();
    }

    /// <summary>guest-surfaces' own device, session and presenter; the guest is a scripted front-end that flips as Linux does: two commands, one kick, the second fenced.</summary>
    internal sealed class Bridge : FlipSide
    {
        private const uint Side = 512;
        private const uint Bytes = Side * Side * 4;

        private readonly ScriptedFrontend _vmm;
        private readonly GuestDriver _guest;
        private readonly byte[] _request = new byte[GpuCommands.LongestFixedBytes];
        private readonly ulong _scanoutAt;
        private readonly ulong _flushAt;
        private readonly ulong _answersAt;
        private Submission? _flush;
        private uint _shown = 1;
        private ulong _fence;

        public Bridge(IReadOnlyList<string> counter)
        {
            Start(counter, BridgePeer.Command(Folder, Display));
            var socket = Path.Combine(Folder, "0");
            PumpUntil(() => File.Exists(socket));
            var memory = new GuestMemoryOptions { Regions = [new(0, 64 << 20, 0, GuestMemoryOptions.UserBase)] };
            _vmm = new ScriptedFrontend(UnixSocketHandle.Connect(socket), new FrontendOptions { Order = HandshakeOrder.Crosvm, Display = null, Memory = memory, TimeoutMs = PatienceMs });
            _guest = _vmm.Boot();
            _scanoutAt = _vmm.Memory.Allocate(128);
            _flushAt = _vmm.Memory.Allocate(128);
            _answersAt = _vmm.Memory.Allocate(128);
            for (uint blob = 1; blob <= 2; blob++)
            {
                var length = GpuCommands.ResourceCreateBlob(_request, blob, (uint)GpuBlobMemory.Guest, 2, 0, Bytes, [new(_vmm.Memory.Allocate(Bytes, 4096), Bytes)]);
                if (_guest.Send(_request.AsSpan(0, length)).Response != GpuResponse.OkNoData)
                    throw new InvalidOperationException("the device takes no blob");
            }

            Kick();
            PumpUntil(() => Commits > 1 && _guest.TryWait(_flush!, 0));
        }

        public override void Dispose()
        {
            _vmm.Dispose();
            base.Dispose();
        }

        protected override void Kick()
        {
            _shown ^= 3;
            var length = GpuCommands.SetScanoutBlob(_request, 0, _shown, GpuRect.Of(Side, Side), Side, Side, (uint)GpuFormat.B8G8R8X8, Side * 4, 0);
            Submit(_scanoutAt, length, _answersAt, notify: false);
            length = GpuCommands.ResourceFlush(_request, _shown, GpuRect.Of(Side, Side));
            GpuCommands.SetFence(_request, ++_fence);
            _flush = Submit(_flushAt, length, _answersAt + 64, notify: true);
        }

        protected override void AwaitAnswer() => _guest.Wait(_flush!);

        private Submission Submit(ulong at, int length, ulong answerAt, bool notify)
        {
            _vmm.Memory.Write(at, _request.AsSpan(0, length));
            return _guest.Submit(_vmm.Control, [new(at, (uint)length, false), new(answerAt, GpuHeader.SizeBytes, true)], [(answerAt, GpuHeader.SizeBytes)], notify: notify);
        }
    }

    /// <summary>tests/native/flip-client.c: the least that a client on libwayland does.</summary>
    internal sealed class Minimal : FlipSide
    {
        private readonly byte[] _byte = new byte[1];

        public Minimal(IReadOnlyList<string> counter, string program)
        {
            Start(counter, [program, Display]);
            PumpUntil(() => _compositor.Surfaces.Any(static surface => surface.Commits > 0)); // it waits for the first kick
            Kick();
            PumpUntil(() => Commits > 1);
            AwaitAnswer();
        }

        protected override void Kick() => Near.Send(_byte, [], out _);

        protected override void AwaitAnswer()
        {
            if (Near.Receive(_byte, [], out var received, out _) != Errno.None || received == 0)
                throw new InvalidOperationException("the C client has ended");
        }
    }
}
