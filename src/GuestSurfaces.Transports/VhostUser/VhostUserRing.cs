// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>
/// One ring as the VMM sets it up. It is <em>started</em> by its first kick and stopped by GET_VRING_BASE; it is <em>enabled</em> by SET_VRING_ENABLE; the
/// device has a queue exactly while both hold. The path from a kick to the device and from the device to an interrupt allocates nothing.
/// </summary>
internal sealed class VhostUserRing : IFdHandler, IQueueInterrupt, IDisposable
{
    // For the rare front-end that has no kick descriptors: often enough for a cursor, cheap enough for an idle guest.
    private const long PollIntervalNs = 4_000_000;

    private readonly int _index;
    private readonly EventLoop _loop;
    private readonly IVirtioDevice _device;
    private readonly GuestMemory _memory;
    private readonly Limits _limits;
    private readonly BoundedLog _log;
    private readonly IRingOwner _owner;
    private readonly LoopTimer _poll;
    private EventFdHandle? _kick;
    private FdWatch? _kickWatch;
    private EventFdHandle? _call;
    private EventFdHandle? _err;
    private SplitVirtqueue? _queue;
    private VringAddr? _addresses;
    private int _size;
    private ushort _base;
    private bool _enabled;
    private bool _started;
    private bool _unusable;

    internal VhostUserRing(int index, EventLoop loop, IVirtioDevice device, GuestMemory memory, Limits limits, BoundedLog log, IRingOwner owner)
    {
        _index = index;
        _loop = loop;
        _device = device;
        _memory = memory;
        _limits = limits;
        _log = log;
        _owner = owner;
        _poll = loop.Timers.Create(OnPoll);
    }

    /// <summary>Whether the device has the queue.</summary>
    internal bool IsRunning => _queue is not null;

    /// <summary>The available index to go on from, while not running.</summary>
    internal ushort Base => _queue?.NextAvailable ?? _base;

    // Without the feature bit there is no SET_VRING_ENABLE, and rings are always enabled.
    private bool IsEnabled => _enabled || (_owner.Features & RingFeatures.ProtocolFeatures) == 0;

    /// <summary>SET_VRING_NUM.</summary>
    internal Outcome SetSize(uint size)
    {
        if (IsRunning)
            return Outcome.Refuse($"ring {_index} runs: its size can't change");
        if (size == 0 || size > (uint)Math.Min(_limits.MaxQueueSize, 32768) || !uint.IsPow2(size))
            return Outcome.Refuse($"ring {_index} can't have {size} entries: a power of two up to {Math.Min(_limits.MaxQueueSize, 32768)} is wanted");
        _size = (int)size;
        _unusable = false;
        return Outcome.Done;
    }

    /// <summary>SET_VRING_ADDR.</summary>
    internal Outcome SetAddresses(in VringAddr addresses)
    {
        // The same again, only with the flag for dirty logging, comes during a migration, which we don't do.
        if (IsRunning && _addresses is { } now && now with { Flags = addresses.Flags, Log = addresses.Log } != addresses)
            return Outcome.Refuse($"ring {_index} runs: it can't move");
        if ((addresses.Descriptors & 15) != 0 || (addresses.Available & 1) != 0 || (addresses.Used & 3) != 0)
            return Outcome.Refuse($"ring {_index} is not aligned as virtio wants (16, 2, 4)");
        if (_size > 0 && _memory.Regions.Count > 0 && !TryTranslate(in addresses, out _))
            return Outcome.Refuse($"ring {_index} lies outside the shared memory");
        _addresses = addresses;
        _unusable = false;
        return Outcome.Done;
    }

    /// <summary>SET_VRING_BASE.</summary>
    /// <param name="next">The available index to go on from.</param>
    internal Outcome SetBase(uint next)
    {
        if (IsRunning)
            return Outcome.Refuse($"ring {_index} runs: its position can't change");
        if (next > ushort.MaxValue)
            return Outcome.Refuse($"ring {_index} can't start at {next}: a split ring's indices have 16 bits");
        _base = (ushort)next;
        _unusable = false;
        return Outcome.Done;
    }

    /// <summary>SET_VRING_KICK.</summary>
    /// <param name="fd">Adopted; null means that we should poll.</param>
    internal Outcome SetKick(ReceivedFd? fd)
    {
        DropKick();
        if (fd is null)
        {
            _poll.ArmIn(PollIntervalNs);
            return Outcome.Done;
        }

        var kick = fd.Take<EventFdHandle>();
        var errno = kick.TrySetNonBlocking(); // crosvm's eventfds block
        if (errno == Errno.None)
            _kickWatch = _loop.TryWatch(kick, EpollEvents.In, this, out errno);
        if (_kickWatch is null)
        {
            kick.Dispose();
            return Outcome.Refuse($"ring {_index}'s kick descriptor can't be polled ({errno}): an eventfd is wanted");
        }

        _kick = kick;
        ResumeIfLeftWaiting();
        return Outcome.Done;
    }

    /// <summary>SET_VRING_CALL: at any time, and often, since QEMU masks interrupts by it.</summary>
    /// <param name="fd">Adopted; null means that the driver polls.</param>
    internal Outcome SetCall(ReceivedFd? fd)
    {
        _call?.Dispose();
        _call = fd?.Take<EventFdHandle>();
        if (_call is null)
            return Outcome.Done;
        var errno = _call.TrySetNonBlocking();
        if (errno != Errno.None)
        {
            _call.Dispose();
            _call = null;
            return Outcome.Refuse($"ring {_index}'s call descriptor can't be used ({errno}): an eventfd is wanted");
        }

        // An interrupt may have gone to the old one unseen: a spurious one is harmless, a lost one is not.
        if (IsRunning)
            Interrupt();
        return Outcome.Done;
    }

