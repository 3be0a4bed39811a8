// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <summary>
/// What both ends of a connection do alike: queue messages, read and dispatch them, keep the objects, fail once.
/// After a failure everything is a no-op. Thread: one; handlers run inside <see cref="Dispatch"/> and may send but not dispatch.
/// </summary>
public abstract class WaylandEndpoint : IDisposable
{
    // A peer that sends as fast as we read must not keep the loop from its other work.
    private const int MaxReadsPerDispatch = 16;

    private bool _isDispatching;
    private WaylandObject? _unsent;

    private protected WaylandEndpoint(UnixSocketHandle socket, bool isServer)
    {
        Channel = new WireChannel(socket);
        Objects = new ObjectMap(isServer);
    }

    /// <summary>For the caller's epoll: readable means <see cref="Dispatch"/>, writable (if <see cref="WantsWrite"/>) means <see cref="Flush"/>. Ownership: ours.</summary>
    public FdHandle Fd => Channel.Fd;

    /// <summary>Whether bytes wait for the socket to take them.</summary>
    public bool WantsWrite => !HasFailed && Channel.WantsWrite;

    /// <summary>Why the connection is at its end; null while it works.</summary>
    public WaylandFailure? Failure { get; private set; }

    internal WireChannel Channel { get; }

    internal ObjectMap Objects { get; }

    internal bool HasFailed => Failure is not null;

    /// <summary>Whether a message may name an object that was destroyed here while it was on its way.</summary>
    internal abstract bool AllowsZombies { get; }

    /// <summary>Sends what the socket takes now. Never waits.</summary>
    /// <returns>False once the connection has failed.</returns>
    public bool Flush()
    {
        if (HasFailed)
            return false;
        var errno = Channel.Flush();
        if (errno != Errno.None)
            Fail(new WaylandFailure(WaylandFailureKind.Socket, $"sending on the Wayland connection: {errno}"));
        return !HasFailed;
    }

    /// <summary>Reads what is there and calls the handlers. Never waits.</summary>
    /// <returns>False once the connection has failed.</returns>
    public bool Dispatch()
    {
        if (_isDispatching)
            throw new InvalidOperationException("a handler may not dispatch its own connection");
        _isDispatching = true;
        try
        {
            for (var reads = 0; reads < MaxReadsPerDispatch && !HasFailed; reads++)
            {
                // A handler that threw may have left messages: they come first.
                DispatchTaken();
                if (HasFailed)
                    break;
                var errno = Channel.Receive(out var isDrained);
                if (errno == Errno.EAGAIN)
                    break;
                DispatchTaken();
                if (errno != Errno.None && !HasFailed)
                    Fail(FailureOf(errno));
                if (isDrained)
                    break; // asking again would be one more system call for each wake-up
            }
        }
        finally
        {
            _isDispatching = false;
        }

        ReportFailure();
        return !HasFailed;
    }

    /// <summary>Closes the connection and every descriptor it holds.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    internal abstract ReadOnlySpan<WaylandMessage> Outgoing(WaylandInterface type);

    internal WireWriter Begin(uint objectId, int opcode)
    {
        _unsent = null;
        return Channel.Begin(objectId, opcode);
    }

    internal void End(scoped ref WireWriter writer)
    {
        if (HasFailed)
            return;
        var error = Channel.Commit(ref writer);
        if (error != WireError.None)
        {
            // The peer will never hear of an object that this message was to create; its id would leave a gap.
            if (_unsent is { IsAlive: true } unsent)
                Objects.TryFree(unsent.Id);
            _unsent = null;
            throw new ArgumentException($"a Wayland message can't be sent: {error}");
        }

        _unsent = null;
        if (Channel.HasOverflowed)
            Fail(new WaylandFailure(WaylandFailureKind.Overflow, $"the Wayland peer left {WireLimits.MaxQueuedBytes} bytes or {WireLimits.MaxQueuedFds} descriptors unread"));
    }

    internal uint Adopt(WaylandObject child, uint version)
    {
        if (child.IsAlive)
            throw new InvalidOperationException($"{child} is still in use");
        child.Endpoint = this;
        child.Version = version;
        if (HasFailed)
            return 0;
        if (!Objects.TryAllocate(child))
            throw new InvalidOperationException($"more than {WireLimits.MaxObjects} Wayland objects");
        _unsent = child;
        return child.Id;
    }

    internal bool TryInsertRemote(uint id, WaylandObject child, uint version)
    {
        child.Endpoint = this;
        child.Version = version;
        return Objects.TryInsertRemote(id, child, child.Interface);
    }

    internal void Fail(WaylandFailure failure)
    {
        if (HasFailed)
            return;
        Failure = failure;
        Channel.ShutDown();
    }

    internal void FailMalformed(string what, WireError error) =>
        Fail(new WaylandFailure(WaylandFailureKind.Malformed, $"the Wayland peer sent a malformed message ({what}): {error}"));

    /// <summary>Handles one message; the reader stands at its first argument.</summary>
    private protected abstract void DispatchMessage(WireHeader header, scoped ref WireReader reader);

    /// <summary>Tells the owner of a failure, once.</summary>
    private protected abstract void ReportFailure();

    private protected virtual void Dispose(bool disposing)
    {
        Failure ??= new WaylandFailure(WaylandFailureKind.Disposed, "this side closed the Wayland connection");
        Channel.Dispose();
    }

    private static WaylandFailure FailureOf(Errno errno) => errno switch
    {
        Errno.EPIPE => new WaylandFailure(WaylandFailureKind.Closed, "the Wayland peer closed the connection"),
        Errno.EMSGSIZE => new WaylandFailure(WaylandFailureKind.Malformed, "the Wayland peer sent more file descriptors than can be received"),
        _ => new WaylandFailure(WaylandFailureKind.Socket, $"receiving on the Wayland connection: {errno}"),
    };

    private void DispatchTaken()
    {
        while (!HasFailed)
        {
            if (!Channel.TryTake(out var header, out var body, out var error))
            {
                if (error != WireError.None)
                    FailMalformed($"object {header.ObjectId}, opcode {header.Opcode}, {header.SizeBytes} bytes", error);
                return;
            }

            var reader = new WireReader(body, Channel.IncomingFds);
            DispatchMessage(header, ref reader);
        }
    }
}
