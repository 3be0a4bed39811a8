// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.Udmabuf;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Lab;

/// <summary>
/// Framebuffers of awkward shapes: from guest RAM in this process by the real exporter and presenter to a compositor's screen. Says of each which rung it took
/// and whether the screen has each of its pixels, also after the guest has drawn into the same memory again.
/// </summary>
internal static class ShapeCheck
{
    private const uint Page = 4096;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Shows every shape, a line each: <c>SHAPE name rung=… copied=… picture=right|wrong pinned=… reason=…</c>. Judges nothing: limits differ.</summary>
    /// <param name="display">The compositor's socket; windows must get the whole screen there.</param>
    /// <param name="names">Of the shapes; all if it is empty.</param>
    /// <returns>0.</returns>
    public static int Run(string display, string[] names)
    {
        var screen = Screenshot.Take(display);
        var (width, height) = ((uint)screen.Width, (uint)screen.Height);
        var whole = new Shape("whole", width, height, new WireRect(0, 0, width, height));
        ReadOnlySpan<Shape> shapes =
        [
            whole,
            whole with { Name = "offset", OffsetBytes = (3 * Page) + 256 },
            whole with { Name = "unsealed", Seals = FileSeals.None },
            whole with { Name = "hugetlb", HugePages = true },
            new Shape("crop", width + 320, height + 240, new WireRect(96, 40, width, height)),
            new Shape("fragments", 1920, 1080, new WireRect(200, 100, width, height)) { Scattered = true }, // 2025 pages, no two of them neighbours
            new Shape("outputs", 2 * width, height, new WireRect(0, 0, width, height), new WireRect(width, 0, width, height)),
            new Shape("4K", 3840, 2160, new WireRect(1000, 700, width, height)),
            new Shape("8K", 7680, 4320, new WireRect(5000, 3000, width, height)),
        ];
        foreach (var shape in shapes)
        {
            if (names.Length > 0 && !names.Contains(shape.Name))
                continue;
            Console.Write($"SHAPE {shape.Name}");
            if (!shape.HugePages || FreeHugeBytes() >= shape.RamBytes)
                Show(shape, display, screen);
            else
                Console.Write(" none: too few huge pages are free (/proc/sys/vm/nr_hugepages)");
            Console.WriteLine();
        }

        return 0;
    }

    private static void Show(Shape shape, string display, Picture screen)
    {
        var limits = new Limits();
        using var loop = new EventLoop();
        using var exporter = UdmabufExporter.Open(limits);
        using var guest = new GpuHarness(
            new VirtioGpuOptions { ScanoutCount = shape.Visible.Length, Exporter = exporter }, limits, loop.Timers, FakeRam.Memory(shape.RamBytes, shape.Seals, shape.HugePages));
        var session = guest.Session!;
        using (var presenter = WaylandPresenter.Connect(
            loop, display, session, new PresenterOptions { Title = shape.Name, Placement = WindowPlacement.Fullscreen, Decorations = false }, guest.Statistics, NullLogger.Instance))
        {
            session.Display = presenter;
            GpuHarness.Require(guest.CreateBlob(1, shape.SizeBytes, shape.Pages()));
            var isRight = true;
            uint drawn = 0;
            ReadOnlySpan<uint> visits = shape.Visible.Length > 1 ? [0, 1, 0] : [0];
            for (var k = 0; k < visits.Length; k++)
            {
                var scanout = visits[k];
                var visible = shape.Visible[scanout];
                GpuHarness.Require(guest.SetScanoutBlob(scanout, 1, visible, shape.Width, shape.Height, shape.StrideBytes, shape.OffsetBytes));
                DrawAndFlush(guest, shape, visible, ++drawn);

                // Until now both showed it. Which window was on top is the compositor's affair.
                if (k > 0)
                {
                    GpuHarness.Require(guest.SetScanout(visits[k - 1], 0, default));
                    RunFor(loop, TimeSpan.FromMilliseconds(500), static () => false);
                }

                isRight &= IsOnScreen(loop, display, screen, shape, drawn);
                DrawAndFlush(guest, shape, visible, ++drawn); // into what is on screen
                isRight &= IsOnScreen(loop, display, screen, shape, drawn);
            }

            var rung = guest.Statistics.Rung;
            Console.Write(string.Create(
                CultureInfo.InvariantCulture,
                $" rung={StatsName(rung.Rung)} copied={guest.Statistics.BytesCopied} picture={(isRight ? "right" : "wrong")} pinned={exporter.PinnedBytes} reason={rung.Reason}"));
            GpuHarness.Require(guest.Unref(1));
            session.CloseWindows();
            RunFor(loop, s_patience, () => exporter.PinnedBuffers == 0);
        }

        if (exporter.PinnedBuffers != 0)
            throw new InvalidOperationException($"{exporter.PinnedBuffers} buffers of {shape.Name} stay pinned");
    }

