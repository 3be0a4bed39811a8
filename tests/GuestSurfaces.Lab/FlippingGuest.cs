// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Lab;

/// <summary>
/// A guest that flips between two buffers as Linux does: blobs in RAM of this process, through the real device and presenter to a real screen. Each buffer is filled with one colour.
/// </summary>
internal sealed class FlippingGuest : IDisposable
{
    /// <summary>How many buffers.</summary>
    public const uint Buffers = 2;

    private const int Bands = 12;
    private const long BandNs = 2_000_000; // so that a drawing takes longer than a refresh, and can't be missed between two
    private const uint Page = 4096;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly EventLoop _loop = new();
    private readonly ColourScreen _screen;
    private readonly UdmabufExporter _exporter;
    private readonly GpuHarness _guest;
    private readonly WaylandPresenter _presenter;
    private readonly uint _width;
    private readonly uint _height;
    private readonly ulong _bufferBytes;
    private readonly uint[] _row;
    private ulong _fence;

    /// <summary>Opens its window, on a screen with nothing on it; nothing is shown yet.</summary>
    /// <param name="display">The compositor's socket.</param>
    /// <param name="window">The guest's size, WIDTHxHEIGHT; "full" for the screen's.</param>
    /// <param name="patienceMs">How long a flip is held at most; 0: as long as a user's, which on a machine that is emulated is often too short.</param>
    public FlippingGuest(string display, string window, int patienceMs)
    {
        _screen = new ColourScreen(display, window, RunUntil);
        (_width, _height) = ((uint)_screen.Window.Width, (uint)_screen.Window.Height);
        _bufferBytes = (((ulong)_width * _height * sizeof(uint)) + Page - 1) / Page * Page;
        _row = new uint[_width];
        var limits = patienceMs > 0 ? new Limits { MaxFlushHoldNs = patienceMs * 1_000_000L } : new Limits();
        _exporter = UdmabufExporter.Open(limits);
        var ramBytes = (GpuHarness.Pixels + (Buffers * _bufferBytes) + (2 << 20) - 1) >> 21 << 21;
        _guest = new GpuHarness(new VirtioGpuOptions { ScanoutCount = 1, Exporter = _exporter }, limits, _loop.Timers, FakeRam.Memory(ramBytes));
        var options = new PresenterOptions { Title = "flips", Placement = _screen.IsFullscreen ? WindowPlacement.Fullscreen : WindowPlacement.Windows, Decorations = false, Limits = limits };
        IDisplayEvents session = _guest.Session!;
        _presenter = WaylandPresenter.Connect(_loop, display, patienceMs > 0 ? new PatientEvents(session) : session, options, _guest.Statistics, NullLogger.Instance);
        _guest.Session!.Display = _presenter;
        for (uint i = 0; i < Buffers; i++)
            GpuHarness.Require(_guest.CreateBlob(i + 1, _bufferBytes, new GuestPages(AddressOf(i), (uint)_bufferBytes)));
    }

    /// <summary>What it is seen on.</summary>
    public ColourScreen Screen => _screen;

    /// <summary>What was counted.</summary>
    public GuestStatistics Statistics => _guest.Statistics;

    /// <summary>How many flips are unanswered.</summary>
    public int Pending => _guest.Control.Pending;

    public void Dispose()
    {
        _guest.Session!.CloseWindows();
        for (uint i = 0; i < Buffers; i++)
            GpuHarness.Require(_guest.Unref(i + 1));
        RunUntil(() => _exporter.PinnedBuffers == 0, TimeSpan.FromSeconds(10));
        _presenter.Dispose();
        _guest.Dispose();
        _screen.Dispose();
        _exporter.Dispose();
        _loop.Dispose();
    }

    /// <summary>Fills a buffer, slowly.</summary>
    /// <param name="buffer">0 or 1.</param>
    /// <param name="colour">0xRRGGBB.</param>
    public void Draw(uint buffer, uint colour)
    {
        Array.Fill(_row, colour);
        var due = MonotonicClock.Instance.NowNs;
        for (var band = 0u; band < Bands; band++)
        {
            for (var y = _height * band / Bands; y < _height * (band + 1) / Bands; y++)
                _guest.Write(AddressOf(buffer) + ((ulong)y * _width * 4), MemoryMarshal.AsBytes<uint>(_row));
            due += BandNs;
            RunUntil(() => MonotonicClock.Instance.NowNs >= due, s_patience);
            _guest.Control.Collect();
        }
    }

    /// <summary>Shows a buffer.</summary>
    /// <param name="buffer">0 or 1.</param>
    /// <returns>For <see cref="Wait"/>.</returns>
    public int Flip(uint buffer)
    {
        var whole = new WireRect(0, 0, _width, _height);
        GpuHarness.Require(_guest.SetScanoutBlob(0, buffer + 1, whole, _width, _height, _width * 4));
        return _guest.FlushFenced(buffer + 1, whole, ++_fence);
    }

    /// <summary>Waits for a flip's answer: the guest may draw into the other buffer.</summary>
    /// <param name="slot">Of <see cref="Flip"/>.</param>
    /// <exception cref="TimeoutException">There is none.</exception>
    public void Wait(int slot)
    {
        var isAnswered = RunUntil(
            () =>
            {
                _guest.Control.Collect();
                return !_guest.Control.IsPending(slot);
            },
            s_patience);
        if (!isAnswered)
            throw new TimeoutException("a flip was never answered");
    }

    /// <summary>Lets everything go on until something is so, but no longer than that.</summary>
    /// <param name="isEnough">Asked often.</param>
    /// <param name="patience">How long.</param>
    /// <returns>Whether it is so.</returns>
    public bool RunUntil(Func<bool> isEnough, TimeSpan patience)
    {
        for (var watch = Stopwatch.StartNew(); !isEnough();)
        {
            if (watch.Elapsed >= patience)
                return false;
            _loop.RunOnce(1);
        }

        return true;
    }

    private ulong AddressOf(uint buffer) => GpuHarness.Pixels + (buffer * _bufferBytes);
}
