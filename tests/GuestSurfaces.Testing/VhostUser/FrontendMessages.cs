// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.VhostUser;

/// <content>Every message, one method each; and raw ones for hostile tests.</content>
public sealed partial class ScriptedFrontend
{
    public VirtioFeatures GetFeatures() => Offered = (VirtioFeatures)AskNumber(FrontendRequest.GetFeatures);

    public void SetFeatures(VirtioFeatures features)
    {
        Acked = features;
        foreach (var queue in _queues)
            queue.EventIndex = features.HasFlag(VirtioFeatures.EventIndex);
        TellNumber(FrontendRequest.SetFeatures, (ulong)features);
    }

    public ProtocolFeatures GetProtocolFeatures() => OfferedProtocol = (ProtocolFeatures)AskNumber(FrontendRequest.GetProtocolFeatures);

    public void SetProtocolFeatures(ProtocolFeatures features)
    {
        // Not acknowledged: REPLY_ACK isn't agreed on before this message has been read.
        Span<byte> payload = stackalloc byte[8];
        GpuCommands.Put64(payload, 0, (ulong)features);
        Send(FrontendRequest.SetProtocolFeatures, payload, []);
        AckedProtocol = features;
    }

    public void SetOwner() => Tell(FrontendRequest.SetOwner, [], []);

    public ulong GetQueueNum() => AskNumber(FrontendRequest.GetQueueNum);

    public ulong GetMaxMemSlots() => AskNumber(FrontendRequest.GetMaxMemSlots);

    public void ResetDevice() => Tell(FrontendRequest.ResetDevice, [], []);

    public void SetStatus(byte status) => TellNumber(FrontendRequest.SetStatus, status);

    public byte GetStatus() => (byte)AskNumber(FrontendRequest.GetStatus);

    /// <summary>SET_MEM_TABLE with all regions.</summary>
    public void SetMemTable()
    {
        var regions = Memory.Regions;
        var payload = new byte[8 + (32 * regions.Length)];
        var fds = new FdHandle[regions.Length];
        GpuCommands.Put32(payload, 0, (uint)regions.Length);
        for (var i = 0; i < regions.Length; i++)
        {
            PutRegion(payload.AsSpan(8 + (32 * i)), regions[i]);
            fds[i] = Memory.File;
        }

        Tell(FrontendRequest.SetMemTable, payload, fds);
    }

    public void AddMemReg(GuestRegion region)
    {
        Span<byte> payload = stackalloc byte[40];
        payload.Clear();
        PutRegion(payload[8..], region);
        Tell(FrontendRequest.AddMemReg, payload, [Memory.File]);
    }

    public void RemMemReg(GuestRegion region)
    {
        Span<byte> payload = stackalloc byte[40];
        payload.Clear();
        PutRegion(payload[8..], region);
        Tell(FrontendRequest.RemMemReg, payload, []);
    }

    public void SetVringNum(uint index, uint num) => TellState(FrontendRequest.SetVringNum, index, num);

    public void SetVringBase(uint index, uint availIndex) => TellState(FrontendRequest.SetVringBase, index, availIndex);

    public void SetVringEnable(uint index, bool enable) => TellState(FrontendRequest.SetVringEnable, index, enable ? 1u : 0);

    /// <summary>Stops the ring.</summary>
    /// <returns>The next avail index.</returns>
    public uint GetVringBase(uint index)
    {
        Span<byte> payload = stackalloc byte[8];
        payload.Clear();
        GpuCommands.Put32(payload, 0, index);
        Ask(FrontendRequest.GetVringBase, payload, payload);
        return GpuCommands.Get32(payload, 4);
    }

    public void SetVringAddr(SplitRing ring) => SetVringAddr(
        ring.Index, Memory.UserAddress(ring.DescriptorTable), Memory.UserAddress(ring.UsedRing), Memory.UserAddress(ring.AvailRing));

    public void SetVringAddr(uint index, ulong descriptors, ulong used, ulong avail)
    {
        Span<byte> payload = stackalloc byte[40];
        payload.Clear();
        GpuCommands.Put32(payload, 0, index);
        GpuCommands.Put64(payload, 8, descriptors);
        GpuCommands.Put64(payload, 16, used);
        GpuCommands.Put64(payload, 24, avail);
        Tell(FrontendRequest.SetVringAddr, payload, []);
    }

