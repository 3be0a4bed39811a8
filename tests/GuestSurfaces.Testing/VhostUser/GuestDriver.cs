// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <summary>A command on its way. Its answer can be read once <see cref="IsDone"/>.</summary>
public sealed class Submission
{
    internal (ulong Address, int Length)[] ResponsePieces = [];

    public ushort Head { get; internal init; }

    public bool IsDone { get; internal set; }

    /// <summary>What the used entry says was written.</summary>
    public uint WrittenBytes { get; internal set; }

    /// <summary>In which place it came back, counted over all commands of the driver.</summary>
    public long Order { get; internal set; }
}

/// <summary>
/// The guest's side of virtio-gpu: puts commands on the rings in chosen shapes and waits for answers, in whatever order they come.
/// <see cref="SubmitAndWait(ReadOnlySpan{byte}, Span{byte})"/> allocates nothing. Thread: one at a time.
/// </summary>
public sealed class GuestDriver
{
    private const int SlotBytes = 16 * 1024;

    private readonly Submission?[][] _pending = new Submission?[2][];
    private readonly ulong _requestSlot;
    private readonly ulong _responseSlot;
    private long _order;

    // The command of the fast path: head and queue, and what came back.
    private int _fastHead = -1;
    private uint _fastQueue;
    private uint _fastWritten;

    public GuestDriver(ScriptedFrontend frontend)
    {
        Frontend = frontend;
        for (var i = 0; i < 2; i++)
            _pending[i] = new Submission?[frontend.Queues[i].Size];
        _requestSlot = frontend.Memory.Allocate(SlotBytes);
        _responseSlot = frontend.Memory.Allocate(SlotBytes);
    }

    public ScriptedFrontend Frontend { get; }

    public GuestMemory Memory => Frontend.Memory;

    /// <summary>How many answers have come.</summary>
    public long Answers => _order;

    /// <summary>Sends a command on the control queue in two plain descriptors and waits for its answer. No allocation.</summary>
    /// <param name="request">At most 16 KiB.</param>
    /// <param name="response">Filled from the start; its length is the room the device gets.</param>
    /// <returns>How many bytes the device wrote.</returns>
    public int SubmitAndWait(ReadOnlySpan<byte> request, Span<byte> response) => SubmitAndWait(Frontend.Control, request, response);

    /// <summary>The same on either queue; without room for an answer, as cursor commands come, the chain has no writable part.</summary>
    public int SubmitAndWait(SplitRing queue, ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (request.Length > SlotBytes || response.Length > SlotBytes)
            throw new ArgumentException($"the fast path takes at most {SlotBytes} bytes; use Submit");
        Memory.Write(_requestSlot, request);
        Span<ChainPiece> pieces = [new(_requestSlot, (uint)request.Length, false), new(_responseSlot, (uint)response.Length, true)];
        _fastQueue = queue.Index;
        _fastHead = queue.Add(response.IsEmpty ? pieces[..1] : pieces);
        queue.Notify();
        var deadline = Environment.TickCount64 + Frontend.Options.TimeoutMs;
        while (true)
        {
            TakeAll(queue);
            if (_fastHead < 0)
                break;
            WaitForMore(queue, deadline);
        }

        CheckWritten(_fastWritten, response.Length);
        Memory.Read(_responseSlot, response[..(int)_fastWritten]);
        return (int)_fastWritten;
    }

    /// <summary>Sends a command and returns the header of its answer, all zero if none was written.</summary>
    public GpuHeader Send(ReadOnlySpan<byte> request)
    {
        Span<byte> response = stackalloc byte[GpuHeader.SizeBytes];
        if (request.Length <= SlotBytes)
            return GpuCommands.ReadHeader(response[..SubmitAndWait(request, response)]);
        var submission = Submit(request, GpuHeader.SizeBytes);
        Wait(submission);
        return GpuCommands.ReadHeader(Response(submission));
    }

    /// <summary>Puts a command on a queue in a chosen shape, and tells the device. Takes guest memory for good.</summary>
    public Submission Submit(
        ReadOnlySpan<byte> request, int responseBytes, DescriptorLayout? layout = null, SplitRing? queue = null, bool notify = true)
    {
        layout ??= DescriptorLayout.Plain;
        queue ??= Frontend.Control;
        var pieces = new List<ChainPiece>();
        foreach (var length in DescriptorLayout.Cut(request.Length, layout.RequestCuts))
        {
            var address = Memory.Allocate((ulong)length, alignment: 64);
            Memory.Write(address, request[..length]);
            request = request[length..];
            pieces.Add(new(address, (uint)length, false));
        }

        var response = new List<(ulong, int)>();
        foreach (var length in DescriptorLayout.Cut(responseBytes, layout.ResponseCuts))
        {
            var address = Memory.Allocate((ulong)length, alignment: 64);
            response.Add((address, length));
            pieces.Add(new(address, (uint)length, true));
        }

        return Submit(queue, pieces.ToArray(), [.. response], layout.Direct, notify);
    }

