// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>
/// Turns bytes into the life of a GPU: commands with any numbers, a display that holds on and lets go, time, resets. Nothing may throw, no limit may be
/// exceeded, every command is answered once, and in the end nothing is left.
/// </summary>
public static class GpuCommandFuzz
{
    private static readonly Limits s_limits = new()
    {
        MaxDimension = 256,
        MaxResources = 8,
        MaxHostPixelBytes = 1 << 20,
        MaxBackingBytes = 1 << 20,
        MaxBackingEntries = 64,
        MaxTotalBackingEntries = 128,
        MaxCursorSide = 64,
    };

    /// <summary>Numbers that break things.</summary>
    private static readonly uint[] s_numbers =
    [
        0, 1, 15, 16, 63, 64, 65, 255, 256, 257, 4096, 16384, 16385, 65536, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff,
        (uint)GpuHarness.Pixels, (uint)GpuHarness.RegionBytes - 100, (uint)GpuHarness.RamBytes - 16, (uint)GpuHarness.RamBytes,
    ];

    /// <summary>Runs one input.</summary>
    /// <param name="input">Any bytes.</param>
    /// <returns>How many frames reached the display: whether an input gets anywhere.</returns>
    public static long Run(ReadOnlySpan<byte> input)
    {
        var kind = Next(ref input);
        var exporter = (kind & 2) != 0 ? new FewBuffers() : null;
        var options = new VirtioGpuOptions { ScanoutCount = 3, OfferUuid = true, Alias2D = exporter is not null, Exporter = exporter is null ? NoBufferExporter.Instance : exporter };
        using var gpu = new GpuHarness(options, s_limits, withSession: (kind & 1) != 0);
        var held = new List<BufferStorage>();
        gpu.Display.Holds = true;
        var body = new uint[18];
        while (!input.IsEmpty)
        {
            switch (Next(ref input) % 24)
            {
                case < 14:
                    Command(gpu, ref input, body);
                    break;
                case < 16:
                    Words(ref input, body.AsSpan(0, 8));
                    gpu.Cursor.Post(gpu.Compose(0x300u + (uint)(Next(ref input) & 1), MemoryMarshal.AsBytes(body.AsSpan(0, 8)), 0, 0, 0, 0), 0, 0, Next(ref input) & 31);
                    gpu.KickCursor();
                    break;
                case 16:
                    gpu.Device.FrameSettled(Next(ref input) % 4, Next(ref input));
                    break;
                case 17:
                    gpu.Session?.Superseded(Next(ref input) % 3, gpu.Display.LastSerial);
                    gpu.Session?.Latched(Next(ref input) % 3, gpu.Display.LastSerial, gpu.Clock.NowNs);
                    break;
                case 18 or 19:
                    gpu.Run(Next(ref input) * 500_000L);
                    break;
                case 20:
                    Collect(gpu, held);
                    if (held.Count > 0)
                    {
                        var at = Next(ref input) % held.Count;
                        held[at].Unlock();
                        held.RemoveAt(at);
                    }

                    break;
                case 21:
                    gpu.Device.SetMode(Next(ref input) % 4, new OutputMode(new BufferSize((int)Word(ref input), (int)Word(ref input)), Next(ref input) * 1000, 0, 0, (Next(ref input) & 1) != 0));
                    gpu.Device.WriteConfig((uint)(Next(ref input) % 16), [1]);
                    break;
                case 22:
                    gpu.Device.MemoryChanged();
                    if (exporter is not null)
                        Judge(gpu, Next(ref input));
                    break;
                default:
                    Restart(gpu, (Next(ref input) & 3) == 0, Next(ref input));
                    break;
            }

            gpu.Control.Collect();
            Check(gpu.Device.ResourceCount <= s_limits.MaxResources, "more resources than the limit");
            Check(gpu.Device.HostPixelBytes <= s_limits.MaxHostPixelBytes, "more host memory than the limit");
            Check(gpu.Control.Queue.BrokenReason is null && gpu.Cursor.Queue.BrokenReason is null, "a command broke the ring");
        }

        gpu.Device.StopQueue(0);
        gpu.Control.Collect();
        Check(gpu.Device.HeldAnswers == 0 && gpu.Cursor.Queue.InFlight == 0, "something was not answered");
        gpu.Device.Reset();
        Collect(gpu, held);
        foreach (var storage in held)
            storage.Unlock();
        Check(gpu.Device.HostPixelBytes == 0, "a storage stayed open");
        Check(exporter is null or { Open: 0 }, "guest pages stayed pinned");
        gpu.Display.Holds = false;
        return gpu.Display.FrameCount;
    }

