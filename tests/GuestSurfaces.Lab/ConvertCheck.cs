// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Diagnostics;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Conversion;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Virtio;

namespace GuestSurfaces.Lab;

/// <summary>
/// The convert rung's GPU side against a real EGL, without a DRM device: every format is drawn, read back, and compared with what the CPU makes of the same bytes by a
/// computation of its own. Without /dev/udmabuf plain memfds stand in for dma-bufs, which software Mesa maps.
/// </summary>
internal sealed class ConvertCheck : IDisposable
{
    private static readonly string[] s_formats = ["XR24", "AR24", "XB24", "AB24", "RX24", "RA24", "BX24", "BA24"];

    private readonly EglDevice _device;
    private readonly IUdmabufDevice _udmabuf;
    private readonly IReadOnlyList<DmabufTarget> _choices = [new DmabufTarget(DrmFormat.Xrgb8888, [DrmModifier.Linear], 0, IsScanout: false)];
    private readonly Random _random = new(20_26);
    private int _failed;

    private ConvertCheck(EglDevice device, IUdmabufDevice udmabuf)
    {
        _device = device;
        _udmabuf = udmabuf;
    }

    /// <summary>Checks everything, a line each.</summary>
    /// <returns>The exit code: 0 if all is well, 1 if something isn't, 3 without a GPU or software that can do it.</returns>
    public static int Run()
    {
        using var leaks = new FdLeakCheck();
        var device = EglDevice.TryOpen(mainDevice: 0, () => (OpenUdmabuf(), null), out var failure);
        if (device is null)
        {
            Console.WriteLine(failure!.Reason);
            return 3;
        }

        using var check = new ConvertCheck(device, OpenUdmabuf());
        Console.WriteLine($"{device.Renderer} with {device.Memory}");
        check.CheckFormats();
        check.CheckDamage();
        check.CheckVideo();
        check.CheckRefusals();
        check.CheckSpeed();
        Console.WriteLine(check._failed == 0 ? "all is well" : $"{check._failed} checks failed");
        return check._failed == 0 ? 0 : 1;
    }

    public void Dispose()
    {
        _device.Dispose();
        _udmabuf.Dispose();
    }

    private static IUdmabufDevice OpenUdmabuf() => UdmabufHandle.TryOpen(out _) ?? (IUdmabufDevice)new FakeUdmabuf(1024, 256, 4096);

    private void CheckFormats()
    {
        foreach (var letters in s_formats)
        {
            var format = DrmFormat.FromLetters(letters);
            CheckRgb(format, new BufferSize(128, 60), strideBytes: 512, offsetBytes: 0, new BufferRect(0, 0, 128, 60));
            CheckRgb(format, new BufferSize(640, 48), strideBytes: 2560, offsetBytes: 4096, new BufferRect(40, 8, 333, 17));
            if (_device.IsSoftware)
                CheckRgb(format, new BufferSize(101, 61), strideBytes: 409, offsetBytes: 3, new BufferRect(0, 0, 101, 61)); // hardware has its own mind about pitches
        }
    }

    private void CheckRgb(DrmFormat format, BufferSize size, uint strideBytes, uint offsetBytes, BufferRect crop)
    {
        var what = $"{format} {size} stride {strideBytes} offset {offsetBytes} crop {crop}";
        using var pixels = new Pixels(_udmabuf, offsetBytes + (strideBytes * (ulong)size.Height));
        var source = pixels.Source(new BufferView(size, format, DrmModifier.Linear, offsetBytes, strideBytes));
        if (Allocate(crop.Size, what) is not { } target)
            return;
        for (var round = 0; round < 2; round++)
        {
            pixels.Fill(_random); // the second time what the GPU has seen already changes under it
            var refusal = _device.TryDraw(source, crop, target.Gpu, DamageList.Of(crop.Size.Whole));
            if (refusal is not null)
            {
                Check(what, false, refusal.Reason);
                break;
            }

            var wrong = 0;
            for (var y = 0; y < crop.Height; y++)
            {
                for (var x = 0; x < crop.Width; x++)
                {
                    var raw = pixels.U32(offsetBytes + ((ulong)(crop.Y + y) * strideBytes) + ((ulong)(crop.X + x) * 4));
                    if (ToRgb(raw, format) != target.Rgb(x, y))
                        wrong++;
                }
            }

            Check($"{what}, {(round == 0 ? "first" : "again")}", wrong == 0, $"{wrong} pixels are wrong");
        }

        _device.Release(source);
        Free(target);
    }