    /// <summary>Puts any chain on a queue.</summary>
    public Submission Submit(SplitRing queue, ReadOnlySpan<ChainPiece> pieces, (ulong Address, int Length)[] responsePieces, int direct = -1, bool notify = true)
    {
        var head = queue.Add(pieces, direct);
        var submission = new Submission { Head = head, ResponsePieces = responsePieces };
        _pending[queue.Index][head] = submission;
        if (notify)
            queue.Notify();
        return submission;
    }

    /// <summary>Waits until a command has been answered.</summary>
    /// <exception cref="BackendSilentException">It hasn't been, in time.</exception>
    public void Wait(Submission submission, SplitRing? queue = null)
    {
        queue ??= Frontend.Control;
        var deadline = Environment.TickCount64 + Frontend.Options.TimeoutMs;
        while (true)
        {
            TakeAll(queue);
            if (submission.IsDone)
                break;
            WaitForMore(queue, deadline);
        }
    }

    /// <summary>Waits a while; for commands that may rightly stay unanswered.</summary>
    /// <returns>Whether it was answered.</returns>
    public bool TryWait(Submission submission, int timeoutMs, SplitRing? queue = null)
    {
        queue ??= Frontend.Control;
        var deadline = Environment.TickCount64 + timeoutMs;
        while (true)
        {
            TakeAll(queue);
            if (submission.IsDone)
                return true;
            if (Frontend.IsClosed || (!Frontend.Pump(ScriptedFrontend.Remaining(deadline)) && ScriptedFrontend.Remaining(deadline) == 0))
                return false;
        }
    }

    /// <summary>The bytes of an answer, put together from its pieces.</summary>
    public byte[] Response(Submission submission)
    {
        var room = 0;
        foreach (var (_, length) in submission.ResponsePieces)
            room += length;
        CheckWritten(submission.WrittenBytes, room);
        var bytes = new byte[submission.WrittenBytes];
        var done = 0;
        foreach (var (address, length) in submission.ResponsePieces)
        {
            var n = Math.Min(length, bytes.Length - done);
            Memory.Read(address, bytes.AsSpan(done, n));
            done += n;
        }

        return bytes;
    }

    /// <summary>Takes everything back that is there now.</summary>
    public void TakeAll(SplitRing queue)
    {
        while (queue.TryTakeUsed(out var head, out var written))
        {
            _order++;
            if (_fastHead == (int)head && _fastQueue == queue.Index)
            {
                _fastHead = -1;
                _fastWritten = written;
                continue;
            }

            var submission = _pending[queue.Index][head]
                ?? throw new BackendMisbehavedException($"queue {queue.Index}: descriptor {head} came back and was never handed out");
            _pending[queue.Index][head] = null;
            submission.IsDone = true;
            submission.WrittenBytes = written;
            submission.Order = _order;
        }
    }

    /// <summary>Forgets every command under way; after a reset.</summary>
    public void Reset()
    {
        _fastHead = -1;
        foreach (var pending in _pending)
            pending.AsSpan().Clear();
        foreach (var queue in Frontend.Queues)
            queue.Reset();
    }

    private static void CheckWritten(uint written, int room)
    {
        if (written > (uint)room)
            throw new BackendMisbehavedException($"the device says it wrote {written} bytes where {room} were to be had");
    }

    private void WaitForMore(SplitRing queue, long deadline)
    {
        if (Frontend.IsClosed)
            throw new BackendGoneException("the back-end closed the connection with a command unanswered");
        if (Frontend.Pump(ScriptedFrontend.Remaining(deadline)) || ScriptedFrontend.Remaining(deadline) > 0)
            return;
        if (queue.TryTakeUsed(out var head, out _))
            throw new BackendMisbehavedException($"queue {queue.Index}: descriptor {head} came back without an interrupt");
        throw new BackendSilentException($"queue {queue.Index}: no answer within {Frontend.Options.TimeoutMs} ms");
    }
}
