// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Link;
using GuestSurfaces.Link.Wire;
using GuestSurfaces.Testing.VhostUser;
using GuestSurfaces.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>
/// Eight VMs as they are deployed, each with a device process: one means harm, one has viewers that never read. The others' commands are all answered, and their viewers show what
/// they drew. How long that takes is the business of <c>GuestSurfaces.Benchmarks neighbours</c>.
/// </summary>
[Collection(Alone.Name)]
public sealed class NeighboursTests : IDisposable
{
    private const int Guests = 8;
    private const int Hostile = 7;
    private const int Unread = 6;
    private const int Cycles = 3;
    private const int TurnMs = 60;
    private const long KibOfGrowth = 96 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-eight");
    private readonly EventLoop _loop = new();
    private readonly LabProcess[] _devices = new LabProcess[Guests];
    private readonly Viewer?[] _viewers = new Viewer?[Guests];
    private readonly List<Flipper> _honest = [];

    [Fact]
    public void Guests_beside_a_hostile_one_and_viewers_that_never_read_are_answered_and_shown_as_ever()
    {
        for (var i = 0; i < Guests; i++)
            _devices[i] = StartDevice(i);
        for (var i = 0; i < Guests; i++)
        {
            var device = _devices[i];
            RunUntil(() => device.Output.Contains("waiting for a VMM", StringComparison.Ordinal), device); // its link is open by then
            if (i != Unread)
                _viewers[i] = new Viewer(_loop, Link(i));
        }

        using var inCharge = new RawPeer(Link(Unread));
        inCharge.Hello(LinkOpcode.ViewerHello, HelloBody.WantsControl | (2u << HelloBody.CreditShift));
        using var onlooker = new RawPeer(Link(Unread));
        onlooker.Hello(LinkOpcode.ViewerHello, 2u << HelloBody.CreditShift);
        for (var i = 0; i < Hostile; i++)
            _honest.Add(new Flipper(Socket(i), (byte)(i * 30)));
        RunUntil(() => _honest.TrueForAll(static guest => guest.Frames > 0), null);

        Misbehave();
        foreach (var guest in _honest)
            guest.Stop();
        RunUntil(() => _honest.TrueForAll(static guest => guest.IsDone), null);
        for (var i = 0; i < Hostile; i++)
        {
            var (guest, viewer) = (_honest[i], _viewers[i]);
            guest.AssertAnsweredOnce();
            if (viewer is not null)
                RunUntil(() => viewer.Shows(guest), _devices[i]);
        }

        // Whoever only looks, and keeps what it was shown, is sent away; the one in charge is not, and its guest went by the timer.
        RunUntil(() => _devices[Unread].Output.Contains("has kept a picture for", StringComparison.Ordinal), _devices[Unread]);
        Assert.Equal((LinkOpcode.SourceBye, ByeCode.Slow), LastWord(onlooker));
        Assert.NotEqual(LinkOpcode.SourceBye, LastWord(inCharge).Opcode);
        Assert.All(_devices, static device => Assert.False(device.HasExited, device.Output));
    }

    public void Dispose()
    {
        foreach (var guest in _honest)
            guest.Dispose();
        foreach (var viewer in _viewers)
            viewer?.Dispose();
        foreach (var device in _devices)
            device?.Dispose();
        _loop.Dispose();
        _folder.Delete(recursive: true);
    }

