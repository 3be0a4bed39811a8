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
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Testing.Virtio;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Lab;

/// <summary>
/// Fences that come late, through the real presenter to a real compositor: a picture isn't on the screen before its fence has signalled, and the guest isn't told to draw into a buffer
/// that a device reads, except when its time is up.
/// </summary>
internal sealed class LateCheck : IGuestTransport, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly EventLoop _loop = new();
    private readonly GuestStatistics _statistics = new();
    private readonly Session _session;
    private readonly WaylandPresenter _presenter;
    private readonly SwSyncTimeline _timeline;
    private readonly string _display;
    private readonly BufferSize _size;
    private readonly Flag[] _flags;
    private uint _fences;
    private ulong _serial;
    private ulong _answered;
    private int _failed;

    private LateCheck(string display, SwSyncTimeline timeline, UdmabufHandle device)
    {
        _display = display;
        _timeline = timeline;
        var screen = Screenshot.Take(display);
        _size = new BufferSize(screen.Width, screen.Height);
        _flags = [new Flag(device, _size, 0xcc2211), new Flag(device, _size, 0x1144cc)];
        _session = new Session(_loop.Timers, _statistics, new Limits()) { Transport = this };
        _presenter = WaylandPresenter.Connect(
            _loop, display, _session, new PresenterOptions { Title = "late", Fullscreen = true, Decorations = false }, _statistics, NullLogger.Instance);
        _session.Display = _presenter;
    }

    /// <summary>Checks everything, a line each, and says the mode: <c>SYNC linux-drm-syncobj</c>.</summary>
    /// <param name="display">The compositor's socket; windows must get the whole screen there.</param>
    /// <returns>The exit code: 0 if all is well, 1 if something isn't, 3 without /dev/udmabuf or sw_sync.</returns>
    public static int Run(string display)
    {
        using var device = UdmabufHandle.TryOpen(out _);
        using var timeline = SwSyncTimeline.TryOpen(out _);
        if (device is null || timeline is null)
        {
            Console.WriteLine("there is no /dev/udmabuf, or no sw_sync");
            return 3;
        }

        using var check = new LateCheck(display, timeline, device);
        check.Show(check._flags[0]);
        check.Check("a picture without a fence is shown", check.IsOnScreen(check._flags[0], s_patience));
        Console.WriteLine($"SYNC {check._statistics.SyncMode}");
        for (var i = 0; i < 3; i++)
            check.CheckAcquire(check._flags[(i + 1) % 2], check._flags[i % 2]);
        if (check._statistics.SyncMode == "implicit")
        {
            foreach (var ms in (int[])[1, 50, 200])
                check.CheckRelease(ms);
        }

        Console.WriteLine(check._failed == 0 ? "all is well" : $"{check._failed} checks failed");
        return check._failed == 0 ? 0 : 1;
    }

    public void Dispose()
    {
        _presenter.Dispose();
        RunFor(s_patience, () => _flags.All(static flag => flag.Storage.LockCount == 0));
        foreach (var flag in _flags)
            flag.Dispose();
        _loop.Dispose();
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial) => _answered = serial;

    void IGuestTransport.SetMode(int scanout, in OutputMode mode)
    {
    }

    private void CheckAcquire(Flag next, Flag shown)
    {
        Show(next, _timeline.CreateFence(++_fences));
        Check("a picture isn't shown while its fence is pending", !IsOnScreen(next, TimeSpan.FromMilliseconds(600)) && IsOnScreen(shown, TimeSpan.Zero));
        _timeline.Advance();
        Check("and is when it has signalled", IsOnScreen(next, s_patience));
    }

    private void CheckRelease(int holdMs)
    {
        var (shown, next) = (_flags[0], _flags[1]);
        Show(shown);
        Check("the first buffer is shown", IsOnScreen(shown, s_patience));
        Show(next);
        Check("so is the second, and the first is free", IsOnScreen(next, s_patience) && RunFor(s_patience, () => shown.Storage.LockCount == 0));
        Show(shown);
        Check("and shown again", IsOnScreen(shown, s_patience));

        // A device that reads it for a while.
        using (var fence = _timeline.CreateFence(++_fences))
            Check("a reader's fence goes in", shown.Handle.ImportFence(fence, DmabufAccess.Read) == Errno.None);
        var unprotected = _statistics.UnprotectedFlips;
        var serial = Show(next);
        var begin = Stopwatch.GetTimestamp();
        var answeredBefore = RunFor(TimeSpan.FromMilliseconds(holdMs), () => _answered >= serial);
        var counted = _statistics.UnprotectedFlips - unprotected;
        Check(string.Create(CultureInfo.InvariantCulture, $"{holdMs} ms late: no answer but at the cap, and that is counted ({answeredBefore}, {counted}, {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:0} ms)"), !answeredBefore || counted == 1);
        Check("the buffer is still held", shown.Storage.LockCount > 0);
        _timeline.Advance();
        Check("it is free when the fence has signalled, and the guest has its answer", RunFor(s_patience, () => shown.Storage.LockCount == 0 && _answered >= serial));
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

    private bool IsOnScreen(Flag flag, TimeSpan within)
    {
        var begin = Stopwatch.GetTimestamp();
        do
        {
            RunFor(TimeSpan.FromMilliseconds(200), static () => false);
            if (flag.Fills(Screenshot.Take(_display)))
                return true;
        }
        while (Stopwatch.GetElapsedTime(begin) < within);
        return false;
    }

    private bool RunFor(TimeSpan time, Func<bool> isEnough)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!isEnough())
        {
            if (Stopwatch.GetElapsedTime(begin) >= time)
                return false;
            _loop.RunOnce(1);
        }

        return true;
    }

    private void Check(string what, bool ok)
    {
        Console.WriteLine(ok ? $"ok     {what}" : $"FAILED {what}");
        _failed += ok ? 0 : 1;
    }

    /// <summary>A dma-buf of one colour.</summary>
    private sealed class Flag : IDisposable
    {
        private const uint Page = 4096;

        private readonly MemFdHandle _ram;
        private readonly uint _colour;

        public Flag(UdmabufHandle device, BufferSize size, uint colour)
        {
            _colour = colour;
            var stride = (uint)size.Width * sizeof(uint);
            var bytes = (((ulong)stride * (uint)size.Height) + Page - 1) / Page * Page;
            _ram = FakeRam.Create(bytes);
            using (var region = SharedRegion.TryOpen(_ram.Duplicate<MemFdHandle>(), 0, bytes, mayMap: true, out _)!)
            {
                var row = new uint[size.Width];
                Array.Fill(row, colour);
                for (ulong y = 0; y < (ulong)size.Height; y++)
                    region.TryWrite(y * stride, MemoryMarshal.AsBytes<uint>(row));
            }

            Handle = device.TryCreate([new UdmabufItem(_ram, 0, bytes)], out var errno) ?? throw new SyscallException("making a dma-buf", errno);
            Storage = BufferStorage.FromDmabufs([Handle], null);
            View = new BufferView(size, DrmFormat.Xrgb8888, DrmModifier.Linear, 0, stride);
        }

        public DmabufHandle Handle { get; }

        public BufferStorage Storage { get; }

        public BufferView View { get; }

        public bool Fills(Picture shot)
        {
            for (var y = 0; y < shot.Height; y++)
            {
                for (var x = 0; x < shot.Width; x++)
                {
                    if (shot[x, y] != _colour)
                        return false;
                }
            }

            return true;
        }

        public void Dispose()
        {
            Storage.Drop();
            _ram.Dispose();
        }
    }
}
