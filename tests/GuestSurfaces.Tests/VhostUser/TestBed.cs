// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.VhostUser;

/// <summary>A back-end with a stub device, and a front-end played by the test, in one thread.</summary>
internal sealed class TestBed : IDisposable
{
    public const ulong RamBytes = 1 << 20;
    public const ulong FrontendBase = 0x7f00_0000_0000;
    public const ulong AllFeatures = (1UL << 1) | (1UL << 28) | (1UL << 29) | (1UL << 30) | (1UL << 32);
    public const ulong AllProtocolFeatures = (1 << 0) | (1 << 3) | (1 << 5) | (1 << 9) | (1 << 13) | (1 << 15) | (1 << 16);
    private readonly List<FdHandle> _owned = [];

    public TestBed(StubDevice? device = null, Limits? limits = null, Action<UnixSocketHandle>? onGpuSocket = null)
    {
        Device = device ?? new StubDevice();
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        Server = VhostUserServer.Serve(Loop, ours, Device, new VhostUserOptions { Logger = Log, Limits = limits ?? new Limits(), OnGpuSocket = onGpuSocket });
        Frontend = new FakeFrontend(theirs, Pump);
        RamFile = FakeRam.Create(RamBytes);
        Ram = new GuestMemory();
        Assert.True(Ram.TryAdd(FakeRam.Region(RamFile, 0, RamBytes)));
    }

    public EventLoop Loop { get; } = new();

    public StubDevice Device { get; }

    public VhostUserServer Server { get; }

    public FakeFrontend Frontend { get; }

    public ListLogger Log { get; } = new();

    /// <summary>The guest's RAM as the test sees it.</summary>
    public GuestMemory Ram { get; }

    public MemFdHandle RamFile { get; }

    public FakeDriver? Driver { get; private set; }

    public EventFdHandle? Kick { get; private set; }

    public EventFdHandle? Call { get; private set; }

    public EventFdHandle? Err { get; private set; }

    public void Pump()
    {
        for (var i = 0; i < 8; i++)
            Loop.RunOnce(0);
    }

    public T Own<T>(T handle)
        where T : FdHandle
    {
        _owned.Add(handle);
        return handle;
    }

    public void Negotiate(ulong features = AllFeatures, ulong protocolFeatures = AllProtocolFeatures)
    {
        Frontend.Send(16, FakeFrontend.U64(protocolFeatures));
        Frontend.Send(3, []);
        Frontend.Send(2, FakeFrontend.U64(features));
    }

    public void SendMemory() => Frontend.Send(5, FakeFrontend.Table(new FakeRegion(0, RamBytes, FrontendBase, 0)), FakeFrontend.Version, RamFile);

    /// <summary>Sets up one ring as QEMU does, all but the enabling.</summary>
    public void SetUpRing(uint index = 0, int size = 16, ushort start = 0, ulong at = 0x1000)
    {
        Driver = new FakeDriver(Ram, at, size, eventIndex: true, start);
        Kick = Own(EventFdHandle.Create());
        Call = Own(EventFdHandle.Create());
        Err = Own(EventFdHandle.Create());
        Frontend.Send(14, FakeFrontend.U64(index), FakeFrontend.Version, Err);
        Frontend.Send(8, FakeFrontend.U32(index, (uint)size));
        Frontend.Send(10, FakeFrontend.U32(index, start));
        Frontend.Send(9, FakeFrontend.Addresses(index, FrontendBase + Driver.Descriptors, FrontendBase + Driver.Available, FrontendBase + Driver.Used));
        Frontend.Send(12, FakeFrontend.U64(index), FakeFrontend.Version, Kick);
        Frontend.Send(13, FakeFrontend.U64(index), FakeFrontend.Version, Call);
    }

    public void Enable(uint index = 0, bool enabled = true) => Frontend.Send(18, FakeFrontend.U32(index, enabled ? 1u : 0u));

    /// <summary>From nothing to a running ring 0.</summary>
    public void Start(int size = 16)
    {
        Negotiate();
        SendMemory();
        SetUpRing(size: size);
        Enable();
        KickAndPump();
    }

    public void KickAndPump()
    {
        Assert.Equal(Errno.None, Kick!.Signal());
        Pump();
    }

    public ulong Calls()
    {
        Assert.Equal(Errno.None, Call!.Drain(out var count));
        return count;
    }

    /// <summary>Posts one request of 4 bytes with room for 4 more.</summary>
    public ushort PostEcho(uint value, ulong at = 0x8000)
    {
        Assert.True(Ram.TryWrite(at, BitConverter.GetBytes(value)));
        return Driver!.Post(new DriverBuffer(at, 4, false), new DriverBuffer(at + 4, 4, true));
    }

    public void Dispose()
    {
        Server.Dispose();
        Frontend.Dispose();
        Ram.Dispose();
        RamFile.Dispose();
        foreach (var handle in _owned)
            handle.Dispose();
        Loop.Dispose();
    }
}
