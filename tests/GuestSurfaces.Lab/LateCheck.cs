// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Core.Sync;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Virtio;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Lab;

/// <summary>
/// Fences that come late, through the real presenter to a real screen. A producer's: its picture is wrong until shortly before its fence signals, so a screen that ever shows it has read it
/// too early. A reader's, without a protocol: the guest isn't told to draw into a buffer that is still read, except when its time is up, and that is counted.
/// </summary>
internal sealed class LateCheck : IGuestTransport, IDisposable
{
    private const uint Wrong = 0x808080;
    private const int Rounds = 10;

    private static readonly int[] s_lateMs = [1, 50, 200];
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly EventLoop _loop = new();
    private readonly GuestStatistics _statistics = new();
    private readonly Session _session;
    private readonly WaylandPresenter _presenter;
    private readonly SwSyncTimeline _timeline;
    private readonly ColourScreen _screen;
    private readonly BufferSize _size;
    private readonly Flag[] _flags;
    private uint _fences;
    private ulong _serial;
    private ulong _answered;

    private LateCheck(string display, string window, UdmabufHandle device, SwSyncTimeline timeline, bool isPatient)
    {
        _timeline = timeline;
        _screen = new ColourScreen(display, window, RunUntil);
        _size = _screen.Window;
        _flags = [new Flag(device, _size), new Flag(device, _size)];
        var limits = isPatient ? new Limits { MaxFlushHoldNs = s_patience.Ticks * 100 } : new Limits();
        _session = new Session(_loop.Timers, _statistics, limits) { Transport = this };
        var options = new PresenterOptions { Title = "late", Placement = _screen.IsFullscreen ? WindowPlacement.Fullscreen : WindowPlacement.Windows, Decorations = false };
        _presenter = WaylandPresenter.Connect(_loop, display, isPatient ? new PatientEvents(_session) : _session, options, _statistics, NullLogger.Instance);
        _session.Display = _presenter;
    }

    /// <summary>Checks, and says what came of it, a line for each lateness: <c>ACQUIRE …</c> or <c>RELEASE …</c>.</summary>
    /// <param name="display">The compositor's socket.</param>
    /// <param name="window">The picture's size, WIDTHxHEIGHT; "full" for the screen's.</param>
    /// <param name="what">"acquire"; "control": the same without telling anybody of the fences; "release".</param>
    /// <returns>The exit code: 0 if all is well, 1 if something isn't, 3 without /dev/udmabuf or sw_sync.</returns>
    public static int Run(string display, string window, string what)
    {
        using var device = UdmabufHandle.TryOpen(out _);
        using var timeline = SwSyncTimeline.TryOpen(out _);
        if (device is null || timeline is null)
        {
            Console.WriteLine("there is no /dev/udmabuf, or no sw_sync");
            return 3;
        }

        var isWell = true;
        if (what != "release")
        {
            using var check = new LateCheck(display, window, device, timeline, isPatient: true);
            return check.CheckAcquire(what == "control") ? 0 : 1;
        }

        uint fences = 0;
        foreach (var isPatient in (bool[])[true, false])
        {
            using var check = new LateCheck(display, window, device, timeline, isPatient) { _fences = fences };
            isWell &= check.CheckRelease(isPatient);
            fences = check._fences;
        }

        return isWell ? 0 : 1;
    }

    public void Dispose()
    {
        _presenter.Dispose();
        RunUntil(() => _flags.All(static flag => flag.Storage.LockCount == 0), s_patience);
        foreach (var flag in _flags)
            flag.Dispose();
        _screen.Dispose();
        _loop.Dispose();
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial) => _answered = serial;

    void IGuestTransport.SetMode(int scanout, in OutputMode mode)
    {
    }