    /// <summary>A device ends with its VMM, as QEMU wants it; the hostile one comes back again and again.</summary>
    private LabProcess StartDevice(int guest)
    {
        string[] role = guest == Hostile ? ["attach", "vhost-user"] : ["device"];
        return LabProcess.Start(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "guest-surfaces.dll"), .. role, "--name", $"vm{guest}", "--socket-path", Socket(guest), "--link", Link(guest)],
            new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = _folder.FullName });
    }

    /// <summary>All kinds of harm, in turn; between the cycles its process has what it had before, and the others have gone on.</summary>
    private void Misbehave()
    {
        var device = _devices[Hostile];
        var descriptors = 0;
        var kib = 0L;
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            var frames = _honest.ConvertAll(static guest => guest.Frames);
            using var guest = new HostileGuest(Socket(Hostile), seed: cycle);
            var harm = Task.Run(() =>
            {
                for (var turn = 0; turn < guest.Kinds; turn++)
                    guest.Turn(TurnMs);
                guest.Leave();
            });
            RunUntil(() => harm.IsCompleted, device);
            Assert.Null(harm.Exception);
            RunUntil(() => _honest.Zip(frames).All(static both => both.First.Frames > both.Second), null);
            if (cycle == 0)
                RunUntil(() => !_viewers[Hostile]!.HasWindow, device);
            else
                RunUntil(() => Descriptors(device) <= descriptors, device);
            (descriptors, kib) = cycle == 0 ? (Descriptors(device), ResidentKib(device)) : (descriptors, kib);
            Assert.InRange(ResidentKib(device), 1, kib + KibOfGrowth);
        }
    }

    private string Socket(int guest) => Path.Combine(_folder.FullName, guest.ToString(CultureInfo.InvariantCulture));

    private string Link(int guest) => Socket(guest) + ".link";

    private static int Descriptors(LabProcess process) => Directory.GetFiles($"/proc/{process.Id}/fd").Length;

    private static long ResidentKib(LabProcess process)
    {
        var line = File.ReadLines($"/proc/{process.Id}/status").First(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 8), CultureInfo.InvariantCulture);
    }

    /// <summary>The last message that waits at a viewer.</summary>
    private static (LinkOpcode Opcode, ByeCode Code) LastWord(RawPeer viewer)
    {
        (LinkOpcode, ByeCode) last = default;
        while (viewer.Receive() is { Length: > 0 } packet)
        {
            var reader = new LinkReader(packet);
            while (reader.TryNext(out var head))
                last = (head.Opcode, head.Opcode == LinkOpcode.SourceBye && reader.TryTake(out ByeBody bye) ? bye.Code : default);
        }

        return last;
    }

    private void RunUntil(Func<bool> isDone, LabProcess? process)
    {
        for (var watch = Stopwatch.StartNew(); !isDone();)
        {
            Assert.False(process?.HasExited == true, process?.Output);
            Assert.True(watch.Elapsed < s_patience, $"waited in vain; the other process says: {process?.Output}");
            _loop.RunOnce(10);
            foreach (var viewer in _viewers)
                viewer?.Answer();
        }
    }

    /// <summary>A viewer whose screen is always ready.</summary>
    private sealed class Viewer : IDisposable
    {
        private readonly LinkViewer _link;
        private readonly HoldingDisplay _display;
        private int _answered;

        public Viewer(EventLoop loop, string path)
        {
            _link = new LinkViewer(loop, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
            _display = new HoldingDisplay(_link);
            _link.Display = _display;
            _link.Connect(path);
        }

        public bool HasWindow => _display.Held.Count > 0;

        public void Answer()
        {
            if (_display.Presented == _answered)
                return;
            _answered = _display.Presented;
            if (_display.Held.Count > 0)
                _display.Latch();
            _display.ReleaseOld();
        }

        public bool Shows(Flipper guest) => _display.Held.Count > 0 && guest.IsPictureIn((x, y) => HoldingDisplay.Pixel(_display.Last, x, y));

        public void Dispose()
        {
            _link.Dispose();
            _display.ReleaseAll();
        }
    }

    /// <summary>A guest that flips between two pictures as fast as it is answered, on a thread of its own.</summary>
    private sealed class Flipper : IDisposable
    {
        private const uint Side = 64;

        private readonly DrawingGuest _guest;
        private readonly byte _shade;
        private readonly Task _task;
        private volatile bool _isStopped;
        private volatile int _frames;

        public Flipper(string path, byte shade)
        {
            _guest = new DrawingGuest(path, Side, buffers: 2);
            _shade = shade;
            _task = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        public int Frames => _frames;

        public bool IsDone => _task.IsCompleted;

        public void Stop() => _isStopped = true;

        public void AssertAnsweredOnce()
        {
            Assert.Null(_task.Exception);
            Assert.Equal(_guest.Requests, _guest.Answers);
        }

        /// <summary>Whether somebody shows all of what was drawn last.</summary>
        public bool IsPictureIn(Func<int, int, uint> pixel)
        {
            for (var i = 0; i < Side * Side; i++)
            {
                var (x, y) = ((int)(i % Side), (int)(i / Side));
                if ((pixel(x, y) & 0xff_ffff) != (_guest.Pixel(0, Frames % 2, (uint)x, (uint)y) & 0xff_ffff))
                    return false;
            }

            return true;
        }

        public void Dispose()
        {
            Stop();
            ((IAsyncResult)_task).AsyncWaitHandle.WaitOne();
            _guest.Dispose();
        }

        private void Run()
        {
            while (!_isStopped)
            {
                var frame = _frames + 1;
                var buffer = frame % 2;
                for (uint stripe = 0; stripe < 4; stripe++)
                    _guest.Draw(0, buffer, new GpuRect(stripe * 16, 0, 16, Side), (byte)(_shade + frame + stripe));
                _guest.Transfer(0, buffer, GpuRect.Of(Side, Side));
                _guest.SetScanout(0, buffer);
                _guest.Flush(0, buffer, GpuRect.Of(Side, Side), isFenced: true);
                _frames = frame;
            }
        }
    }
}
