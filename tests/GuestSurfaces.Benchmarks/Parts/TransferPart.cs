// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Benchmarks.Measuring;
using GuestSurfaces.Benchmarks.Reporting;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Benchmarks.Parts;

/// <summary>
/// TRANSFER_TO_HOST_2D from a kick to the answers in the used ring, beside plain copies of the same bytes of the same guest RAM into another memfd of the same
/// size. Guest pages are 4 KiB each, shuffled, in one memory region as a guest's mostly are.
/// </summary>
internal static partial class TransferPart
{
    private const int PageBytes = 4096;
    private const int Rounds = 25;
    private const long BytesPerRound = 256L << 20;

    private static readonly (string Name, uint Width, uint Height, uint PartWidth, uint PartHeight)[] s_cases =
    [
        ("1920x1080, whole", 1920, 1080, 1920, 1080),
        ("3840x2160, whole", 3840, 2160, 3840, 2160),
        ("1920x1080, 960x540 parts", 1920, 1080, 960, 540),
        ("3840x2160, 256x256 parts", 3840, 2160, 256, 256),
        ("1920x1080, 64x64 parts", 1920, 1080, 64, 64),
    ];

    public static PartResult Run()
    {
        var figures = new List<Figure>();
        foreach (var one in s_cases)
        {
            using var bench = new Bench(one.Width, one.Height, one.PartWidth, one.PartHeight);
            bench.Ours();
            bench.Baseline();
            Thread.Sleep(200); // the last tier of compiled code is made in the background
            bench.Ours();
            bench.Forget();
            Interleaved.Run(Rounds, bench.Ours, bench.Baseline);

            // Each round against its own neighbour: the machine's speed changes from round to round.
            var ratio = bench.BaselineNs.MedianRatioTo(bench.OursNs);
            figures.Add(Figure.AtLeast(one.Name, bench.BytesPerPass / bench.OursNs.Median, bench.BytesPerPass / bench.BaselineNs.Median, "GB/s", 0.9) with { Ratio = ratio, IsMet = ratio >= 0.9 });
        }

        return new PartResult("transfer", "TRANSFER_TO_HOST_2D from scattered 4 KiB pages, beside memcpy of the same rows", figures);
    }

    private sealed unsafe partial class Bench : IDisposable
    {
        private const int ProtReadWrite = 3;
        private const int MapShared = 1;
        private const int MostPosts = 16; // to a kick: the driver's own pages shouldn't push the pixels out of the caches
        private const int Places = 256;

        private readonly GpuHarness _guest = new();
        private readonly byte[][] _bodies;
        private readonly (nuint From, nuint To, uint Length)[][] _segments;
        private readonly MemFdHandle _targetFile;
        private readonly byte* _ram;
        private readonly byte* _target;
        private readonly nuint _targetBytes;
        private readonly int _posts;
        private readonly int _passes;

        public Bench(uint width, uint height, uint partWidth, uint partHeight)
        {
            var bytes = width * height * 4;
            var pages = new GuestPages[(bytes + PageBytes - 1) / PageBytes];
            var frames = new uint[GpuHarness.RegionBytes / PageBytes];
            for (var i = 0; i < frames.Length; i++)
                frames[i] = (uint)i;
            new Random(1).Shuffle(frames);
            for (var i = 0; i < pages.Length; i++)
                pages[i] = new GuestPages(GpuHarness.RegionBytes + ((ulong)frames[i] * PageBytes), PageBytes);
            GpuHarness.Require(_guest.Create2D(1, width, height));
            GpuHarness.Require(_guest.Attach(1, pages));
            for (var i = 0; i < pages.Length; i++)
                _guest.Write(pages[i].Address, BitConverter.GetBytes(i)); // the pages exist

            BytesPerPass = partWidth * partHeight * 4.0;
            var commands = Math.Max(1, BytesPerRound / (long)BytesPerPass);
            _posts = (int)Math.Min(commands, MostPosts);
            _passes = (int)(commands / _posts);

            // Parts lie all over the picture: a guest transfers what it has drawn, not the same pixels again and again.
            var random = new Random(2);
            var places = partWidth == width ? 1 : Places;
            _bodies = new byte[places][];
            _segments = new (nuint, nuint, uint)[places][];
            for (var i = 0; i < places; i++)
            {
                var rect = new WireRect((uint)random.Next((int)(width - partWidth + 1)), (uint)random.Next((int)(height - partHeight + 1)), partWidth, partHeight);
                var offset = ((rect.Y * width) + rect.X) * 4UL;
                _bodies[i] = GpuHarness.Words(rect.X, rect.Y, rect.Width, rect.Height, (uint)offset, 0, 1, 0);
                _segments[i] = [.. Segments(pages, width * 4, offset, rect)];
            }

            _targetBytes = bytes;
            _targetFile = MemFdHandle.TryCreateSealed("memcpy-target", bytes, out var errno) ?? throw new SyscallException("making the baseline's target", errno);
            _target = Map(_targetFile, _targetBytes);
            var ram = _guest.Memory.Regions[0].Bytes.File;
            _ram = Map(ram, (nuint)GpuHarness.RamBytes);
        }

