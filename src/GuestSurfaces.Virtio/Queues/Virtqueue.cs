// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Virtio.Queues;

/// <summary>
/// The device's end of a virtqueue. A device pops chains, answers them in any order, and flushes notifications once per batch.
/// A queue that the driver broke stays broken until it is set up anew. Thread: the loop's.
/// </summary>
public abstract class Virtqueue
{
    /// <summary>Entries in the ring.</summary>
    public abstract int Size { get; }

    /// <summary>Chains popped and not pushed yet; at most <see cref="Size"/>.</summary>
    public abstract int InFlight { get; }

    /// <summary>Why the queue is dead, or null.</summary>
    public string? BrokenReason { get; private set; }

    /// <summary>Called once when the queue breaks: one log line, the err eventfd.</summary>
    public Action<Virtqueue>? Broken { get; set; }

    /// <summary>Takes the next chain.</summary>
    /// <param name="chain">Filled anew. A device keeps one for each chain in flight.</param>
    /// <returns>False if there is none, or the queue is broken.</returns>
    public abstract bool TryPop(DescriptorChain chain);

    /// <summary>Gives a chain back.</summary>
    /// <param name="chain">As popped from this queue.</param>
    /// <param name="writtenBytes">How many bytes of its writable part hold the answer.</param>
    public abstract void Push(DescriptorChain chain, uint writtenBytes);

    /// <summary>Interrupts the driver if chains were pushed since the last call and it wants to know.</summary>
    public abstract void FlushNotifications();

    /// <summary>Asks the driver not to kick while chains are being popped; a hint.</summary>
    public abstract void DisableKicks();

    /// <summary>Asks for kicks again.</summary>
    /// <returns>True if chains came in between: pop on, no kick will come for them.</returns>
    public abstract bool EnableKicks();

    /// <summary>Marks the queue broken; the first reason stays.</summary>
    /// <param name="reason">A sentence without a full stop.</param>
    public void Break(string reason)
    {
        if (BrokenReason is not null)
            return;
        BrokenReason = reason;
        Broken?.Invoke(this);
    }
}