    /// <param name="fd">Null: polling mode, no descriptor.</param>
    public void SetVringKick(uint index, FdHandle? fd) => TellVringFd(FrontendRequest.SetVringKick, index, fd);

    /// <param name="fd">Null: no interrupts.</param>
    public void SetVringCall(uint index, FdHandle? fd) => TellVringFd(FrontendRequest.SetVringCall, index, fd);

    public void SetVringErr(uint index, FdHandle? fd) => TellVringFd(FrontendRequest.SetVringErr, index, fd);

    /// <summary>Reads the device's configuration; an empty answer is the back-end's way to refuse.</summary>
    public byte[] GetConfig(uint offset, uint size)
    {
        var payload = new byte[12 + size];
        GpuCommands.Put32(payload, 0, offset);
        GpuCommands.Put32(payload, 4, size);
        var length = Ask(FrontendRequest.GetConfig, payload, payload);
        return length <= 12 ? [] : payload[12..length];
    }

    public void SetConfig(uint offset, ReadOnlySpan<byte> data, uint flags = 0)
    {
        var payload = new byte[12 + data.Length];
        GpuCommands.Put32(payload, 0, offset);
        GpuCommands.Put32(payload, 4, (uint)data.Length);
        GpuCommands.Put32(payload, 8, flags);
        data.CopyTo(payload.AsSpan(12));
        Tell(FrontendRequest.SetConfig, payload, []);
    }

    /// <summary>SET_BACKEND_REQ_FD with a new <see cref="Channel"/>.</summary>
    public void SetBackendReqFd()
    {
        if (_channelWatched && !Channel!.IsClosed)
            _epoll.Remove(Channel.Socket);
        Channel?.Dispose();
        Channel = new BackendChannel();
        Watch(Channel.Socket, ChannelToken);
        _channelWatched = true;
        Tell(FrontendRequest.SetBackendReqFd, [], [Channel.BackendEnd]);
        Channel.BackendEnd.Dispose();
    }

    /// <summary>GPU_SET_SOCKET: never acknowledged, as QEMU sends it.</summary>
    public void GpuSetSocket()
    {
        if (_displayWatched)
            throw new InvalidOperationException("the display socket has already been sent");
        Send(FrontendRequest.GpuSetSocket, [], [Display!.BackendEnd]);
        Display.BackendEnd.Dispose();
        Watch(Display.Socket, DisplayToken);
        _displayWatched = true;
    }

    /// <summary>Sends any bytes and descriptors.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes, params ReadOnlySpan<FdHandle> fds)
    {
        while (!bytes.IsEmpty)
        {
            var errno = Socket.Send(bytes, fds, out var sent);
            if (errno is Errno.EPIPE or Errno.ECONNRESET)
                throw new BackendGoneException("the back-end closed the connection while it was being written to");
            if (errno != Errno.None)
                throw new SyscallException("sending to the back-end", errno);
            bytes = bytes[sent..];
            fds = [];
        }
    }

    /// <summary>Sends any message with a well-formed header.</summary>
    public void Send(FrontendRequest request, ReadOnlySpan<byte> payload, ReadOnlySpan<FdHandle> fds, bool needReply = false)
    {
        Span<byte> message = stackalloc byte[VhostUserWire.HeaderBytes + payload.Length];
        GpuCommands.Put32(message, 0, (uint)request);
        GpuCommands.Put32(message, 4, VhostUserWire.Version1 | (needReply ? VhostUserWire.NeedReplyFlag : 0));
        GpuCommands.Put32(message, 8, (uint)payload.Length);
        payload.CopyTo(message[VhostUserWire.HeaderBytes..]);
        SendRaw(message, fds);
    }