        public double BytesPerPass { get; }

        public Samples OursNs { get; } = new(Rounds);

        public Samples BaselineNs { get; } = new(Rounds);

        public void Forget()
        {
            OursNs.Clear();
            BaselineNs.Clear();
        }

        public void Ours()
        {
            var total = 0L;
            for (var pass = 0; pass < _passes; pass++)
            {
                for (var i = 0; i < _posts; i++)
                    _guest.Post((uint)VirtioGpuCommandType.TransferToHost2D, _bodies[((pass * _posts) + i) % _bodies.Length]);
                var start = Clocks.NowNs();
                _guest.Device.QueueKicked(0);
                total += Clocks.NowNs() - start;
                _guest.Control.Collect();
                if (_guest.Control.IsPending(_posts - 1))
                    throw new InvalidOperationException("a transfer wasn't answered at once");
            }

            OursNs.Add((double)total / (_passes * _posts));
        }

        public void Baseline()
        {
            var start = Clocks.NowNs();
            for (var pass = 0; pass < _passes * _posts; pass++)
            {
                // SAFETY: every segment was cut from ranges inside both mappings.
                foreach (ref readonly var segment in _segments[pass % _segments.Length].AsSpan())
                    Buffer.MemoryCopy(_ram + segment.From, _target + segment.To, segment.Length, segment.Length);
            }

            BaselineNs.Add((double)(Clocks.NowNs() - start) / (_passes * _posts));
        }

        public void Dispose()
        {
            // SAFETY: both mappings are ours and not used any more.
            _ = munmap(_ram, (nuint)GpuHarness.RamBytes);
            _ = munmap(_target, _targetBytes);
            _targetFile.Dispose();
            _guest.Dispose();
        }

        private static IEnumerable<(nuint From, nuint To, uint Length)> Segments(GuestPages[] pages, uint stride, ulong offset, WireRect rect)
        {
            // Rows without gaps are one stretch, for both.
            var rows = rect.Width * 4 == stride ? 1 : rect.Height;
            var rowBytes = rect.Width * 4UL * (rect.Height / rows);
            for (ulong row = 0; row < rows; row++)
            {
                var at = offset + (row * stride);
                for (var left = rowBytes; left > 0;)
                {
                    var within = at % PageBytes;
                    var n = Math.Min(left, PageBytes - within);
                    yield return ((nuint)(pages[at / PageBytes].Address + within), (nuint)at, (uint)n);
                    at += n;
                    left -= n;
                }
            }
        }

        private static byte* Map(FdHandle file, nuint bytes)
        {
            var at = (byte*)mmap(null, bytes, ProtReadWrite, MapShared, (int)file.DangerousGetHandle(), 0);
            return at == (byte*)-1 ? throw new InvalidOperationException("a mapping for the baseline can't be made") : at;
        }

        [LibraryImport("libc")]
        private static partial void* mmap(void* at, nuint bytes, int protection, int flags, int fd, long offset);

        [LibraryImport("libc")]
        private static partial int munmap(void* at, nuint bytes);
    }
}