    /// <summary>SET_VRING_ERR.</summary>
    /// <param name="fd">Adopted; null: nobody wants to know.</param>
    internal Outcome SetErr(ReceivedFd? fd)
    {
        _err?.Dispose();
        _err = fd?.Take<EventFdHandle>();
        if (_err is null || _err.TrySetNonBlocking() == Errno.None)
            return Outcome.Done;
        _err.Dispose();
        _err = null;
        return Outcome.Refuse($"ring {_index}'s error descriptor can't be used: an eventfd is wanted");
    }

    /// <summary>SET_VRING_ENABLE.</summary>
    internal void SetEnabled(bool enabled)
    {
        _enabled = enabled;
        if (!IsEnabled)
            CloseQueue();
        else if (_started)
            Kicked();
        else
            ResumeIfLeftWaiting();
    }

    /// <summary>Stops the ring: everything in flight is answered first. The kick descriptor is closed, the other two stay (QEMU sends them only once).</summary>
    /// <returns>The available index up to which everything was taken: GET_VRING_BASE's answer.</returns>
    internal ushort Stop()
    {
        CloseQueue();
        DropKick();
        _started = false;
        return _base;
    }

    /// <summary>Stops and disables the ring, and forgets where it lies.</summary>
    internal void Reset()
    {
        Stop();
        _enabled = false;
        _addresses = null;
        _size = 0;
        _base = 0;
        _unusable = false;
    }

    /// <summary>The guest's memory has changed: kicks that came while the ring's memory was away are made up for.</summary>
    internal void MemoryChanged()
    {
        _unusable = false;
        if (_queue is not null)
            _device.QueueKicked(_index);
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        try
        {
            var errno = _kick!.Drain(out var count);
            if (errno != Errno.None || (count == 0 && (events & (EpollEvents.Error | EpollEvents.HangUp)) != 0))
            {
                DropKick();
                Report($"its kick descriptor is no working eventfd ({errno})");
            }
            else if (count > 0)
            {
                Kicked();
            }
        }
        catch (Exception e)
        {
            _owner.DeviceFailed(e);
        }
    }

    /// <inheritdoc/>
    public void Interrupt()
    {
        if (_call is null)
            return;
        var errno = _call.Signal();
        if (errno == Errno.None)
            return;
        _call.Dispose();
        _call = null;
        Report($"its call descriptor is no working eventfd ({errno})");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            CloseQueue();
        }
        finally
        {
            DropKick();
            _call?.Dispose();
            _call = null;
            _err?.Dispose();
            _err = null;
        }
    }

    private void Kicked()
    {
        _started = true;
        if (_queue is null && !TryOpenQueue())
            return;
        if (_queue!.BrokenReason is null)
            _device.QueueKicked(_index);
    }

    private bool TryOpenQueue()
    {
        if (!IsEnabled || _unusable)
            return false;
        if (_size == 0 || _addresses is not { } addresses)
            return Unusable("it was kicked before its size and place were known");
        if (!TryTranslate(in addresses, out var layout))
            return Unusable("it lies outside the shared memory");
        var queue = SplitVirtqueue.TryOpen(_memory, in layout, _limits, this, out var error);
        if (queue is null)
            return Unusable(error);
        queue.Broken = OnBroken;
        _queue = queue;
        _device.StartQueue(_index, queue);
        return true;
    }

    private void CloseQueue()
    {
        if (_queue is not { } queue)
            return;
        _queue = null;
        _device.StopQueue(_index);
        queue.FlushNotifications();
        _base = queue.NextAvailable;
        queue.Broken = null;
        if (queue.InFlight > 0)
            Report($"it was stopped with {queue.InFlight} requests unanswered");
    }

    // The device was stopped in the middle (the VM was paused), and the kick for what waits in the ring may have gone to nobody.
    private void ResumeIfLeftWaiting()
    {
        if (!_started && IsEnabled && _kick is not null && _base != 0 && _size > 0 && _addresses is not null)
            Kicked();
    }

    private bool TryTranslate(in VringAddr addresses, out SplitRingLayout layout)
    {
        var size = (ulong)_size;
        var features = _owner.Features;
        var ok = _memory.TryTranslateFrontend(addresses.Descriptors, 16 * size, out var descriptors)
            & _memory.TryTranslateFrontend(addresses.Available, 6 + (2 * size), out var available)
            & _memory.TryTranslateFrontend(addresses.Used, 6 + (8 * size), out var used);
        layout = new SplitRingLayout(
            _size,
            descriptors,
            available,
            used,
            _base,
            (features & RingFeatures.IndirectDescriptors) != 0,
            (features & RingFeatures.EventIndex) != 0);
        return ok;
    }

    private void OnPoll()
    {
        _poll.ArmIn(PollIntervalNs);
        try
        {
            Kicked();
        }
        catch (Exception e)
        {
            _owner.DeviceFailed(e);
        }
    }

    private void OnBroken(Virtqueue queue) => Report(queue.BrokenReason!);

    private bool Unusable(string why)
    {
        _unusable = true; // until something about it changes: one line, not one a kick
        Report(why);
        return false;
    }

    private void Report(string why)
    {
        _log.Warn($"vhost-user: ring {_index}: {why}");
        _ = _err?.Signal(); // the VMM's to choose; if it can't hear us, nothing is left to tell it with
    }

    private void DropKick()
    {
        _poll.Cancel();
        _kickWatch?.Dispose();
        _kickWatch = null;
        _kick?.Dispose();
        _kick = null;
    }
}
