// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Virtio;
using GuestSurfaces.Virtio.Input;

namespace GuestSurfaces.Testing.Virtio;

/// <summary>A guest with an input device, in one process: its driver lends buffers when the test says so, and what comes in them is one list.</summary>
public sealed class InputHarness : IVirtioHost, IDisposable
{
    private const int EventBytes = 8;
    private const int RingEntries = 128;

    private readonly Queue<int> _lent = [];
    private readonly byte[] _event = new byte[EventBytes];
    private readonly bool _eventIndex;
    private DriverQueue _events;
    private DriverQueue _status;

    /// <summary>Starts a guest with its driver.</summary>
    /// <param name="profile">The device.</param>
    /// <param name="eventIndex">Whether its driver kicks only when the device says so, as QEMU 11's does.</param>
    public InputHarness(InputProfile profile, bool eventIndex = true)
    {
        _eventIndex = eventIndex;
        Timers = new TimerQueue(Clock);
        Device = new VirtioInputDevice(profile);
        Device.Attach(this);
        _events = Ring(0);
        _status = Ring(4 << 20);
        Start();
    }

    public VirtualClock Clock { get; } = new();

    public TimerQueue Timers { get; }

    public GuestMemory Memory { get; } = FakeRam.Memory(8 << 20);

    public VirtioInputDevice Device { get; }

    /// <summary>What the guest was told, frames' ends included.</summary>
    public List<InputEvent> Events { get; } = [];

    public void NotifyConfigChanged() => throw new InvalidOperationException("an input device's configuration doesn't change");

    /// <summary>The driver lends buffers, and reads what is in them.</summary>
    /// <param name="count">How many.</param>
    /// <param name="bytes">Of each.</param>
    public void Lend(int count, int bytes = EventBytes)
    {
        for (var i = 0; i < count; i++)
            _lent.Enqueue(_events.Post([], 0, 0, bytes));
        if (_events.WantsKick())
            Device.QueueKicked(0);
        Collect();
    }

    /// <summary>Something happens on the desktop.</summary>
    public void Send(params ReadOnlySpan<InputEvent> frame)
    {
        Device.Send(frame);
        Collect();
    }

    /// <summary>The driver lends as many buffers as it takes to hear everything.</summary>
    public void ReadAll()
    {
        int before;
        do
        {
            before = Events.Count;
            Lend((RingEntries / 2) - _lent.Count);
        }
        while (Events.Count > before);
    }

    /// <summary>The guest tells something: a lamp.</summary>
    public void Tell(InputEventType type, ushort code, int value, int bytes = EventBytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_event, (ushort)type);
        BinaryPrimitives.WriteUInt16LittleEndian(_event.AsSpan(2), code);
        BinaryPrimitives.WriteInt32LittleEndian(_event.AsSpan(4), value);
        _status.Post(_event.AsSpan(0, bytes), 0, 0, 0);
        if (_status.WantsKick())
            Device.QueueKicked(1);
        _status.Collect();
    }

    /// <summary>Status buffers that didn't come back.</summary>
    public int StatusInFlight => _status.Queue.InFlight;

    /// <summary>The VM is paused: its queues stop, nothing is forgotten.</summary>
    public void Pause()
    {
        Device.StopQueue(0);
        Device.StopQueue(1);
    }

    /// <summary>It goes on.</summary>
    public void Start()
    {
        Device.StartQueue(0, _events.Queue);
        Device.StartQueue(1, _status.Queue);
        Timers.RunDue();
        Collect();
    }

    /// <summary>Another driver.</summary>
    public void Reset()
    {
        Pause();
        Device.Reset();
        _lent.Clear();
        _events = Ring(0);
        _status = Ring(4 << 20);
        Start();
    }

    /// <summary>Asks for a piece of the configuration as a driver does.</summary>
    public byte[] Ask(byte select, byte subselect = 0)
    {
        Device.WriteConfig(0, [select, subselect]);
        var space = new byte[Device.ConfigSizeBytes];
        Device.ReadConfig(space);
        return space[8..(8 + space[2])];
    }

    public void Dispose()
    {
        Pause();
        Device.Reset();
        Memory.Dispose();
    }

    private DriverQueue Ring(ulong address)
    {
        if (!Memory.TryWrite(address, new byte[0x8000]))
            throw new InvalidOperationException("outside the test's guest RAM");
        return new DriverQueue(Memory, address, RingEntries, new Limits(), _eventIndex);
    }

    private void Collect()
    {
        _events.Collect();
        while (_lent.TryPeek(out var slot) && !_events.IsPending(slot))
        {
            _lent.Dequeue();
            if (_events.UsedLength(slot) == 0)
                continue;
            _events.ReadReply(slot, _event);
            Events.Add(new InputEvent(
                (InputEventType)BinaryPrimitives.ReadUInt16LittleEndian(_event),
                BinaryPrimitives.ReadUInt16LittleEndian(_event.AsSpan(2)),
                BinaryPrimitives.ReadInt32LittleEndian(_event.AsSpan(4))));
        }
    }
}