    private void CheckDamage()
    {
        var size = new BufferSize(256, 100);
        using var pixels = new Pixels(_udmabuf, 1024 * 100);
        var source = pixels.Source(new BufferView(size, DrmFormat.Rgbx8888, DrmModifier.Linear, 0, 1024));
        if (Allocate(size, "damage") is not { } target)
            return;
        pixels.Fill(_random);
        var before = new uint[size.Width * size.Height];
        _ = _device.TryDraw(source, size.Whole, target.Gpu, DamageList.Of(size.Whole));
        for (var i = 0; i < before.Length; i++)
            before[i] = target.Rgb(i % size.Width, i / size.Width);
        pixels.Fill(_random);
        var damage = DamageList.Of(new BufferRect(3, 5, 7, 11));
        damage.Add(new BufferRect(255, 99, 1, 1));
        damage.Add(new BufferRect(100, 0, 20, 1));
        _ = _device.TryDraw(source, size.Whole, target.Gpu, in damage);
        var wrong = 0;
        for (var y = 0; y < size.Height; y++)
        {
            for (var x = 0; x < size.Width; x++)
            {
                var isDamaged = Enumerable.Range(0, damage.Count).Any(i => damage[i].Contains(new BufferRect(x, y, 1, 1)));
                var expected = isDamaged ? ToRgb(pixels.U32(((ulong)y * 1024) + ((ulong)x * 4)), DrmFormat.Rgbx8888) : before[(y * size.Width) + x];
                if (target.Rgb(x, y) != expected)
                    wrong++;
            }
        }

        Check("damage is drawn, and nothing else", wrong == 0, $"{wrong} pixels are wrong");
        _device.Release(source);
        Free(target);
    }

    private void CheckVideo()
    {
        foreach (var (letters, size) in (ReadOnlySpan<(string, BufferSize)>)[("NV12", new(128, 60)), ("NV12", new(101, 61)), ("NV12", new(1280, 720)), ("P010", new(128, 60)), ("P010", new(1280, 720))])
        {
            var bytes = letters == "P010" ? 2u : 1u;
            var stride = (((uint)size.Width + 1) & ~1u) * bytes;
            var chromaAt = stride * (uint)size.Height;
            using var pixels = new Pixels(_udmabuf, chromaAt + (stride * (ulong)((size.Height + 1) / 2)));
            var format = DrmFormat.FromLetters(letters);
            var source = pixels.Source(new BufferView(size, format, DrmModifier.Linear, [new PlaneLayout(0, 0, stride), new PlaneLayout(0, chromaAt, stride)]));
            if (Allocate(size, letters) is not { } target)
                return;
            pixels.Fill(_random);
            var refusal = _device.TryDraw(source, size.Whole, target.Gpu, DamageList.Of(size.Whole));
            var worst = 0;
            for (var y = 0; refusal is null && y < size.Height; y++)
            {
                for (var x = 0; x < size.Width; x++)
                {
                    var luma = Sample((ulong)y * stride, x);
                    var row = chromaAt + ((ulong)(y / 2) * stride);
                    var expected = FromVideo(luma, Sample(row, x & ~1), Sample(row, (x & ~1) + 1), bytes == 2, size.Height >= 720);
                    var got = target.Rgb(x, y);
                    for (var shift = 0; shift < 24; shift += 8)
                        worst = Math.Max(worst, Math.Abs((int)((expected >> shift) & 255) - (int)((got >> shift) & 255)));
                }
            }

            Check($"{letters} {size} by {(size.Height >= 720 ? "BT.709" : "BT.601")}, limited range", refusal is null && worst <= 1, refusal?.Reason ?? $"off by {worst} levels");
            _device.Release(source);
            Free(target);

            int Sample(ulong row, int index) => bytes == 1 ? pixels.U8(row + (ulong)index) : pixels.U16(row + ((ulong)index * 2)) >> 6;
        }
    }

