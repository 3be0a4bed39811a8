// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Udmabuf;

/// <summary>Guest pages become one buffer, or a reason. The kernel is a fake here; `lab-shot udmabuf` asks the real one.</summary>
public sealed class UdmabufExporterTests : IDisposable
{
    private const ulong Page = 4096;
    private const ulong RamBytes = 32UL << 20;

    private readonly Limits _limits = new() { MaxPinnedBytes = 64 * Page, MaxPinnedBuffers = 3 };
    private readonly FakeUdmabuf _kernel = new(listLimit: 16, sizeLimitMib: 1, Page);
    private readonly GuestMemory _memory = FakeRam.Memory(RamBytes);
    private readonly UdmabufExporter _exporter;

    public UdmabufExporterTests()
    {
        _exporter = new UdmabufExporter(_kernel, new UdmabufLimits(16, 1), _limits, (int)Page);
        Span<byte> page = stackalloc byte[(int)Page];
        for (ulong at = 0; at < 256; at++)
        {
            MemoryMarshal.Cast<byte, ulong>(page).Fill(at + 1);
            Assert.True(_memory.TryWrite(at * Page, page));
        }
    }

    public void Dispose()
    {
        _memory.Dispose();
        _exporter.Dispose();
        Assert.True(_kernel.IsDisposed);
    }

