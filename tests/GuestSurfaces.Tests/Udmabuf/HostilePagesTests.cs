// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Udmabuf;

/// <summary>A guest that wants the host to pin what it shouldn't, through the real command processor: everything that can be pinned is offered to it.</summary>
public sealed class HostilePagesTests : IDisposable
{
    private const ulong PictureBytes = 16384;
    private const ulong HoleEnd = 128UL << 20;
    private static readonly WireRect s_whole = new(0, 0, 64, 64);

    private readonly Limits _limits = new() { MaxPinnedBytes = 6 * PictureBytes, MaxPinnedBuffers = 5 };
    private readonly FakeUdmabuf _kernel = new(1024, 64, 4096);
    private readonly UdmabufExporter _exporter;
    private readonly GpuHarness _gpu;

    public HostilePagesTests()
    {
        _exporter = new UdmabufExporter(_kernel, UdmabufLimits.Default, _limits, 4096);
        _gpu = new GpuHarness(new VirtioGpuOptions { ScanoutCount = 16, Alias2D = true, Exporter = _exporter }, _limits);

        // RAM ends at 64 MiB; after a hole, where devices' memory would be, some more.
        using var file = FakeRam.Create(1 << 20);
        Assert.True(_gpu.Memory.TryAdd(FakeRam.Region(file, HoleEnd, 1 << 20, frontendAddress: 1UL << 40)));
    }