    private void CheckRefusals()
    {
        using var pixels = new Pixels(_udmabuf, 64 * 64 * 4);
        var unknown = pixels.Source(new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, new DrmModifier(0x7f00_0000_0000_1234), 0, 256));
        if (Allocate(new BufferSize(64, 64), "refusals") is not { } target)
            return;
        var refusal = _device.TryDraw(unknown, new BufferRect(0, 0, 64, 64), target.Gpu, DamageList.Of(new BufferRect(0, 0, 64, 64)));
        Check("a layout that no GPU has is refused with a reason", refusal is not null && unknown.Refusal == refusal, refusal?.Reason ?? "it was drawn");
        var well = pixels.Source(new BufferView(new BufferSize(64, 64), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, 256));
        refusal = _device.TryDraw(well, new BufferRect(0, 0, 64, 64), target.Gpu, DamageList.Of(new BufferRect(0, 0, 64, 64)));
        Check("and the next picture is drawn", refusal is null, refusal?.Reason ?? string.Empty);
        _device.Release(unknown);
        _device.Release(well);
        Free(target);
        var tooLarge = _device.TryAllocate(new BufferSize(1 << 20, 16), _choices, out var failure);
        Check("a target larger than any is refused with a reason", tooLarge is null && failure is not null, failure?.Reason ?? "it was made");
    }

    private void CheckSpeed()
    {
        const int frames = 30;
        var size = new BufferSize(1920, 1080);
        using var pixels = new Pixels(_udmabuf, 1920 * 1080 * 4);
        var source = pixels.Source(new BufferView(size, DrmFormat.Rgbx8888, DrmModifier.Linear, 0, 1920 * 4));
        if (Allocate(size, "speed") is not { } target)
            return;
        _ = _device.TryDraw(source, size.Whole, target.Gpu, DamageList.Of(size.Whole));
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < frames; i++)
            _ = _device.TryDraw(source, size.Whole, target.Gpu, DamageList.Of(size.Whole));
        Console.WriteLine($"a whole 1080p picture takes {Stopwatch.GetElapsedTime(start).TotalMilliseconds / frames:F1} ms");
        _device.Release(source);
        Free(target);
    }

    private static uint ToRgb(uint raw, DrmFormat format)
    {
        Span<byte> memory = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(memory, raw);
        var letters = format.ToString();
        var value = 0u;
        foreach (var colour in "RGB")
        {
            // "XR24" names bits from the highest down: X R G B is B first in memory; the two letters tell which end X and R are on.
            var order = letters[..2] switch { "XR" or "AR" => "BGRX", "XB" or "AB" => "RGBX", "RX" or "RA" => "XBGR", _ => "XRGB" };
            value = (value << 8) | memory[order.IndexOf(colour, StringComparison.Ordinal)];
        }

        return value;
    }

    private static uint FromVideo(int luma, int blue, int red, bool isTenBits, bool isHd)
    {
        var unit = isTenBits ? 4.0 : 1.0;
        var (kr, kb) = isHd ? (0.2126, 0.0722) : (0.299, 0.114);
        var y = (luma - (16 * unit)) / (219 * unit);
        var pb = (blue - (128 * unit)) / (112 * unit);
        var pr = (red - (128 * unit)) / (112 * unit);
        var r = y + ((1 - kr) * pr);
        var b = y + ((1 - kb) * pb);
        var g = (y - (kr * r) - (kb * b)) / (1 - kr - kb);
        return (Level(r) << 16) | (Level(g) << 8) | Level(b);

        static uint Level(double value) => (uint)Math.Round(Math.Clamp(value, 0, 1) * 255);
    }

    private DrawnTarget? Allocate(BufferSize size, string what)
    {
        var target = _device.TryAllocate(size, _choices, out var failure);
        if (target is null)
            Check($"{what}: a target", false, failure!.Reason);
        return target is null ? null : new DrawnTarget(target);
    }

    private void Free(DrawnTarget target)
    {
        _device.Release(target.Gpu);
        target.Dispose();
    }

    private void Check(string what, bool isWell, string otherwise)
    {
        Console.WriteLine(isWell ? $"ok     {what}" : $"FAILED {what}: {otherwise}");
        if (!isWell)
            _failed++;
    }

    /// <summary>A guest's memory, and a dma-buf of it.</summary>
    private sealed class Pixels : IDisposable
    {
        private readonly DmabufHandle _dmabuf;
        private readonly SharedRegion _region;

        public Pixels(IUdmabufDevice udmabuf, ulong bytes)
        {
            bytes = (bytes + 4095) & ~4095ul;
            using var memory = FakeRam.Create(bytes);
            _dmabuf = udmabuf.TryCreate([new UdmabufItem(memory, 0, bytes)], out var errno) ?? throw new SyscallException("making a dma-buf", errno);
            _region = SharedRegion.TryOpen(_dmabuf.Duplicate<DmabufHandle>(), 0, bytes, mayMap: true, out errno) ?? throw new SyscallException("mapping a dma-buf", errno);
        }

        public GpuSource Source(BufferView view) => new([_dmabuf.Duplicate<DmabufHandle>()], view);

        public void Fill(Random random)
        {
            var bytes = new byte[_region.LengthBytes];
            random.NextBytes(bytes);
            _region.TryWrite(0, bytes);
        }

        public uint U32(ulong offset) => _region.TryRead(offset, out uint value) ? value : throw new InvalidOperationException();

        public ushort U16(ulong offset) => _region.TryRead(offset, out ushort value) ? value : throw new InvalidOperationException();

        public byte U8(ulong offset) => _region.TryRead(offset, out byte value) ? value : throw new InvalidOperationException();

        public void Dispose()
        {
            _region.Dispose();
            _dmabuf.Dispose();
        }
    }

    private sealed class DrawnTarget : IDisposable
    {
        private readonly SharedRegion _region;

        public DrawnTarget(GpuTarget target)
        {
            Gpu = target;
            var plane = target.Planes[0].Duplicate<DmabufHandle>();
            _region = SharedRegion.TryOpen(plane, 0, plane.GetSizeBytes(), mayMap: true, out var errno) ?? throw new SyscallException("mapping a target", errno);
        }

        public GpuTarget Gpu { get; }

        public uint Rgb(int x, int y)
        {
            var plane = Gpu.View.Plane(0);
            var offset = plane.OffsetBytes + ((ulong)y * plane.StrideBytes) + ((ulong)x * 4);
            return _region.TryRead(offset, out uint value) ? value & 0xff_ffff : throw new InvalidOperationException();
        }

        public void Dispose()
        {
            _region.Dispose();
            foreach (var plane in Gpu.Planes)
                plane.Dispose();
        }
    }
}
