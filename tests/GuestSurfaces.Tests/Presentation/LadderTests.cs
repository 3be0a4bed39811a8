// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Conversion;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Presentation;

/// <summary>
/// From a guest's blob to the compositor's screen by way of everything between: with each thing taken away that the direct rung stands on, the guest gets the
/// next rung, the right picture and the reason. Kernel and compositor are fakes; tests/lab does the same with real ones.
/// </summary>
public sealed class LadderTests
{
    private const int Side = 64;
    private const uint Page = 4096;

    private static readonly FakeCompositorOptions s_takesDmabufs = new() { DmabufVersion = 4 };
    private static readonly FakeCompositorOptions s_refusesTheGuests = s_takesDmabufs with { RefuseImport = static import => import.Planes[0].Stride == Side * 4 };

    [Fact]
    public void With_everything_there_the_guests_own_pages_are_shown() => AssertLadder(new Parts(), Rung.Direct, "");

    [Fact]
    public void Without_the_device() =>
        AssertLadder(new Parts { Exporter = new UdmabufExporter(Errno.ENOENT, new Limits()) }, Rung.Copy, "/dev/udmabuf can't be opened (ENOENT)");

    [Fact]
    public void With_a_lower_list_limit() => AssertLadder(new Parts { Kernel = new UdmabufLimits(3, 64) }, Rung.Copy, "udmabuf list limit 3 < 4 entries");

    [Fact]
    public void With_a_lower_size_limit() => AssertLadder(new Parts { Kernel = new UdmabufLimits(1024, 0) }, Rung.Copy, "udmabuf size limit 0 MiB < 1 MiB");

    [Fact]
    public void With_guest_RAM_that_is_not_sealed() => AssertLadder(new Parts { Seals = FileSeals.None }, Rung.Copy, "guest RAM memfd not sealed against shrinking");

    [Fact]
    public void With_a_smaller_budget_of_pinned_memory() =>
        AssertLadder(new Parts { Limits = new Limits { MaxPinnedBytes = Page } }, Rung.Copy, "the guest's limit of pinned memory, 0 MiB < 1 MiB");

    [Fact]
    public void With_a_compositor_that_has_no_dma_bufs() =>
        AssertLadder(new Parts { Compositor = new FakeCompositorOptions(), Gpu = new FakeGpu() }, Rung.Copy, "the compositor offers no linux-dmabuf");

    [Fact]
    public void With_a_compositor_that_has_not_the_format() => AssertLadder(
        new Parts { Compositor = s_takesDmabufs with { DmabufPairs = [(DrmFormat.Xbgr8888, DrmModifier.Linear)] } }, Rung.Copy, "the compositor imports no XR24 dma-bufs");

    [Fact]
    public void With_a_compositor_that_has_not_the_layout() => AssertLadder(
        new Parts { Compositor = s_takesDmabufs with { DmabufPairs = [(DrmFormat.Xrgb8888, new DrmModifier(0x0100_0000_0000_0001))] } },
        Rung.Copy,
        "the compositor offers no LINEAR for XR24 (only X_TILED)");

    [Fact]
    public void With_a_compositor_whose_import_fails_the_GPU_converts() =>
        AssertLadder(new Parts { Compositor = s_refusesTheGuests, Gpu = new FakeGpu() }, Rung.Convert, "the compositor couldn't import 64x64 XR24 LINEAR, pitch 256");

    [Fact]
    public void With_direct_switched_off_the_GPU_converts() =>
        AssertLadder(new Parts { Options = new PresenterOptions { Direct = false }, Gpu = new FakeGpu() }, Rung.Convert, "direct is switched off (--convert)");

    [Fact]
    public void And_without_a_GPU_either() => AssertLadder(
        new Parts { Compositor = s_refusesTheGuests, Gpu = new FakeGpu { Missing = new GpuFailure("libgbm.so.1 can't be loaded") } },
        Rung.Copy,
        "the compositor couldn't import 64x64 XR24 LINEAR, pitch 256; and it can't be converted: libgbm.so.1 can't be loaded");

    private static void AssertLadder(Parts parts, Rung rung, string reason)
    {
        using var exporter = parts.Exporter ?? new UdmabufExporter(new FakeUdmabuf(1024, 64, Page), parts.Kernel, parts.Limits, (int)Page);
        var clock = new VirtualClock();
        var timers = new TimerQueue(clock);
        using var guest = new GpuHarness(new VirtioGpuOptions { Exporter = exporter }, parts.Limits, timers, FakeRam.Memory(32 << 20, parts.Seals));
        using var compositor = new FakeCompositor(parts.Compositor, clock);
        using var presenter = new WaylandPresenter(
            compositor.ClientConnection,
            timers,
            new FakeDmabufSync(),
            guest.Session!,
            parts.Options,
            guest.Statistics,
            NullLogger.Instance,
            parts.Gpu is { } gpu ? _ => gpu : null);
        guest.Session!.Display = presenter;

        // Four pages of which no two touch. Drawn first: the fake kernel's dma-buf is a copy.
        var pages = new GuestPages[Side * Side * 4 / Page];
        for (uint i = 0; i < pages.Length; i++)
        {
            pages[i] = new GuestPages(GpuHarness.Pixels + (2 * i * Page), Page);
            var rows = new uint[Page / 4];
            for (var k = 0; k < rows.Length; k++)
                rows[k] = Pixel((int)(i * Page / 4) + k);
            guest.Draw(pages[i].Address, rows);
        }

        GpuHarness.Require(guest.CreateBlob(1, Side * Side * 4, pages));
        GpuHarness.Require(guest.SetScanoutBlob(0, 1, new WireRect(0, 0, Side, Side), Side, Side, Side * 4));
        GpuHarness.Require(guest.Flush(1, new WireRect(0, 0, Side, Side)));
        for (var refresh = 0; refresh < 8; refresh++)
        {
            for (var i = 0; i < 6; i++)
            {
                timers.RunDue();
                presenter.Dispatch();
                parts.Gpu?.Run();
                compositor.Dispatch();
            }

            clock.Advance(16_666_667);
            compositor.Refresh();
        }

        var screen = compositor.Toplevel.Render();
        for (var i = 0; i < Side * Side; i++)
            Assert.Equal(Pixel(i) & 0xff_ffff, screen[i]);
        Assert.Equal((rung, reason), (guest.Statistics.Rung.Rung, guest.Statistics.Rung.Reason));
        Assert.Equal(rung == Rung.Copy, guest.Statistics.BytesCopied > 0);
        Assert.Equal(rung == Rung.Copy ? 0 : Side * Side * 4ul, exporter.PinnedBytes);
        guest.Session!.CloseWindows();
    }

    private static uint Pixel(int i) => TestPicture.Pattern(i % Side, i / Side);

    /// <summary>What a direct rung is made of, all there.</summary>
    private sealed record Parts
    {
        public UdmabufLimits Kernel { get; init; } = UdmabufLimits.Default;

        /// <summary>Another one than that of <see cref="Kernel"/>.</summary>
        public UdmabufExporter? Exporter { get; init; }

        public FileSeals Seals { get; init; } = FakeRam.Sealed;

        public Limits Limits { get; init; } = new();

        public FakeCompositorOptions Compositor { get; init; } = s_takesDmabufs;

        public PresenterOptions Options { get; init; } = new();

        /// <summary>Null: nothing converts.</summary>
        public FakeGpu? Gpu { get; init; }
    }
}
