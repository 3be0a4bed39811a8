// SPDX-License-Identifier: MIT
using System.Text;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Wayland;

/// <summary>Hears of the end of a connection.</summary>
public interface IWaylandConnectionListener
{
    /// <summary>The connection is at its end. Called once, at the end of a <see cref="WaylandEndpoint.Dispatch"/>.</summary>
    /// <param name="connection">Which one.</param>
    /// <param name="failure">Why.</param>
    void OnFailed(WaylandConnection connection, WaylandFailure failure);
}

/// <summary>
/// A client's connection to a compositor, wire protocol and all, without libwayland.
/// The caller's loop watches <see cref="WaylandEndpoint.Fd"/>, calls <see cref="WaylandEndpoint.Dispatch"/> when it is readable and
/// <see cref="WaylandEndpoint.Flush"/> before it waits. In steady state neither requests nor events allocate.
/// </summary>
public sealed partial class WaylandConnection : WaylandEndpoint, IWlDisplayListener
{
    private bool _isReported;

    /// <summary>Starts talking over a connected socket.</summary>
    /// <param name="socket">Adopted.</param>
    public WaylandConnection(UnixSocketHandle socket)
        : base(socket, isServer: false)
    {
        Display = new WlDisplay { Listener = this };
        Adopt(Display, Display.Interface.Version);
    }

    /// <summary>The object that everything starts from.</summary>
    public WlDisplay Display { get; }

    /// <summary>Who hears of the end.</summary>
    public IWaylandConnectionListener? Listener { get; set; }

    internal override bool AllowsZombies => true;

    /// <summary>Sends everything and dispatches until the compositor has handled it all. For set-up: it waits.</summary>
    /// <param name="timeout">How long.</param>
    /// <exception cref="WaylandException">The connection has failed.</exception>
    /// <exception cref="TimeoutException">The compositor doesn't answer.</exception>
    public void Roundtrip(TimeSpan timeout)
    {
        ThrowIfFailed();
        var callback = Display.Sync();
        if (!TryWait(callback, static callback => !callback.IsAlive, timeout))
            throw new TimeoutException($"the compositor didn't answer wl_display.sync within {timeout.TotalSeconds:0.###} s");
    }

    /// <summary>Dispatches until a condition holds. For set-up: it waits.</summary>
    /// <typeparam name="TState">What the condition looks at.</typeparam>
    /// <param name="state">What the condition looks at.</param>
    /// <param name="condition">Asked after each dispatch.</param>
    /// <param name="timeout">How long.</param>
    /// <returns>False if the time ran out.</returns>
    /// <exception cref="WaylandException">The connection has failed.</exception>
    public bool TryWait<TState>(TState state, Func<TState, bool> condition, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(condition);
        using var epoll = EpollHandle.Create();
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        var watched = EpollEvents.None;
        Span<EpollResult> results = stackalloc EpollResult[1];
        while (!condition(state))
        {
            Flush();
            ThrowIfFailed();
            var wanted = WantsWrite ? EpollEvents.In | EpollEvents.Out : EpollEvents.In;
            if (wanted != watched)
            {
                var errno = watched == EpollEvents.None ? epoll.Add(Fd, wanted, 0) : epoll.Modify(Fd, wanted, 0);
                if (errno != Errno.None)
                    throw new SyscallException("watching the Wayland connection", errno);
                watched = wanted;
            }

            var leftMs = deadline - Environment.TickCount64;
            if (leftMs <= 0)
                return false;
            epoll.Wait(results, (int)Math.Min(leftMs, int.MaxValue));
            Dispatch();
            if (condition(state))
                return true;
            ThrowIfFailed();
        }

        return true;
    }

    /// <summary>Throws what <see cref="WaylandEndpoint.Failure"/> says, if it says anything.</summary>
    /// <exception cref="WaylandException">The connection has failed.</exception>
    public void ThrowIfFailed()
    {
        if (Failure is { } failure)
            throw new WaylandException(failure);
    }

    void IWlDisplayListener.OnError(WlDisplay sender, uint objectId, uint code, ReadOnlySpan<byte> message)
    {
        var name = Objects.TryFind(objectId, out _, out var known) ? known.Name : string.Empty;
        var error = new ProtocolError(name, objectId, code, Encoding.UTF8.GetString(message));
        Fail(new WaylandFailure(WaylandFailureKind.ProtocolError, $"Wayland protocol error {code} on {name}#{objectId}: {error.Message}", error));
    }

    void IWlDisplayListener.OnDeleteId(WlDisplay sender, uint id)
    {
        if (id == sender.Id || !Objects.TryFree(id))
            FailMalformed($"wl_display.delete_id({id})", WireError.UnknownObject);
    }

    internal override ReadOnlySpan<WaylandMessage> Outgoing(WaylandInterface type) => type.Requests;

    /// <summary>Drops an event: closes its descriptors, and destroys the object that it brings, because nobody ever will.</summary>
    internal void Skip(WaylandMessage message, scoped ref WireReader reader)
    {
        var nullable = false;
        foreach (var letter in message.Signature)
        {
            switch (letter)
            {
                case '?':
                    nullable = true;
                    continue;
                case 's':
                    reader.ReadString(nullable);
                    break;
                case 'a':
                    reader.ReadArray();
                    break;
                case 'h':
                    reader.ReadFd()?.Dispose();
                    break;
                case 'n':
                    DestroyUnseen(reader.ReadObjectId(nullable: false), message.NewIdInterface, ref reader);
                    break;
                case 'o':
                    reader.ReadObjectId(nullable);
                    break;
                default:
                    reader.ReadUInt();
                    break;
            }

            nullable = false;
        }

        reader.Complete();
    }

    private protected override void DispatchMessage(WireHeader header, scoped ref WireReader reader)
    {
        if (!Objects.TryFind(header.ObjectId, out var found, out var known))
        {
            FailMalformed($"event {header.Opcode} of object {header.ObjectId}", WireError.UnknownObject);
            return;
        }

        if (header.Opcode >= known.Events.Length)
        {
            FailMalformed($"event {header.Opcode} of {known.Name}#{header.ObjectId}", WireError.UnknownOpcode);
            return;
        }

        if (found is WaylandProxy proxy)
            proxy.DispatchEvent(header.Opcode, ref reader);
        else
            Skip(known.Events[header.Opcode], ref reader);
        if (reader.Error != WireError.None)
            FailMalformed($"{known.Name}#{header.ObjectId}.{known.Events[header.Opcode].Name}", reader.Error);
    }

    private protected override void ReportFailure()
    {
        if (Failure is not { } failure || _isReported)
            return;
        _isReported = true;
        if (failure.Kind != WaylandFailureKind.Disposed)
            Listener?.OnFailed(this, failure);
    }

    private void DestroyUnseen(uint id, string? name, scoped ref WireReader reader)
    {
        if (reader.Error != WireError.None)
            return;
        var type = name is null ? null : WaylandInterfaces.Find(name);
        if (type is null || !Objects.TryInsertRemote(id, null, type))
        {
            reader.Fail(WireError.InvalidNewId);
            return;
        }

        if (type.PlainDestructor < 0)
            return;
        var writer = Begin(id, type.PlainDestructor);
        End(ref writer);
    }
}
