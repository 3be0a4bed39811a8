// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;

namespace GuestSurfaces.Tests.Orders;

/// <summary>
/// A VM: its VMM's end of the vhost-user socket, its RAM, and the driver in it. RAM is two files: one with rings and page lists, one with pixels, which the VMM
/// can take away. Every driver that starts has rings of its own, so that nothing hides what is written into those of the one before.
/// </summary>
internal sealed class Vm : GpuDriver, IDisposable
{
    private const ulong FrontendBase = 0x7f00_0000_0000;
    private const ulong PixelBytes = 1 << 20;
    private const ulong DriverBytes = 1 << 20;
    private const ulong CursorAt = DriverBytes / 2;
    private const uint GetVringBase = 11;
    private const uint AddMemReg = 37;
    private const uint RemMemReg = 38;

    // VERSION_1, the vhost-user bit, INDIRECT_DESC, EDID, RESOURCE_BLOB; MQ, REPLY_ACK, CONFIG, RESET_DEVICE, CONFIGURE_MEM_SLOTS.
    private const ulong Features = (1UL << 32) | (1UL << 30) | (1UL << 28) | (1UL << 3) | (1UL << 1);
    private const ulong ProtocolFeatures = (1 << 0) | (1 << 3) | (1 << 9) | (1 << 13) | (1 << 15);

    private static readonly Limits s_limits = new();

    private readonly MemFdHandle _rings;
    private readonly MemFdHandle _pixels;
    private readonly FakeFrontend _frontend;
    private readonly Action _pump;
    private readonly EventFdHandle _call = EventFdHandle.Create();
    private readonly EventFdHandle _error = EventFdHandle.Create();
    private readonly List<Driver> _drivers = [];

    private Vm(MemFdHandle rings, MemFdHandle pixels, UnixSocketHandle socket, Action pump)
        : base(Map(rings, pixels))
    {
        _rings = rings;
        _pixels = pixels;
        _pump = pump;
        _frontend = new FakeFrontend(socket, static () => { });
    }

    public override DriverQueue Control => _drivers[^1].Control;

    public override DriverQueue Cursor => _drivers[^1].Cursor;

    /// <summary>Whether its process lives.</summary>
    public bool IsAlive { get; private set; } = true;

    /// <summary>Whether a driver runs in it.</summary>
    public bool IsDriven => IsAlive && _drivers.Count > 0 && _drivers[^1] is { IsStopping: false, Sealed: null };

    /// <summary>Whether the device can read its pixels.</summary>
    public bool HasPixels { get; private set; } = true;

    /// <summary>Requests of the driver that aren't answered.</summary>
    public int Pending => Control.Pending + Cursor.Pending;

    /// <summary>A VMM starts and connects; no driver runs yet.</summary>
    /// <param name="path">Where the device listens.</param>
    /// <param name="pump">Lets the device run, or not yet.</param>
    public static Vm Start(string path, Action pump)
    {
        var vm = new Vm(FakeRam.Create(Pixels), FakeRam.Create(PixelBytes), UnixSocketHandle.Connect(path), pump);
        vm.Send(16, FakeFrontend.U64(ProtocolFeatures));
        vm.Send(3, []);
        vm.Send(AddMemReg, Region(0, Pixels), vm._rings);
        vm.Send(AddMemReg, Region(Pixels, PixelBytes), vm._pixels);
        pump();
        return vm;
    }

    /// <summary>A driver starts.</summary>
    public void Boot()
    {
        var at = DriverBytes * (ulong)_drivers.Count;
        var driver = new Driver(new DriverQueue(Memory, at, 32, s_limits), new DriverQueue(Memory, at + CursorAt, 8, s_limits));
        _drivers.Add(driver);
        Send(2, FakeFrontend.U64(Features));
        for (uint i = 0; i < 2; i++)
        {
            var ring = driver.Queue(i).Layout;
            Send(14, FakeFrontend.U64(i), _error);
            Send(8, FakeFrontend.U32(i, (uint)ring.Size));
            Send(10, FakeFrontend.U32(i, 0));
            Send(9, FakeFrontend.Addresses(i, FrontendBase + ring.Descriptors, FrontendBase + ring.Available, FrontendBase + ring.Used));
            Send(12, FakeFrontend.U64(i), driver.Kicks[i]);
            Send(13, FakeFrontend.U64(i), _call);
            Send(18, FakeFrontend.U32(i, 1));
        }

        _pump();
    }

    /// <summary>The guest resets the device: every request that was taken is answered before the reset is, and the rings are never touched again.</summary>
    public void Reset()
    {
        for (uint i = 0; i < 2; i++)
            Send(GetVringBase, FakeFrontend.U32(i, 0));
        Send(34, []);
        _drivers[^1].IsStopping = true;
        _pump();
    }

    /// <summary>The VMM takes the pixels' memory away.</summary>
    public void RemovePixels()
    {
        HasPixels = false;
        Send(RemMemReg, Region(Pixels, PixelBytes));
        _pump();
    }