    private static void DrawAndFlush(GpuHarness guest, Shape shape, WireRect rect, uint seed)
    {
        var row = new uint[rect.Width];
        for (uint y = 0; y < rect.Height; y++)
        {
            for (var x = 0; x < row.Length; x++)
                row[x] = TestPicture.Pattern(x, (int)y, seed);
            var bytes = MemoryMarshal.AsBytes<uint>(row);
            for (var at = shape.OffsetBytes + ((ulong)(rect.Y + y) * shape.StrideBytes) + ((ulong)rect.X * 4); bytes.Length > 0;)
            {
                var n = Math.Min(bytes.Length, (int)(Page - (at % Page)));
                guest.Write(shape.AddressOf(at), bytes[..n]);
                bytes = bytes[n..];
                at += (uint)n;
            }
        }

        GpuHarness.Require(guest.Flush(1, new WireRect(0, 0, shape.Width, shape.Height)));
    }

    private static bool IsOnScreen(EventLoop loop, string display, Picture screen, Shape shape, uint seed)
    {
        var begin = Stopwatch.GetTimestamp();
        Picture shot;
        do
        {
            RunFor(loop, TimeSpan.FromMilliseconds(300), static () => false);
            shot = Screenshot.Take(display);
            if (Holds(shot, screen, seed))
                return true;
        }
        while (Stopwatch.GetElapsedTime(begin) < s_patience);
        var path = Path.Combine(Path.GetTempPath(), $"shape-{shape.Name}-{seed}.png");
        shot.WritePng(path);
        Console.Error.WriteLine($"{shape.Name}, drawn the {seed}. time, isn't on the screen, which looks like {path}");
        return false;
    }

    private static bool Holds(Picture shot, Picture screen, uint seed)
    {
        if (shot.Width != screen.Width || shot.Height != screen.Height)
            return false;
        for (var y = 0; y < shot.Height; y++)
        {
            for (var x = 0; x < shot.Width; x++)
            {
                if (shot[x, y] != (TestPicture.Pattern(x, y, seed) & 0xff_ffff))
                    return false;
            }
        }

        return true;
    }

    private static void RunFor(EventLoop loop, TimeSpan time, Func<bool> isEnough)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!isEnough() && Stopwatch.GetElapsedTime(begin) < time)
            loop.RunOnce(50);
    }

    // A mapping of more than there is would kill us later.
    private static ulong FreeHugeBytes()
    {
        ulong pages = 0, kib = 0;
        foreach (var line in File.ReadLines("/proc/meminfo"))
        {
            if (line.Split((char[])[':', ' '], StringSplitOptions.RemoveEmptyEntries) is [var name, var number, ..])
                (pages, kib) = name switch { "HugePages_Free" => (ulong.Parse(number, CultureInfo.InvariantCulture), kib), "Hugepagesize" => (pages, ulong.Parse(number, CultureInfo.InvariantCulture)), _ => (pages, kib) };
        }

        return pages * kib * 1024;
    }

    private static string StatsName(Rung rung) => rung.ToString().ToLowerInvariant();

    /// <summary>A framebuffer in a blob, and the parts of it that scanouts show.</summary>
    private sealed record Shape(string Name, uint Width, uint Height, params WireRect[] Visible)
    {
        public uint OffsetBytes { get; init; }

        public FileSeals Seals { get; init; } = FakeRam.Sealed;

        public bool HugePages { get; init; }

        /// <summary>Whether the blob is made of every second page.</summary>
        public bool Scattered { get; init; }

        public uint StrideBytes => Width * 4;

        public ulong SizeBytes => (OffsetBytes + ((ulong)StrideBytes * Height) + Page - 1) / Page * Page;

        public ulong RamBytes => (GpuHarness.Pixels + (Scattered ? 2 * SizeBytes : SizeBytes) + (2 << 20) - 1) >> 21 << 21;

        public ulong AddressOf(ulong offset) => GpuHarness.Pixels + (Scattered ? (2 * (offset / Page * Page)) + (offset % Page) : offset);

        public GuestPages[] Pages()
        {
            if (!Scattered)
                return [new GuestPages(GpuHarness.Pixels, (uint)SizeBytes)];
            var pages = new GuestPages[SizeBytes / Page];
            for (uint i = 0; i < pages.Length; i++)
                pages[i] = new GuestPages(AddressOf((ulong)i * Page), Page);
            return pages;
        }
    }
}
