// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// The VMM's side of a vhost-user-gpu connection, for tests: says what it is told, right or wrong, and waits with time-outs.
/// Everything runs on the caller's thread: whoever waits also serves the display and the back-end's own channel.
/// <para>Files beside this one: the messages (FrontendMessages), the order they are said in (FrontendSequences).</para>
/// </summary>
public sealed partial class ScriptedFrontend : IDisposable
{
    private const ulong SocketToken = 1;
    private const ulong DisplayToken = 2;
    private const ulong ChannelToken = 3;
    private const ulong FirstCallToken = 16;

    private const int LongestPayload = 4096;

    private readonly EpollHandle _epoll = EpollHandle.Create();
    private readonly MessageBuffer _replies;
    private readonly SplitRing[] _queues;
    private bool _displayWatched;
    private bool _channelWatched;

    /// <summary>Takes a connection over; nothing is said yet. See <see cref="Connect"/> and <see cref="Start"/>.</summary>
    /// <param name="socket">Adopted.</param>
    public ScriptedFrontend(UnixSocketHandle socket, FrontendOptions? options = null)
    {
        Socket = socket;
        Options = options ?? new FrontendOptions();
        _replies = new MessageBuffer(socket, LongestPayload);
        Memory = new GuestMemory(Options.Memory);
        _queues =
        [
            new SplitRing(Memory, 0, Options.ControlQueueSize, Options.RingRegion),
            new SplitRing(Memory, 1, Options.CursorQueueSize, Options.RingRegion),
        ];
        Display = Options.Display == null ? null : new FakeQemuDisplay(Options.Display);
        Watch(socket, SocketToken);
        foreach (var queue in _queues)
            Watch(queue.Call, FirstCallToken + queue.Index);
    }

    public FrontendOptions Options { get; }

    public UnixSocketHandle Socket { get; }

    public GuestMemory Memory { get; }

    public FakeQemuDisplay? Display { get; }

    /// <summary>The back-end's channel to us; null if BACKEND_REQ wasn't agreed on.</summary>
    public BackendChannel? Channel { get; private set; }

    public ReadOnlySpan<SplitRing> Queues => _queues;

    public SplitRing Control => _queues[0];

    public SplitRing Cursor => _queues[1];

    /// <summary>What GET_FEATURES answered.</summary>
    public VirtioFeatures Offered { get; private set; }

    /// <summary>What SET_FEATURES said.</summary>
    public VirtioFeatures Acked { get; private set; }

    public ProtocolFeatures OfferedProtocol { get; private set; }

    public ProtocolFeatures AckedProtocol { get; private set; }

    /// <summary>The back-end has closed the connection.</summary>
    public bool IsClosed => _replies.IsClosed;

    /// <summary>How often each queue's call eventfd was signalled.</summary>
    public long[] Calls { get; } = new long[2];

    /// <summary>
    /// Waits for the next thing to come and deals with it: reads replies, serves the display and the channel, drains call eventfds.
    /// </summary>
    /// <param name="timeoutMs">0: doesn't wait.</param>
    /// <returns>Whether anything came.</returns>
    public bool Pump(int timeoutMs)
    {
        Span<EpollResult> results = stackalloc EpollResult[16];
        var n = _epoll.Wait(results, timeoutMs);
        for (var i = 0; i < n; i++)
            Dispatch(results[i].Token);
        return n > 0;
    }

    /// <summary>Deals with everything that has come so far.</summary>
    public void PumpAll()
    {
        while (Pump(0))
        {
        }
    }

    /// <summary>Gives a queue a new call eventfd and tells the back-end, as QEMU does when the guest masks an interrupt.</summary>
    public void SwapCall(SplitRing queue)
    {
        _epoll.Remove(queue.Call);
        queue.ReplaceCall();
        Watch(queue.Call, FirstCallToken + queue.Index);
        SetVringCall(queue.Index, queue.Call);
    }

    public void Dispose()
    {
        foreach (var queue in _queues)
        {
            _epoll.Remove(queue.Call);
            queue.Dispose();
        }

        _epoll.Dispose();
        _replies.Dispose();
        Display?.Dispose();
        Channel?.Dispose();
        Socket.Dispose();
        Memory.Dispose();
    }

    internal static int Remaining(long deadline) => (int)Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue);

    private void Dispatch(ulong token)
    {
        switch (token)
        {
            case SocketToken:
                _replies.Fill();
                if (_replies.IsClosed)
                    _epoll.Remove(Socket);
                break;
            case DisplayToken:
                Display!.Serve();
                if (Display.IsClosed)
                    _epoll.Remove(Display.Socket);
                break;
            case ChannelToken:
                Channel!.Serve();
                if (Channel.IsClosed)
                    _epoll.Remove(Channel.Socket);
                break;
            default:
                var queue = (int)(token - FirstCallToken);
                _queues[queue].Call.Drain(out var count);
                Calls[queue] += (long)count;
                break;
        }
    }

    private void Watch(FdHandle fd, ulong token)
    {
        var errno = _epoll.Add(fd, EpollEvents.In, token);
        if (errno != Errno.None)
            throw new SyscallException("watching a descriptor of the scripted front-end", errno);
    }
}