    /// <summary>The VMM puts it back.</summary>
    public void AddPixels()
    {
        HasPixels = true;
        Send(AddMemReg, Region(Pixels, PixelBytes), _pixels);
        _pump();
    }

    /// <summary>The VMM's process is gone.</summary>
    public void Die()
    {
        IsAlive = false;
        _frontend.Dispose();
        _pump();
    }

    /// <summary>Takes what has come, and looks whether the device keeps to the rules: no answer twice, all answers before a reset's, and none after it.</summary>
    /// <param name="hasDevice">Whether the device's process is there.</param>
    public void Check(bool hasDevice)
    {
        foreach (var driver in _drivers)
        {
            if (driver.Sealed is { } before)
            {
                Require(Used(driver).AsSpan().SequenceEqual(before), "a ring was written after its driver was gone");
                continue;
            }

            driver.Control.Collect();
            driver.Cursor.Collect();
            if (driver.IsStopping && IsAlive)
            {
                for (uint i = 0; i < 2; i++)
                {
                    var answer = _frontend.TryReceive(GetVringBase) ?? throw new InvalidOperationException($"stopping ring {i} wasn't answered");
                    Require(BitConverter.ToUInt32(answer, 4) == driver.Queue(i).Answers, $"ring {i} was stopped with requests that were taken and not answered");
                }
            }

            if (driver.IsStopping || !IsAlive || !hasDevice)
                driver.Sealed = Used(driver);
        }

        _ = _error.Drain(out var errors);
        Require(errors == 0, "the device says that a ring is broken");
        Require(!IsAlive || !hasDevice || !_frontend.IsClosed, "the device has ended the connection");
    }

    /// <summary>Does in the device's place what that may never do: gives its last answer once more.</summary>
    public void RepeatAnswer()
    {
        var (size, used) = ((ulong)Control.Layout.Size, Control.Layout.Used);
        Span<byte> index = stackalloc byte[2];
        Span<byte> entry = stackalloc byte[8];
        Require(Memory.TryRead(used + 2, index), "the ring lies outside RAM");
        var next = BitConverter.ToUInt16(index);
        Require(Memory.TryRead(used + 4 + (8 * ((next - 1UL) % size)), entry), "the ring lies outside RAM");
        Write(used + 4 + (8 * (next % size)), entry);
        Write(used + 2, BitConverter.GetBytes((ushort)(next + 1)));
    }

    public void Dispose()
    {
        _frontend.Dispose();
        foreach (var driver in _drivers)
            driver.Dispose();
        _call.Dispose();
        _error.Dispose();
        Memory.Dispose();
        _rings.Dispose();
        _pixels.Dispose();
    }

    /// <inheritdoc/>
    protected override void Notify(int queue)
    {
        _ = _drivers[^1].Kicks[queue].Signal();
        _pump();
    }

    private static GuestMemory Map(MemFdHandle rings, MemFdHandle pixels)
    {
        var memory = new GuestMemory();
        Require(memory.TryAdd(FakeRam.Region(rings, 0, Pixels)) && memory.TryAdd(FakeRam.Region(pixels, Pixels, PixelBytes)), "the regions overlap");
        return memory;
    }

    private static byte[] Region(ulong address, ulong bytes) => FakeFrontend.U64(0, address, bytes, FrontendBase + address, 0);

    private static void Require(bool isKept, string rule)
    {
        if (!isKept)
            throw new InvalidOperationException(rule);
    }

    private void Send(uint request, ReadOnlySpan<byte> payload, params ReadOnlySpan<FdHandle> fds) => _frontend.Send(request, payload, FakeFrontend.Version, fds);

    /// <summary>What the device writes of the driver's rings.</summary>
    private byte[] Used(Driver driver)
    {
        var bytes = new byte[UsedBytes(driver.Control) + UsedBytes(driver.Cursor)];
        Require(
            Memory.TryRead(driver.Control.Layout.Used, bytes.AsSpan(0, UsedBytes(driver.Control))) && Memory.TryRead(driver.Cursor.Layout.Used, bytes.AsSpan(UsedBytes(driver.Control))),
            "the rings lie outside RAM");
        return bytes;

        static int UsedBytes(DriverQueue queue) => 6 + (8 * queue.Layout.Size);
    }

    private sealed class Driver(DriverQueue control, DriverQueue cursor) : IDisposable
    {
        public DriverQueue Control => control;

        public DriverQueue Cursor => cursor;

        public EventFdHandle[] Kicks { get; } = [EventFdHandle.Create(), EventFdHandle.Create()];

        /// <summary>Whether the device was told to stop its rings.</summary>
        public bool IsStopping { get; set; }

        /// <summary>Its rings as they must stay; null while they are in use.</summary>
        public byte[]? Sealed { get; set; }

        public DriverQueue Queue(uint index) => index == 0 ? control : cursor;

        public void Dispose()
        {
            foreach (var kick in Kicks)
                kick.Dispose();
        }
    }
}