    /// <summary>Says something and, where REPLY_ACK allows it, waits until the back-end has agreed.</summary>
    /// <exception cref="BackendMisbehavedException">It has refused.</exception>
    public void Tell(FrontendRequest request, ReadOnlySpan<byte> payload, ReadOnlySpan<FdHandle> fds)
    {
        var answer = TryTell(request, payload, fds);
        if (answer != 0)
            throw new BackendMisbehavedException($"{request} was refused with {answer}");
    }

    /// <summary>Says something and returns the acknowledgement: 0 for yes, also when none could be asked for.</summary>
    public ulong TryTell(FrontendRequest request, ReadOnlySpan<byte> payload, ReadOnlySpan<FdHandle> fds)
    {
        var ask = Options.AskForReplies && AckedProtocol.HasFlag(ProtocolFeatures.ReplyAck);
        Send(request, payload, fds, ask);
        if (!ask)
            return 0;
        Span<byte> reply = stackalloc byte[8];
        var length = ReceiveReply(request, reply);
        return length == 8 ? GpuCommands.Get64(reply, 0) : throw new BackendMisbehavedException($"the acknowledgement of {request} has {length} bytes, not 8");
    }

    /// <summary>Asks, and waits for the answer.</summary>
    /// <param name="reply">Filled from the start.</param>
    /// <returns>How many bytes the answer has.</returns>
    public int Ask(FrontendRequest request, ReadOnlySpan<byte> payload, Span<byte> reply)
    {
        Send(request, payload, []);
        return ReceiveReply(request, reply);
    }

    /// <summary>Waits for one reply.</summary>
    public int ReceiveReply(FrontendRequest request, Span<byte> reply)
    {
        var deadline = Environment.TickCount64 + Options.TimeoutMs;
        while (!_replies.HasMessage)
        {
            if (_replies.IsClosed)
                throw new BackendGoneException($"the back-end closed the connection instead of answering {request}");
            if (!Pump(Remaining(deadline)) && Remaining(deadline) == 0)
                throw new BackendSilentException($"no answer to {request} within {Options.TimeoutMs} ms");
        }

        if (_replies.Request != (uint)request)
            throw new BackendMisbehavedException($"{request} was answered by message {_replies.Request}");
        if (_replies.Flags != (VhostUserWire.Version1 | VhostUserWire.ReplyFlag))
            throw new BackendMisbehavedException($"the answer to {request} has flags 0x{_replies.Flags:x}, not 0x5");
        var payload = _replies.Payload;
        var length = payload.Length;
        payload[..Math.Min(length, reply.Length)].CopyTo(reply);
        _replies.Next();
        return length;
    }

    /// <summary>Takes a descriptor that came with the last reply.</summary>
    public ReceivedFd? TakeReplyFd() => _replies.TakeFd();

    /// <summary>Writes a memory region as the messages carry it.</summary>
    public static void PutRegion(Span<byte> to, GuestRegion region)
    {
        GpuCommands.Put64(to, 0, region.GuestAddress);
        GpuCommands.Put64(to, 8, region.SizeBytes);
        GpuCommands.Put64(to, 16, region.UserAddress);
        GpuCommands.Put64(to, 24, region.FileOffsetBytes);
    }

    private ulong AskNumber(FrontendRequest request)
    {
        Span<byte> reply = stackalloc byte[8];
        var length = Ask(request, [], reply);
        return length == 8 ? GpuCommands.Get64(reply, 0) : throw new BackendMisbehavedException($"the answer to {request} has {length} bytes, not 8");
    }

    private void TellNumber(FrontendRequest request, ulong number)
    {
        Span<byte> payload = stackalloc byte[8];
        GpuCommands.Put64(payload, 0, number);
        Tell(request, payload, []);
    }

    private void TellState(FrontendRequest request, uint index, uint num)
    {
        Span<byte> payload = stackalloc byte[8];
        GpuCommands.Put32(payload, 0, index);
        GpuCommands.Put32(payload, 4, num);
        Tell(request, payload, []);
    }

    private void TellVringFd(FrontendRequest request, uint index, FdHandle? fd)
    {
        Span<byte> payload = stackalloc byte[8];
        GpuCommands.Put64(payload, 0, index | (fd == null ? VhostUserWire.VringNoFd : 0));
        Tell(request, payload, fd == null ? [] : [fd]);
    }
}
