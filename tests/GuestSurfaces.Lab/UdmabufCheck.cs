// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Lab;

/// <summary>The source side of the direct rung against a real kernel: a guest with a virtio-gpu in this process, /dev/udmabuf under it.</summary>
internal static class UdmabufCheck
{
    private const uint Page = 4096;

    private static int s_failed;

    /// <summary>Checks everything, a line each.</summary>
    /// <returns>The exit code: 0 if all is well, 1 if something isn't, 3 without the device.</returns>
    public static int Run()
    {
        using var device = UdmabufHandle.TryOpen(out var errno);
        if (device is null)
        {
            Console.WriteLine($"{UdmabufHandle.DevicePath} can't be opened ({errno})");
            return 3;
        }

        var limits = UdmabufLimits.TryRead();
        Console.WriteLine($"limits: {limits?.ToString() ?? "can't be read"}");
        using (var leaks = new FdLeakCheck())
        {
            CheckErrors(device);
            CheckPicture(640, 480, "300 scattered pages");
            CheckPicture(1280, 720, "900 scattered pages");
            CheckFragmented((limits ?? UdmabufLimits.Default).ListEntries);
            CheckTooLarge((limits ?? UdmabufLimits.Default).SizeMib);
            CheckLifetime(leaks);
            Check("no dma-buf stays open", leaks.Difference("/dmabuf:") == 0, $"{leaks.Difference("/dmabuf:")}");
        }

        Console.WriteLine(s_failed == 0 ? "all is well" : $"{s_failed} checks failed");
        return s_failed == 0 ? 0 : 1;
    }

    /// <summary>The errors that the exporter tells apart come as the kernel's sources say.</summary>
    private static void CheckErrors(UdmabufHandle device)
    {
        using var ram = FakeRam.Create(16 * Page);
        using var loose = FakeRam.Create(16 * Page, FileSeals.None);
        using var frozen = FakeRam.Create(16 * Page, FileSeals.Shrink | FileSeals.Write);
        using var plain = FileHandle.TryOpen("/dev/null", out _)!;
        Fails("unsealed RAM", new UdmabufItem(loose, 0, Page), Errno.EINVAL);
        Fails("RAM sealed against writing", new UdmabufItem(frozen, 0, Page), Errno.EINVAL);
        Fails("half a page", new UdmabufItem(ram, 0, Page / 2), Errno.EINVAL);
        Fails("a page from the middle of one", new UdmabufItem(ram, 512, Page), Errno.EINVAL);
        Fails("no memfd", new UdmabufItem(plain, 0, Page), Errno.EBADFD);

        void Fails(string what, UdmabufItem item, Errno expected)
        {
            using var made = device.TryCreate([item], out var errno);
            Check($"{what}: {expected}", made is null && errno == expected, errno.ToString());
        }
    }

    /// <summary>A blob in scattered pages is one dma-buf with its bytes, and what the guest draws later is in it without a copy.</summary>
    private static void CheckPicture(uint width, uint height, string what)
    {
        using var guest = new Guest();
        var pages = new GuestPages[width * height * 4 / Page];
        for (uint i = 0; i < pages.Length; i++)
            pages[i] = new GuestPages(GpuHarness.Pixels + (((ulong)i * 7 % (uint)pages.Length) * Page), Page); // 7 divides neither
        var storage = guest.Show(1, width, height, pages);
        if (storage is null || !storage.IsDmabuf)
        {
            Check($"{what} become a dma-buf", false, guest.Rung.Reason);
            return;
        }

        Check($"{what} become a dma-buf of {storage.SizeBytes} bytes, in {guest.ExportUs:f0} us", storage.SizeBytes == width * height * 4, "");
        using (var map = SharedRegion.TryOpen(storage.Plane(0).Duplicate<DmabufHandle>(), 0, storage.SizeBytes, mayMap: true, out var errno))
        {
            Check("it can be mapped", map is not null, errno.ToString());
            if (map is null)
                return;
            for (var round = 0; round < 2; round++)
            {
                for (uint i = 0; i < pages.Length; i++)
                    guest.Fill(pages[i].Address, (round * 1_000_003) + i + 1);
                var wrong = 0;
                for (uint i = 0; i < pages.Length; i++)
                    wrong += Guest.Holds(map, (ulong)i * Page, (round * 1_000_003) + i + 1) ? 0 : 1;
                Check($"it holds what the guest drew, round {round + 1}", wrong == 0, $"{wrong} of {pages.Length} pages differ");
            }
        }

        Check("nothing was copied", guest.BytesCopied == 0 && guest.Rung.Rung == Rung.Direct, $"{guest.BytesCopied} bytes");
        Check("its pages are pinned", guest.PinnedBytes == storage.SizeBytes, $"{guest.PinnedBytes}");
        guest.Forget(1);
        Check("and not when it is gone", guest.PinnedBytes == 0, $"{guest.PinnedBytes}");
    }

    /// <summary>Every second page of 16 MiB: 2000 stretches that nothing can join.</summary>
    private static void CheckFragmented(uint listLimit)
    {
        using var guest = new Guest();
        var pages = new GuestPages[2000];
        for (uint i = 0; i < pages.Length; i++)
            pages[i] = new GuestPages(GpuHarness.Pixels + ((ulong)i * 2 * Page), Page);
        var storage = guest.Show(1, 1280, 1600, pages);
        if (listLimit >= 2000)
            Check($"2000 fragments become a dma-buf, in {guest.ExportUs:f0} us", storage is { IsDmabuf: true }, guest.Rung.Reason);
        else
            Check("2000 fragments are too many", guest.Rung.Reason == $"udmabuf list limit {listLimit} < 2000 entries", guest.Rung.Reason);
        Console.WriteLine($"       {guest.Rung}");
        guest.Forget(1);
    }

    /// <summary>The guest's whole RAM and a page more: pages may be named twice.</summary>
    private static void CheckTooLarge(uint sizeLimitMib)
    {
        using var guest = new Guest();
        var storage = guest.Show(1, 4096, 4096, [new(0, 64 << 20)]);
        if (sizeLimitMib >= 64)
            Check($"64 MiB become a dma-buf, in {guest.ExportUs:f0} us", storage is { IsDmabuf: true }, guest.Rung.Reason);
        guest.Forget(1);
        storage = guest.Show(2, 4096, 4352, [new(0, 64 << 20), new(0, 4 << 20)]);
        if (sizeLimitMib < 68)
            Check("68 MiB are too many", guest.Rung.Reason == $"udmabuf size limit {sizeLimitMib} MiB < 68 MiB", guest.Rung.Reason);
        else
            Check($"68 MiB become a dma-buf, in {guest.ExportUs:f0} us", storage is { IsDmabuf: true }, guest.Rung.Reason);
        Console.WriteLine($"       {guest.Rung}");
        guest.Forget(2);
    }

    /// <summary>A buffer that a compositor still reads outlives the guest's RAM.</summary>
    private static void CheckLifetime(FdLeakCheck leaks)
    {
        var guest = new Guest();
        guest.Fill(GpuHarness.Pixels, 77);
        var storage = guest.Show(1, 64, 64, [new(GpuHarness.Pixels, 4 * Page)])!;
        storage.Lock();
        guest.Dispose();
        Check("a buffer on screen is the one that is open", leaks.Difference("/dmabuf:") == 1, $"{leaks.Difference("/dmabuf:")}");
        using (var map = SharedRegion.TryOpen(storage.Plane(0).Duplicate<DmabufHandle>(), 0, storage.SizeBytes, mayMap: true, out _))
            Check("it outlives the guest", map is not null && Guest.Holds(map, 0, 77), "");
        storage.Unlock();
    }

    private static void Check(string what, bool ok, string otherwise)
    {
        Console.WriteLine(ok ? $"ok     {what}" : $"FAILED {what}: {otherwise}");
        s_failed += ok ? 0 : 1;
    }

    private sealed class Guest : IDisposable
    {
        private readonly UdmabufExporter _exporter = UdmabufExporter.Open(new Limits());
        private readonly GpuHarness _gpu;

        public Guest() => _gpu = new GpuHarness(new VirtioGpuOptions { Exporter = _exporter });

        public double ExportUs { get; private set; }

        public RungReport Rung => _gpu.Statistics.SourceRung;

        public long BytesCopied => _gpu.Statistics.BytesCopied;

        public ulong PinnedBytes => _exporter.PinnedBytes;

        public BufferStorage? Show(uint id, uint width, uint height, ReadOnlySpan<GuestPages> pages)
        {
            GpuHarness.Require(_gpu.CreateBlob(id, width * height * 4, pages));
            var begin = Stopwatch.GetTimestamp();
            GpuHarness.Require(_gpu.SetScanoutBlob(0, id, new WireRect(0, 0, width, height), width, height, width * 4));
            ExportUs = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            GpuHarness.Require(_gpu.Flush(id, new WireRect(0, 0, width, height)));
            return _gpu.Display.Last.Storage;
        }

        public void Forget(uint id) => GpuHarness.Require(_gpu.Unref(id));

        public void Fill(ulong address, long tag)
        {
            Span<byte> page = stackalloc byte[(int)Page];
            MemoryMarshal.Cast<byte, long>(page).Fill(tag);
            _gpu.Write(address, page);
        }

        public static bool Holds(SharedRegion region, ulong offset, long tag)
        {
            Span<byte> page = stackalloc byte[(int)Page];
            return region.TryRead(offset, page) && !MemoryMarshal.Cast<byte, long>(page).ContainsAnyExcept(tag);
        }

        public void Dispose()
        {
            _gpu.Dispose();
            _exporter.Dispose();
        }
    }
}
