// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Virtio;
using GuestSurfaces.Virtio.Gpu;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>
/// A guest with a GPU, in one process: RAM in a memfd, real rings, a driver that says exactly what a test wants, a display that remembers, a clock turned by
/// hand. RAM is two regions of 32 MiB that touch, and a hole after them.
/// </summary>
public sealed class GpuHarness : GpuDriver, IVirtioHost, IDisposable
{
    public const ulong RegionBytes = 32UL << 20;
    public const ulong RamBytes = 2 * RegionBytes;
    public const ulong VmmAddress = 0x7f00_0000_0000;

    /// <summary>Starts a guest.</summary>
    /// <param name="options">What GPU it sees; by default everything is offered.</param>
    /// <param name="limits">Its limits.</param>
    /// <param name="withSession">Puts a real session between device and display; else the test settles frames itself.</param>
    /// <param name="logger">The device's.</param>
    public GpuHarness(VirtioGpuOptions? options = null, Limits? limits = null, bool withSession = false, ILogger? logger = null)
        : this(options, limits, timers: null, TwoRegions(), withSession, logger)
    {
        if (Session is { } session)
            session.Display = Display;
    }

    /// <summary>Starts a guest in other RAM, in somebody else's time. Its session shows nothing until the test gives it a display.</summary>
    /// <param name="options">What GPU it sees.</param>
    /// <param name="limits">Its limits.</param>
    /// <param name="timers">A loop's.</param>
    /// <param name="memory">Adopted. From 0 on, and larger than <see cref="Pixels"/>.</param>
    public GpuHarness(VirtioGpuOptions options, Limits limits, TimerQueue timers, GuestMemory memory)
        : this(options, limits, timers, memory, withSession: true, logger: null)
    {
    }

    private GpuHarness(VirtioGpuOptions? options, Limits? limits, TimerQueue? timers, GuestMemory memory, bool withSession, ILogger? logger)
        : base(memory)
    {
        Limits = limits ?? new Limits();
        Timers = timers ?? new TimerQueue(Clock);
        IGuestDisplay display = Display;
        if (withSession)
            display = Session = new Session(Timers, Statistics, Limits);
        Device = new VirtioGpuDevice(display, Limits, Statistics, options ?? new VirtioGpuOptions { ScanoutCount = 4, OfferUuid = true }, logger ?? NullLogger.Instance);
        if (Session is { } session)
            session.Transport = Device;
        Device.Attach(this);
        Device.SetFeatures(ulong.MaxValue);
        Control = new DriverQueue(Memory, 0, 256, Limits);
        Cursor = new DriverQueue(Memory, 4 << 20, 64, Limits);
        Device.StartQueue(0, Control.Queue);
        Device.StartQueue(1, Cursor.Queue);
        Timers.RunDue();
    }

    public VirtualClock Clock { get; } = new();

    public TimerQueue Timers { get; }

    public Limits Limits { get; }

    public GuestStatistics Statistics { get; } = new();

    public RecordingDisplay Display { get; } = new();

    public Session? Session { get; }

    public VirtioGpuDevice Device { get; }

    public override DriverQueue Control { get; }

    public override DriverQueue Cursor { get; }

    public int ConfigChanges { get; private set; }

    public void NotifyConfigChanged() => ConfigChanges++;

    public void Dispose()
    {
        Device.StopQueue(0);
        Device.StopQueue(1);
        Device.Reset();
        Memory.Dispose();
    }

    /// <summary>Lets time pass, timers and all.</summary>
    public void Run(long ns)
    {
        var until = Clock.NowNs + ns;
        while (Timers.NextDueNs <= until)
        {
            Clock.Advance(Math.Max(Timers.NextDueNs - Clock.NowNs, 0));
            Timers.RunDue();
        }

        Clock.Advance(Math.Max(until - Clock.NowNs, 0));
    }

    /// <inheritdoc/>
    protected override void Notify(int queue) => Device.QueueKicked(queue);

    private static GuestMemory TwoRegions()
    {
        using var file = FakeRam.Create(RamBytes);
        var memory = new GuestMemory();
        for (ulong address = 0; address < RamBytes; address += RegionBytes)
        {
            if (!memory.TryAdd(FakeRam.Region(file, address, RegionBytes, address, VmmAddress + address)))
                throw new InvalidOperationException("the regions overlap");
        }

        return memory;
    }
}