    // The display refuses what it was shown last, or may have changed its mind.
    private static void Judge(GpuHarness gpu, int choice)
    {
        IGuestTransport device = gpu.Device;
        if ((choice & 1) != 0 && gpu.Display.LastStorage is { } last)
            device.BufferRefused(choice >> 1 & 3, last, "no");
        if ((choice & 8) != 0)
            device.DisplayChanged();
    }

    private static void Command(GpuHarness gpu, ref ReadOnlySpan<byte> input, uint[] body)
    {
        if (gpu.Control.Queue.InFlight > 100)
            Restart(gpu, false, 0xff);
        var kind = Next(ref input);
        var type = kind < 0xc0 ? 0x100u + (kind % 15u) : kind < 0xf0 ? 0x200u + (kind % 12u) : Word(ref input);
        Words(ref input, body);
        var flags = Next(ref input);
        var length = (flags & 0xc0) == 0xc0 ? Next(ref input) % 73 : 72;
        var pages = flags >> 2 & 7;
        Span<byte> list = stackalloc byte[7 * 16];
        for (var i = 0; i < pages; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(list[(i * 16)..], Word(ref input));
            BinaryPrimitives.WriteUInt32LittleEndian(list[((i * 16) + 8)..], Word(ref input));
        }

        gpu.Write(GpuHarness.PageLists, list);
        var size = Math.Min(length, BodySize(type));
        gpu.Post(
            type, MemoryMarshal.AsBytes(body.AsSpan())[..size], Next(ref input), GpuHarness.PageLists, (uint)pages * 16, Next(ref input) * 8,
            flags & 3u, context: flags, ring: (byte)(flags >> 1));
        if ((flags & 0x20) == 0)
            gpu.Kick();
    }

    private static int BodySize(uint type) => Math.Max(GpuCommand.RequestSize((VirtioGpuCommandType)type) - GpuHeader.Bytes, 8);

    private static void Restart(GpuHarness gpu, bool reset, int features)
    {
        gpu.Device.StopQueue(0);
        gpu.Device.StopQueue(1);
        gpu.Control.Collect();
        if (reset)
            gpu.Device.Reset();
        gpu.Device.SetFeatures((ulong)features);
        gpu.Device.StartQueue(0, gpu.Control.Queue);
        gpu.Device.StartQueue(1, gpu.Cursor.Queue);
        gpu.Run(100_000_000);
    }

    private static void Collect(GpuHarness gpu, List<BufferStorage> held)
    {
        foreach (var frame in gpu.Display.Frames)
            held.Add(frame.Storage);
        foreach (var cursor in gpu.Display.Cursors)
        {
            if (cursor.Image.Storage is { } storage)
                held.Add(storage);
        }

        gpu.Display.Frames.Clear();
        gpu.Display.Cursors.Clear();
    }

    private static void Words(ref ReadOnlySpan<byte> input, Span<uint> words)
    {
        foreach (ref var word in words)
            word = Word(ref input);
    }

    /// <summary>Small numbers are themselves, so that one resource is named often; then come the nasty ones, then any.</summary>
    private static uint Word(ref ReadOnlySpan<byte> input)
    {
        var b = Next(ref input);
        if (b < 200)
            return b & 7u;
        if (b < 200 + s_numbers.Length)
            return s_numbers[b - 200];
        return Next(ref input) | ((uint)Next(ref input) << 8);
    }

    private static byte Next(ref ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return 0;
        var b = input[0];
        input = input[1..];
        return b;
    }

    private static void Check(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException(what);
    }

    /// <summary>An exporter with room for few buffers, which are memfds.</summary>
    private sealed class FewBuffers : IGuestBufferExporter, IBufferConsumer
    {
        private const int Room = 4;
        private static readonly RungReport s_full = new(Rung.Copy, "no room");
        private bool _lacksRoom;

        public int Open { get; private set; }

        public int RoomMade { get; private set; }

        public BufferStorage? TryExport(GuestMemory memory, BackingList backing, ulong sizeBytes, out RungReport decline)
        {
            decline = s_full;
            Check(sizeBytes > 0 && sizeBytes <= backing.LengthBytes, "a buffer longer than its pages");
            _lacksRoom |= Open == Room;
            if (Open == Room || BufferStorage.TryAllocate("fuzz-export", sizeBytes, null, out _) is not { } storage)
                return null;
            Open++;
            storage.Subscribe(this);
            return storage;
        }

        public void OnClosed(BufferStorage storage)
        {
            Open--;
            RoomMade += _lacksRoom ? 1 : 0;
            _lacksRoom = false;
        }
    }
}
