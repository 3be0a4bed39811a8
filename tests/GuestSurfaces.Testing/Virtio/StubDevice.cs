// SPDX-License-Identifier: MIT
using GuestSurfaces.Virtio;
using GuestSurfaces.Virtio.Queues;

namespace GuestSurfaces.Testing.Virtio;

/// <summary>
/// A device that answers every request with the request's own bytes, at once or (with <see cref="Hold"/>) when told, in the order that real devices keep:
/// kicks off, pop all, answer, kicks on, look again. Calls are recorded; the path of a kick allocates nothing.
/// </summary>
public sealed class StubDevice : IVirtioDevice
{
    private readonly Virtqueue?[] _queues;
    private readonly DescriptorChain _chain = new();
    private readonly List<(int Queue, DescriptorChain Chain)> _held = [];
    private readonly byte[] _buffer = new byte[4096];

    public StubDevice(uint deviceId = 16, int queues = 2, int configBytes = 16)
    {
        DeviceId = deviceId;
        _queues = new Virtqueue?[queues];
        Config = new byte[configBytes];
    }

    public uint DeviceId { get; }

    public ulong DeviceFeatures { get; init; } = 1UL << 1;

    public int QueueCount => _queues.Length;

    public int ConfigSizeBytes => Config.Length;

    public byte[] Config { get; }

    public IVirtioHost? Host { get; private set; }

    public ulong Features { get; private set; }

    /// <summary>Keeps requests unanswered.</summary>
    public bool Hold { get; set; }

    /// <summary>Throws from the next kick.</summary>
    public bool ThrowOnKick { get; set; }

    public int Answered { get; private set; }

    public int Starts { get; private set; }

    public int Kicks { get; private set; }

    public int MemoryChanges { get; private set; }

    public int Resets { get; private set; }

    public int Held => _held.Count;

    public bool IsRunning(int index) => _queues[index] is not null;

    public Virtqueue Queue(int index) => _queues[index] ?? throw new InvalidOperationException("the queue doesn't run");

    public void Attach(IVirtioHost host) => Host = host;

    public void ReadConfig(Span<byte> destination) => Config.CopyTo(destination);

    public void WriteConfig(uint offset, ReadOnlySpan<byte> source) => source.CopyTo(Config.AsSpan((int)offset));

    public void SetFeatures(ulong features) => Features = features;

    public void StartQueue(int index, Virtqueue queue)
    {
        if (_queues[index] is not null)
            throw new InvalidOperationException("the queue runs already");
        _queues[index] = queue;
        Starts++;
    }

    public void StopQueue(int index)
    {
        var queue = Queue(index);
        foreach (var (held, chain) in _held)
        {
            if (held == index)
                queue.Push(chain, 0);
        }

        _held.RemoveAll(h => h.Queue == index);
        queue.FlushNotifications();
        _queues[index] = null;
    }

    public void QueueKicked(int index)
    {
        Kicks++;
        if (ThrowOnKick)
            throw new InvalidOperationException("the stub device was told to fail");
        var queue = Queue(index);
        do
        {
            queue.DisableKicks();
            while (true)
            {
                var chain = Hold ? new DescriptorChain() : _chain;
                if (!queue.TryPop(chain))
                    break;
                if (Hold)
                    _held.Add((index, chain));
                else
                    Answer(queue, chain);
            }

            queue.FlushNotifications();
        }
        while (queue.EnableKicks());
    }

    /// <summary>Answers what was held, last first.</summary>
    public void Release()
    {
        for (var i = _held.Count - 1; i >= 0; i--)
            Answer(Queue(_held[i].Queue), _held[i].Chain);
        _held.Clear();
        foreach (var queue in _queues)
            queue?.FlushNotifications();
    }

    public void MemoryChanged() => MemoryChanges++;

    public void Reset() => Resets++;

    private void Answer(Virtqueue queue, DescriptorChain chain)
    {
        var n = (int)Math.Min((ulong)_buffer.Length, chain.ReadableBytes);
        var written = chain.TryRead(0, _buffer.AsSpan(0, n)) ? chain.Write(0, _buffer.AsSpan(0, n)) : 0;
        queue.Push(chain, written);
        Answered++;
    }
}