    private bool CheckAcquire(bool isControl)
    {
        var shows = 0;
        foreach (var colour in ColourScreen.Palette)
        {
            var flag = WaitForFree(shows++);
            flag.Fill(colour);
            Show(flag);
            _screen.Learn(colour);
        }

        var isWell = true;
        foreach (var lateMs in s_lateMs)
        {
            var wrong = 0;
            var lags = new List<long>();
            for (var round = 0; round < Rounds; round++)
            {
                var colour = ColourScreen.Palette[shows % ColourScreen.Palette.Length];
                var flag = WaitForFree(shows++);
                flag.Fill(Wrong);
                _screen.Begin();
                Show(flag, isControl ? null : _timeline.CreateFence(++_fences));
                RunUntil(static () => false, TimeSpan.FromMilliseconds(lateMs));
                flag.Fill(colour);
                var signalledNs = MonotonicClock.Instance.NowNs;
                if (isControl)
                    Show(flag); // so that it is seen in a window, too
                else
                    _timeline.Advance();
                if (!RunUntil(() => _screen.FirstNs(colour) is not null, s_patience))
                    throw new TimeoutException($"a picture wasn't shown within {s_patience.TotalSeconds} s of its fence");
                lags.Add(_screen.FirstNs(colour)!.Value - signalledNs);
                wrong += _screen.Judge().Wrong.Count;
            }

            lags.Sort();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"ACQUIRE sync={_statistics.SyncMode} window={_size} late_ms={lateMs} control={(isControl ? "yes" : "no")} pictures={Rounds} wrong={wrong}"
                + $" shown_after_ms={lags[0] / 1e6:0.0}/{lags[Rounds / 2] / 1e6:0.0}/{lags[^1] / 1e6:0.0}"));
            isWell &= wrong == 0;
        }

        return isWell;
    }

    private bool CheckRelease(bool isPatient)
    {
        var isWell = true;
        Show(WaitForFree(0));
        if (!RunUntil(() => _answered == _serial, s_patience))
            throw new TimeoutException("the first picture was not taken");
        var shows = 1;
        foreach (var lateMs in s_lateMs)
        {
            var (early, uncounted, counted) = (0, 0, 0L);
            for (var round = 0; round < Rounds; round++)
            {
                // A device reads the buffer that is shown, and goes on with it when another one is.
                var shown = _flags[(shows - 1) % 2];
                var next = WaitForFree(shows++);
                using (var fence = _timeline.CreateFence(++_fences))
                {
                    if (shown.Handle.ImportFence(fence, DmabufAccess.Read) is not Errno.None and var errno)
                        throw new SyscallException("giving a dma-buf a reader's fence", errno);
                }

                var before = _statistics.UnprotectedFlips;
                var serial = Show(next);
                var isEarly = RunUntil(() => _answered >= serial, TimeSpan.FromMilliseconds(lateMs));
                early += isEarly ? 1 : 0;
                uncounted += isEarly && _statistics.UnprotectedFlips == before ? 1 : 0;
                if (shown.Storage.LockCount == 0)
                    throw new InvalidOperationException("a buffer is free that a device still reads");
                _timeline.Advance();
                if (!RunUntil(() => _answered >= serial && shown.Storage.LockCount == 0, s_patience))
                    throw new TimeoutException("a buffer isn't free though nobody reads it any more");
                counted += _statistics.UnprotectedFlips - before;
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"RELEASE sync={_statistics.SyncMode} window={_size} late_ms={lateMs} cap={(isPatient ? "none" : "user's")} flips={Rounds} early={early} uncounted={uncounted} unprotected={counted}"));
            isWell &= uncounted == 0 && (!isPatient || early == 0);
        }

        return isWell;
    }

    private Flag WaitForFree(int index)
    {
        // Every picture was on the screen: one that another overtakes was never read.
        var flag = _flags[index % 2];
        var isFree = RunUntil(() => flag.Storage.LockCount == 0 && _statistics.FramesPresented + _statistics.FramesDropped == _statistics.FramesReceived, s_patience);
        return isFree ? flag : throw new TimeoutException("a buffer doesn't come back");
    }

    private ulong Show(Flag flag, SyncFileHandle? fence = null)
    {
        flag.Storage.Lock();
        var frame = new GuestFrame
        {
            Storage = flag.Storage,
            View = flag.View,
            Source = _size.Whole,
            Damage = DamageList.Of(_size.Whole),
            Serial = ++_serial,
            PoppedNs = MonotonicClock.Instance.NowNs,
            Awaited = true,
            Acquire = fence is null ? SyncPoint.Signalled : SyncPoint.FromFence(fence),
        };
        _session.Present(0, in frame);
        return _serial;
    }

    private bool RunUntil(Func<bool> isEnough, TimeSpan patience)
    {
        for (var watch = Stopwatch.StartNew(); !isEnough();)
        {
            if (watch.Elapsed >= patience)
                return false;
            _loop.RunOnce(1);
        }

        return true;
    }

    /// <summary>A dma-buf of one colour.</summary>
    private sealed class Flag : IDisposable
    {
        private const uint Page = 4096;

        private readonly MemFdHandle _ram;
        private readonly SharedRegion _pixels;
        private readonly uint[] _row;

        public Flag(UdmabufHandle device, BufferSize size)
        {
            var stride = (uint)size.Width * sizeof(uint);
            var bytes = (((ulong)stride * (uint)size.Height) + Page - 1) / Page * Page;
            _row = new uint[size.Width];
            _ram = FakeRam.Create(bytes);
            _pixels = SharedRegion.TryOpen(_ram.Duplicate<MemFdHandle>(), 0, bytes, mayMap: true, out var errno) ?? throw new SyscallException("mapping a picture", errno);
            Handle = device.TryCreate([new UdmabufItem(_ram, 0, bytes)], out errno) ?? throw new SyscallException("making a dma-buf", errno);
            Storage = BufferStorage.FromDmabufs([Handle], null);
            View = new BufferView(size, DrmFormat.Xrgb8888, DrmModifier.Linear, 0, stride);
        }

        public DmabufHandle Handle { get; }

        public BufferStorage Storage { get; }

        public BufferView View { get; }

        public void Fill(uint colour)
        {
            Array.Fill(_row, colour);
            for (var y = 0; y < View.Size.Height; y++)
                _pixels.TryWrite((ulong)y * (uint)_row.Length * sizeof(uint), MemoryMarshal.AsBytes<uint>(_row));
        }

        public void Dispose()
        {
            Storage.Drop();
            _pixels.Dispose();
            _ram.Dispose();
        }
    }
}
