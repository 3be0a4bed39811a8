// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Virtio.Input;

/// <summary>
/// A keyboard, a pointer or the like: events go down to the guest, a keyboard's lamps come up. The guest lends buffers of one event each; what waits for them is
/// bounded, see <see cref="PendingInput"/>. Thread: the loop's; allocates nothing in steady state. Source: virtio 1.3 §5.8.
/// </summary>
public sealed class VirtioInputDevice : IVirtioDevice
{
    private const int EventQueue = 0;
    private const int StatusQueue = 1;
    private const int EventBytes = 8;
    private const int AnswerOffset = 8;

    /// <summary>Buffers taken from a queue in one turn: its driver could refill it for ever.</summary>
    private const int MaxTurnBuffers = 256;

    private readonly InputProfile _profile;
    private readonly PendingInput _pending = new();
    private readonly DescriptorChain _chain = new();
    private readonly Virtqueue?[] _queues = new Virtqueue?[2];
    private LoopTimer? _turnTimer;
    private byte _select;
    private byte _subselect;
    private bool _isDriven; // since the last reset: a VM that is paused will want to know what was released meanwhile

    /// <summary>Makes a device.</summary>
    /// <param name="profile">What it is.</param>
    public VirtioInputDevice(InputProfile profile) => _profile = profile;

    /// <summary>
    /// The lamps that the guest wants lit: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. For who asks (guest-surfaces status): a Wayland client can't light the user's own,
    /// those show the desktop's locks.
    /// </summary>
    public uint Lamps { get; private set; }

    /// <inheritdoc/>
    public uint DeviceId => 18;

    /// <inheritdoc/>
    public ulong DeviceFeatures => 0;

    /// <inheritdoc/>
    public int QueueCount => _queues.Length;

    /// <inheritdoc/>
    public int ConfigSizeBytes => AnswerOffset + InputProfile.MaxAnswerBytes;

    /// <summary>Tells the guest what happened at once.</summary>
    /// <param name="frame">At most <see cref="InputCodes.MaxFrame"/> events, without the frame's end. What such a device doesn't have is left out; before there is a driver nothing is remembered.</param>
    public void Send(ReadOnlySpan<InputEvent> frame)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frame.Length, InputCodes.MaxFrame);
        if (!_isDriven)
            return;
        Span<InputEvent> known = stackalloc InputEvent[InputCodes.MaxFrame];
        var count = 0;
        foreach (ref readonly var e in frame)
        {
            if (_profile.Has(e.Type, e.Code))
                known[count++] = e;
        }

        _pending.Add(known[..count]);
        PumpEvents();
    }

    /// <summary>Releases every key and button: nobody looks any more.</summary>
    public void ReleaseAll()
    {
        if (!_isDriven)
            return;
        _pending.AddReleases();
        PumpEvents();
    }

    /// <inheritdoc/>
    public void Attach(IVirtioHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        _turnTimer = host.Timers.Create(() =>
        {
            PumpEvents();
            PumpStatus();
        });
    }

    /// <inheritdoc/>
    public void ReadConfig(Span<byte> destination)
    {
        destination.Clear();
        destination[0] = _select;
        destination[1] = _subselect;
        destination[2] = (byte)_profile.Answer(_select, _subselect, destination[AnswerOffset..]);
    }

    /// <inheritdoc/>
    public void WriteConfig(uint offset, ReadOnlySpan<byte> source)
    {
        // The rest is ours. QEMU writes all of it.
        for (var i = 0; i < source.Length && offset + (uint)i <= 1; i++)
        {
            if (offset + (uint)i == 0)
                _select = source[i];
            else
                _subselect = source[i];
        }
    }

    /// <inheritdoc/>
    public void SetFeatures(ulong features)
    {
    }

    /// <inheritdoc/>
    public void StartQueue(int index, Virtqueue queue)
    {
        if ((uint)index >= (uint)_queues.Length)
            return;
        _queues[index] = queue;
        _isDriven |= index == EventQueue;
        _turnTimer!.ArmIn(0); // buffers may be there since before a pause
    }

    /// <inheritdoc/>
    public void StopQueue(int index)
    {
        if ((uint)index < (uint)_queues.Length)
            _queues[index] = null;
    }

    /// <inheritdoc/>
    public void QueueKicked(int index)
    {
        if (index == EventQueue)
            PumpEvents();
        else if (index == StatusQueue)
            PumpStatus();
    }

    /// <inheritdoc/>
    public void MemoryChanged()
    {
    }

    /// <inheritdoc/>
    public void Reset()
    {
        Array.Clear(_queues);
        _turnTimer!.Cancel();
        _isDriven = false;
        _pending.Forget();
        (_select, _subselect) = (0, 0);
        Lamps = 0;
    }

    private void PumpEvents()
    {
        if (_queues[EventQueue] is not { } queue)
            return;
        Span<byte> bytes = stackalloc byte[EventBytes];
        queue.DisableKicks();
        for (var taken = 0; !_pending.IsEmpty; taken++)
        {
            if (!queue.TryPop(_chain))
            {
                if (!queue.EnableKicks())
                    break; // until the driver lends more
                queue.DisableKicks();
                continue;
            }

            var written = 0u;
            if (_chain.WritableBytes >= EventBytes && _pending.TryTake(out var e))
            {
                BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)e.Type);
                BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], e.Code);
                BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], e.Value);
                written = _chain.Write(0, bytes);
            }

            queue.Push(_chain, written);
            if (taken < MaxTurnBuffers)
                continue;
            _turnTimer!.ArmIn(0);
            break;
        }

        queue.FlushNotifications();
    }

    private void PumpStatus()
    {
        if (_queues[StatusQueue] is not { } queue)
            return;
        Span<byte> bytes = stackalloc byte[EventBytes];
        queue.DisableKicks();
        for (var taken = 0; ; taken++)
        {
            if (!queue.TryPop(_chain))
            {
                if (!queue.EnableKicks())
                    break;
                queue.DisableKicks();
                continue;
            }

            if (_chain.TryRead(0, bytes))
            {
                var type = (InputEventType)BinaryPrimitives.ReadUInt16LittleEndian(bytes);
                var code = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
                if (type == InputEventType.Led && _profile.Has(type, code))
                    Lamps = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]) != 0 ? Lamps | (1u << code) : Lamps & ~(1u << code);
            }

            queue.Push(_chain, 0);
            if (taken < MaxTurnBuffers)
                continue;
            _turnTimer!.ArmIn(0);
            break;
        }

        queue.FlushNotifications();
    }
}