    [Fact]
    public void Scattered_pages_become_one_buffer_in_their_order()
    {
        using var region = Export(9, 3, 4, 5, 200, 1);
        Assert.Equal([(9 * Page, Page), (3 * Page, 3 * Page), (200 * Page, Page), (Page, Page)], Assert.Single(_kernel.Requests));
        ulong[] expected = [10, 4, 5, 6, 201, 2];
        for (ulong i = 0; i < 6; i++)
        {
            Assert.True(region.TryRead(i * Page, out ulong first));
            Assert.True(region.TryRead((i * Page) + Page - 8, out ulong last));
            Assert.Equal((expected[i], expected[i]), (first, last));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_the_pages_the_buffer_holds_their_bytes(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 50; round++)
        {
            var pages = new ulong[random.Next(1, 40)];
            for (var i = 0; i < pages.Length; i++)
                pages[i] = i > 0 && random.Next(4) > 0 ? Math.Min(pages[i - 1] + 1, 255) : (ulong)random.Next(256);
            var storage = _exporter.TryExport(_memory, Runs(pages), (ulong)pages.Length * Page, out var decline);
            var stretches = pages.Where((page, i) => i == 0 || page != pages[i - 1] + 1).Count();
            if (storage is null)
            {
                Assert.Equal($"udmabuf list limit 16 < {stretches} entries", decline.Reason);
                continue;
            }

            Assert.Equal(stretches, _kernel.Requests[^1].Length);
            using var region = Map(storage);
            for (var i = 0; i < pages.Length; i++)
            {
                Assert.True(region.TryRead((ulong)i * Page, out ulong tag));
                Assert.Equal(pages[i] + 1, tag);
            }

            storage.Drop();
            Assert.Equal((0ul, 0), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
        }
    }

    [Fact]
    public void Regions_of_one_file_are_joined_where_they_touch_in_it_and_those_of_two_files_are_not()
    {
        using var file = FakeRam.Create(16 * Page);
        using var other = FakeRam.Create(16 * Page);
        using var memory = new GuestMemory();
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, 8 * Page)));
        Assert.True(memory.TryAdd(FakeRam.Region(file, 64 * Page, 8 * Page, 8 * Page))); // goes on in the file, elsewhere in the guest
        Assert.True(memory.TryAdd(FakeRam.Region(other, 8 * Page, 8 * Page, 8 * Page))); // goes on in the guest, in another file
        var storage = _exporter.TryExport(memory, [new ScatteredRun(6 * Page, 0, 2 * Page), new ScatteredRun(64 * Page, 2 * Page, Page)], 3 * Page, out _);
        storage!.Drop();
        Assert.Equal([(6 * Page, 3 * Page)], _kernel.Requests[^1]);
        storage = _exporter.TryExport(memory, [new ScatteredRun(6 * Page, 0, 4 * Page)], 4 * Page, out _);
        storage!.Drop();
        Assert.Equal([(6 * Page, 2 * Page), (8 * Page, 2 * Page)], _kernel.Requests[^1]);
    }

    [Fact]
    public void Of_a_longer_list_only_the_pages_of_the_blob_are_shared()
    {
        var storage = _exporter.TryExport(_memory, Runs([4, 9, 10, 11]), (2 * Page) + 1, out _);
        Assert.Equal([(4 * Page, Page), (9 * Page, 2 * Page)], Assert.Single(_kernel.Requests));
        Assert.Equal(3 * Page, storage!.SizeBytes);
        storage.Drop();
    }

    [Fact]
    public void Pages_that_are_not_whole_are_declined()
    {
        Declined("the guest's framebuffer isn't made of whole host pages of 4096 bytes", [new ScatteredRun(512, 0, Page)], Page);
        Declined("the guest's framebuffer isn't made of whole host pages of 4096 bytes", [new ScatteredRun(0, 0, Page + 512), new ScatteredRun(9 * Page, Page + 512, Page)], 2 * Page);
        Declined("the guest's framebuffer isn't made of whole host pages of 4096 bytes", [new ScatteredRun(0, 0, 512)], 512); // the guest named no more than that
    }

    [Fact]
    public void On_a_host_with_large_pages_only_whole_ones_count()
    {
        using var exporter = new UdmabufExporter(new FakeUdmabuf(16, 1, 65536), new UdmabufLimits(16, 1), new Limits(), 65536);
        Assert.Null(exporter.TryExport(_memory, [new ScatteredRun(Page, 0, 65536)], 65536, out var decline));
        Assert.Equal(("the guest's framebuffer isn't made of whole host pages of 65536 bytes", "a host kernel with pages of 4096 bytes: guests allocate in those"), (decline.Reason, decline.Remedy));
        var storage = exporter.TryExport(_memory, [new ScatteredRun(65536, 0, 4096), new ScatteredRun(65536 + 4096, 4096, 61440)], 65536, out _);
        Assert.Equal(65536ul, storage!.SizeBytes);
        storage.Drop();
    }

    [Fact]
    public void The_kernels_limits_are_named_with_what_was_asked()
    {
        Declined("udmabuf list limit 16 < 17 entries", Runs([.. Enumerable.Range(0, 17).Select(static i => (ulong)(i * 2))]), 17 * Page);
        Declined("udmabuf size limit 1 MiB < 2 MiB", [new ScatteredRun(0, 0, (1 << 20) + Page)], (1 << 20) + Page);
        using var stock = new UdmabufExporter(new FakeUdmabuf(1024, 64, Page), UdmabufLimits.Default, new Limits(), (int)Page);
        Assert.Null(stock.TryExport(_memory, Runs([.. Enumerable.Range(0, 2025).Select(static i => (ulong)(i * 2))]), 2025 * Page, out var decline));
        Assert.Equal("udmabuf list limit 1024 < 2025 entries", decline.Reason);
        Assert.Contains("echo 16384 > /sys/module/udmabuf/parameters/list_limit", decline.Remedy, StringComparison.Ordinal);
        Assert.Empty(_kernel.Requests);
    }

    [Theory]
    [InlineData(FileSeals.None, "guest RAM memfd not sealed against shrinking")]
    [InlineData(FileSeals.Grow, "guest RAM memfd not sealed against shrinking")]
    [InlineData(FileSeals.Shrink | FileSeals.FutureWrite, "guest RAM memfd sealed against writing")]
    public void RAM_with_the_wrong_seals_is_declined(FileSeals seals, string reason)
    {
        using var file = FakeRam.Create(16 * Page, seals & ~FileSeals.FutureWrite);
        using var bytes = SharedRegion.TryOpen(file.Duplicate<MemFdHandle>(), 0, 16 * Page, mayMap: false, out _)!;
        using var memory = new GuestMemory();
        Assert.True(memory.TryAdd(new GuestMemoryRegion(0, 0, bytes, seals)));
        Assert.Null(_exporter.TryExport(memory, [new ScatteredRun(0, 0, Page)], Page, out var decline));
        Assert.Equal((Rung.Copy, reason), (decline.Rung, decline.Reason));
        Assert.Contains("memory-backend-memfd", decline.Remedy, StringComparison.Ordinal);
        Assert.Empty(_kernel.Requests);
    }

    [Fact]
    public void Memory_that_is_gone_is_declined()
    {
        Declined("the memory behind the guest's framebuffer is gone", [new ScatteredRun(RamBytes - Page, 0, 2 * Page)], 2 * Page);
        Declined("the memory behind the guest's framebuffer is gone", [], Page);
        Declined("the memory behind the guest's framebuffer is gone", [new ScatteredRun(0, 0, Page)], Page + 1);
        Declined("the memory behind the guest's framebuffer is gone", [new ScatteredRun(0, 0, Page)], ulong.MaxValue);
        Declined("the memory behind the guest's framebuffer is gone", [new ScatteredRun(0, 0, Page)], 0);
    }

    [Fact]
    public void Pinned_bytes_are_given_back_when_the_storage_closes_and_not_before()
    {
        var first = _exporter.TryExport(_memory, Runs([1, 2, 3]), 3 * Page, out _)!;
        first.Lock();
        var second = _exporter.TryExport(_memory, [new ScatteredRun(0, 0, 61 * Page)], 61 * Page, out _)!;
        Assert.Equal((64 * Page, 2), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
        Declined("the guest's limit of pinned memory, 0 MiB < 1 MiB", Runs([7]), Page);
        first.Drop();
        Declined("the guest's limit of pinned memory, 0 MiB < 1 MiB", Runs([7]), Page); // the compositor still reads it
        first.Unlock();
        Assert.Equal((61 * Page, 1), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
        var third = _exporter.TryExport(_memory, Runs([7]), Page, out _)!;
        var fourth = _exporter.TryExport(_memory, Runs([8]), Page, out _)!;
        Declined("the guest shares 3 buffers already, which is its limit", Runs([9]), Page);
        second.Drop();
        third.Drop();
        fourth.Drop();
        Assert.Equal((0ul, 0), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
    }

    [Fact]
    public void Room_that_comes_back_is_told_only_to_whom_it_was_missing()
    {
        var first = _exporter.TryExport(_memory, [new ScatteredRun(0, 0, 40 * Page)], 40 * Page, out _)!;
        _exporter.TryExport(_memory, Runs([50]), Page, out _)!.Drop();
        Assert.Equal(0, _exporter.RoomMade); // nobody waits
        Declined("the guest's limit of pinned memory, 0 MiB < 1 MiB", [new ScatteredRun(0, 0, 65 * Page)], 65 * Page); // never fits
        _exporter.TryExport(_memory, Runs([50]), Page, out _)!.Drop();
        Assert.Equal(0, _exporter.RoomMade);
        Declined("the guest's limit of pinned memory, 0 MiB < 1 MiB", [new ScatteredRun(0, 0, 30 * Page)], 30 * Page);
        first.Drop();
        Assert.Equal(1, _exporter.RoomMade);
        _exporter.TryExport(_memory, [new ScatteredRun(0, 0, 30 * Page)], 30 * Page, out _)!.Drop();
        Assert.Equal(1, _exporter.RoomMade);
    }

    [Theory]
    [InlineData(Errno.EBADFD, "guest RAM is in no memfd (EBADFD)")]
    [InlineData(Errno.ENOTTY, "this kernel's udmabuf takes no lists (ENOTTY)")]
    [InlineData(Errno.ENOMEM, "the host has no memory to pin the guest's pages (ENOMEM)")]
    [InlineData(Errno.EMFILE, "no descriptor is left for a udmabuf (EMFILE)")]
    [InlineData(Errno.EINVAL, "udmabuf refused the guest's pages (EINVAL)")]
    public void What_the_kernel_says_becomes_a_reason_and_costs_nothing(Errno errno, string reason)
    {
        _kernel.Fails = errno;
        Declined(reason, Runs([1]), Page);
        Assert.Equal((0ul, 0), (_exporter.PinnedBytes, _exporter.PinnedBuffers));
        _kernel.Fails = Errno.None;
        _exporter.TryExport(_memory, Runs([1]), Page, out _)!.Drop();
    }

    [Theory]
    [InlineData(Errno.EACCES, "/dev/udmabuf can't be opened (EACCES)", "group kvm")]
    [InlineData(Errno.ENOENT, "/dev/udmabuf can't be opened (ENOENT)", "modprobe udmabuf")]
    public void A_device_that_cannot_be_opened_is_the_reason_of_every_decline(Errno errno, string reason, string remedy)
    {
        using var exporter = new UdmabufExporter(errno, new Limits());
        Assert.Null(exporter.TryExport(_memory, Runs([1]), Page, out var decline));
        Assert.Equal((Rung.Copy, reason), (decline.Rung, decline.Reason));
        Assert.Contains(remedy, decline.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_are_read_from_the_kernels_parameters()
    {
        var folder = Directory.CreateTempSubdirectory("gs-udmabuf-").FullName;
        try
        {
            Assert.Null(UdmabufLimits.TryRead(folder));
            File.WriteAllText(Path.Combine(folder, "list_limit"), "4096\n");
            Assert.Null(UdmabufLimits.TryRead(folder));
            File.WriteAllText(Path.Combine(folder, "size_limit_mb"), "256\n");
            Assert.Equal(new UdmabufLimits(4096, 256), UdmabufLimits.TryRead(folder));
            File.WriteAllText(Path.Combine(folder, "size_limit_mb"), "-1\n");
            Assert.Null(UdmabufLimits.TryRead(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_guests_blob_is_presented_from_its_own_pages_and_its_pin_goes_with_it()
    {
        var kernel = new FakeUdmabuf(1024, 64, Page);
        using var exporter = new UdmabufExporter(kernel, UdmabufLimits.Default, new Limits(), (int)Page);
        using var gpu = new GpuHarness(new VirtioGpuOptions { Exporter = exporter });
        // Around the seam of the harness's two regions, which are one file.
        GuestPages[] pages = [new(GpuHarness.RegionBytes - 8192, 8192), new(GpuHarness.RegionBytes, 4096), new(GpuHarness.Pixels, 4096)];
        GpuHarness.Require(gpu.CreateBlob(1, 16384, pages));
        Assert.Empty(kernel.Requests); // not before it is scanned out
        GpuHarness.Require(gpu.SetScanoutBlob(0, 1, new(0, 0, 64, 64), 64, 64, 256));
        Assert.Equal([(GpuHarness.RegionBytes - 8192, 12288), (GpuHarness.Pixels, 4096)], Assert.Single(kernel.Requests));
        GpuHarness.Require(gpu.Flush(1, new(0, 0, 64, 64)));
        Assert.True(gpu.Display.Last.Storage.IsDmabuf);
        Assert.Equal((Rung.Direct, 0L, 16384ul), (gpu.Statistics.SourceRung.Rung, gpu.Statistics.BytesCopied, exporter.PinnedBytes));
        GpuHarness.Require(gpu.Flush(1, new(0, 0, 64, 64)));
        Assert.Single(kernel.Requests);
        GpuHarness.Require(gpu.Unref(1));
        Assert.Equal(0ul, exporter.PinnedBytes);
    }

    private static ScatteredRun[] Runs(ReadOnlySpan<ulong> pages)
    {
        var runs = new ScatteredRun[pages.Length];
        for (var i = 0; i < pages.Length; i++)
            runs[i] = new ScatteredRun(pages[i] * Page, (ulong)i * Page, Page);
        return runs;
    }

    private static SharedRegion Map(BufferStorage storage)
    {
        Assert.True(storage.IsDmabuf);
        return SharedRegion.TryOpen(storage.Plane(0).Duplicate<DmabufHandle>(), 0, storage.SizeBytes, mayMap: true, out _)!;
    }

    private SharedRegion Export(params ulong[] pages)
    {
        var storage = _exporter.TryExport(_memory, Runs(pages), (ulong)pages.Length * Page, out var decline);
        Assert.True(storage is not null, decline.Reason);
        var region = Map(storage);
        storage.Drop();
        return region;
    }

    private void Declined(string reason, ReadOnlySpan<ScatteredRun> runs, ulong sizeBytes)
    {
        Assert.Null(_exporter.TryExport(_memory, runs, sizeBytes, out var decline));
        Assert.Equal((Rung.Copy, reason), (decline.Rung, decline.Reason));
    }
}