    public void Dispose()
    {
        _gpu.Dispose();
        Assert.Equal((0ul, 0), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
        _exporter.Dispose();
    }

    [Theory]
    [InlineData(GpuHarness.RamBytes, 4096u)] // in the hole
    [InlineData(GpuHarness.RamBytes - 4096, 8192u)] // from RAM into the hole
    [InlineData(HoleEnd - 4096, 8192u)] // from the hole into RAM
    [InlineData(GpuHarness.RamBytes - 4096, (uint)(HoleEnd - GpuHarness.RamBytes) + 8192)] // across the hole
    [InlineData(HoleEnd + (1 << 20) - 4096, 4097u)] // over the end
    [InlineData(0xffff_ffff_ffff_f000ul, 4096u)] // ends where addresses end
    [InlineData(0xffff_ffff_ffff_f000ul, 0x20_1000u)] // wraps into RAM
    [InlineData(0x8000_0000_0000_0000ul, 4096u)]
    [InlineData(GpuHarness.Pixels, 0u)]
    public void A_page_list_that_is_not_all_RAM_gets_an_error_and_nothing_to_show(ulong address, uint length)
    {
        GuestPages[] pages = [new(GpuHarness.Pixels, (uint)PictureBytes), new(address, length)];
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(1, PictureBytes, pages));
        Assert.Equal(InvalidResourceId, _gpu.SetScanoutBlob(0, 1, s_whole, 64, 64, 256));

        Assert.Equal(OkNoData, _gpu.CreateBlob(2, PictureBytes)); // pages come later, or not
        Assert.Equal(InvalidParameter, _gpu.Attach(2, pages));
        Assert.Equal(Unspecified, _gpu.SetScanoutBlob(0, 2, s_whole, 64, 64, 256));

        Assert.Equal(OkNoData, _gpu.Create2D(3, 64, 64));
        Assert.Equal(InvalidParameter, _gpu.Attach(3, pages));
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 3, s_whole)); // its host pixels
        Assert.Equal(OkNoData, _gpu.Flush(3, s_whole));
        Assert.Empty(_kernel.Requests);
    }

    [Fact]
    public void A_page_list_longer_than_the_limit_is_refused_unread_and_pins_nothing()
    {
        var pages = new GuestPages[_limits.MaxBackingEntries + 1];
        Array.Fill(pages, new GuestPages(GpuHarness.Pixels, 4096));
        Assert.Equal(InvalidParameter, _gpu.CreateBlob(1, PictureBytes, pages));
        Assert.Equal(OkNoData, _gpu.Create2D(2, 64, 64));
        Assert.Equal(InvalidParameter, _gpu.Attach(2, pages));
        Assert.Equal(OkNoData, _gpu.SetScanout(0, 2, s_whole));
        Assert.Empty(_kernel.Requests);
    }

    [Fact]
    public void A_page_named_many_times_counts_as_often()
    {
        var pages = new GuestPages[24];
        Array.Fill(pages, new GuestPages(GpuHarness.Pixels, 4096));
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, 24 * 4096, pages));
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(0, 1, s_whole, 64, 64, 256));
        Assert.Equal(24 * 4096ul, _exporter.PinnedBytes);
        _gpu.ShowBlob(2, 64, 64, scanout: 1);
        Assert.Equal((24 * 4096ul, Rung.Copy), (_exporter.PinnedBytes, _gpu.Statistics.SourceRung.Rung));
        Assert.Equal(OkNoData, _gpu.Flush(2, s_whole));
    }

    [Fact]
    public void Pages_from_both_sides_of_a_hole_are_two_entries()
    {
        Assert.Equal(OkNoData, _gpu.CreateBlob(1, PictureBytes, new(GpuHarness.RamBytes - 8192, 8192), new(HoleEnd, 8192)));
        Assert.Equal(OkNoData, _gpu.SetScanoutBlob(0, 1, s_whole, 64, 64, 256));
        Assert.Equal([(GpuHarness.RamBytes - 8192, 8192ul), (0ul, 8192ul)], Assert.Single(_kernel.Requests));
    }

    [Fact]
    public void Flips_among_hundreds_of_blobs_on_many_scanouts_stay_within_the_budget()
    {
        for (uint i = 0; i < 300; i++)
        {
            _gpu.ShowBlob(1 + i, 64, 64, GpuHarness.Pixels + (i * PictureBytes), scanout: i % 16);
            Assert.Equal(OkNoData, _gpu.Flush(1 + i, s_whole));
            AssertWithinBudget();
        }

        for (uint i = 0; i < 3000; i++)
        {
            var id = 1 + (i * 7919 % 300);
            Assert.Equal(OkNoData, _gpu.SetScanoutBlob(i % 16, id, s_whole, 64, 64, 256));
            Assert.Equal(OkNoData, _gpu.Flush(id, s_whole));
        }

        _gpu.Run(100_000_000);
        AssertWithinBudget();
        Assert.Equal(5, _kernel.Requests.Count); // declined before the kernel is asked
    }

    [Fact]
    public void Pictures_of_2D_resources_share_the_budget()
    {
        for (uint i = 0; i < 100; i++)
        {
            _gpu.Show2D(1 + i, 64, 64, GpuHarness.Pixels + (i * PictureBytes), scanout: i % 16);
            Assert.Equal(OkNoData, _gpu.Transfer(1 + i, s_whole, 0));
            Assert.Equal(OkNoData, _gpu.Flush(1 + i, s_whole));
            AssertWithinBudget();
        }

        Assert.Equal(5, _kernel.Requests.Count);
    }

    [Fact]
    public void Blobs_destroyed_while_they_are_shown_count_until_the_display_lets_go()
    {
        _gpu.Display.Holds = true;
        for (uint i = 0; i < 100; i++)
        {
            _gpu.ShowBlob(1 + i, 64, 64);
            Assert.Equal(OkNoData, _gpu.Flush(1 + i, s_whole));
            if (i < 50)
                Assert.Equal(OkNoData, _gpu.Unref(1 + i));
            AssertWithinBudget();
        }

        Assert.Equal((5, Rung.Copy), (_exporter.PinnedBuffers, _gpu.Statistics.SourceRung.Rung));
        foreach (var frame in _gpu.Display.Frames)
            RecordingDisplay.Release(frame);
        _gpu.Display.Holds = false;
        Assert.Equal(0ul, _exporter.PinnedBytes);
        Assert.Equal(OkNoData, _gpu.Flush(100, s_whole)); // there is room again
        _gpu.Run(0);
        Assert.Equal(OkNoData, _gpu.Flush(100, s_whole));
        Assert.Equal((1, Rung.Direct, true), (_exporter.PinnedBuffers, _gpu.Statistics.SourceRung.Rung, _gpu.Display.Last.Storage.IsDmabuf));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_the_memory_or_the_driver_is_gone_nothing_stays_pinned_once_the_display_lets_go(bool reset)
    {
        _gpu.Display.Holds = true;
        _gpu.ShowBlob(1, 64, 64, HoleEnd);
        _gpu.Flush(1, s_whole);
        _gpu.Show2D(2, 64, 64, HoleEnd + PictureBytes, scanout: 1);
        _gpu.Flush(2, s_whole);
        Assert.Equal(2 * PictureBytes, _exporter.PinnedBytes);
        if (reset)
        {
            _gpu.Device.Reset();
        }
        else
        {
            Assert.True(_gpu.Memory.TryRemove(HoleEnd, 1UL << 40, 1 << 20));
            _gpu.Device.MemoryChanged();
            Assert.Equal("the memory behind the guest's framebuffer is gone", _gpu.Statistics.SourceRung.Reason);
        }

        Assert.Equal(2 * PictureBytes, _exporter.PinnedBytes);
        foreach (var frame in _gpu.Display.Frames)
            RecordingDisplay.Release(frame);
        Assert.Equal((0ul, 0), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
    }

    private void AssertWithinBudget()
    {
        Assert.InRange(_exporter.PinnedBytes, 0ul, _limits.MaxPinnedBytes);
        Assert.InRange(_exporter.PinnedBuffers, 0, _limits.MaxPinnedBuffers);
    }
}
