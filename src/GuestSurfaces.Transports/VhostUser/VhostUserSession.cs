// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using GuestSurfaces.Virtio;

namespace GuestSurfaces.Transports.VhostUser;

/// <summary>
/// One front-end's conversation with one device: a state machine that takes whole messages and knows no socket. Set-up may allocate; the rings' paths don't.
/// The files beside this one hold the messages about rings and about memory. Source: QEMU docs/interop/vhost-user.rst.
/// </summary>
internal sealed partial class VhostUserSession : IRingOwner, IDisposable
{
    private readonly EventLoop _loop;
    private readonly IVirtioDevice _device;
    private readonly VhostUserHost _host;
    private readonly VhostUserOptions _options;
    private readonly Limits _limits;
    private readonly BoundedLog _log;
    private readonly VhostUserRing[] _rings;
    private ProtocolFeatures _protocolFeatures;
    private ulong _status;

    /// <summary>Begins a conversation.</summary>
    /// <param name="loop">Where kicks are heard.</param>
    /// <param name="device">Fresh, or reset.</param>
    /// <param name="host">What the device sees; its memory is empty.</param>
    /// <param name="options">Limits and hooks.</param>
    /// <param name="log">For what goes wrong.</param>
    internal VhostUserSession(EventLoop loop, IVirtioDevice device, VhostUserHost host, VhostUserOptions options, BoundedLog log)
    {
        _loop = loop;
        _device = device;
        _host = host;
        _options = options;
        _limits = options.Limits;
        _log = log;
        _rings = new VhostUserRing[device.QueueCount];
        for (var i = 0; i < _rings.Length; i++)
            _rings[i] = new VhostUserRing(i, loop, device, host.Memory, _limits, log, this);
    }

    /// <summary>Called when the device model threw while a kick was handled.</summary>
    internal Action<Exception>? Failed { get; set; }

    /// <inheritdoc/>
    public ulong Features { get; private set; }

    private ulong OfferedFeatures => _device.DeviceFeatures | RingFeatures.Offered;

    private bool AnyRingRuns
    {
        get
        {
            foreach (var ring in _rings)
            {
                if (ring.IsRunning)
                    return true;
            }

            return false;
        }
    }

    /// <inheritdoc/>
    public void DeviceFailed(Exception exception) => Failed?.Invoke(exception);

    /// <summary>Acts on a message.</summary>
    /// <param name="header">Of a whole message.</param>
    /// <param name="payload">As long as the header says.</param>
    /// <param name="fds">What came with it; what isn't taken is closed by the caller.</param>
    /// <param name="reply">Filled with the answer, if there is one.</param>
    /// <returns>Null, or why the connection has to end.</returns>
    internal string? Handle(in MessageHeader header, ReadOnlySpan<byte> payload, MessageFds fds, Reply reply)
    {
        reply.Clear();
        var request = (FrontendRequest)header.Request;
        var outcome = Act(request, payload, fds, reply);
        var acknowledge = header.NeedsReply && Has(ProtocolFeatures.ReplyAck);
        switch (outcome.Kind)
        {
            case OutcomeKind.Done when acknowledge:
                reply.Write(request, 0UL);
                return null;
            case OutcomeKind.Done or OutcomeKind.Answered:
                return null;
            case OutcomeKind.Unsupported or OutcomeKind.Refused when acknowledge:
                _log.Warn($"vhost-user: {Name(request)} refused: {outcome.Why}");
                reply.Write(request, 1UL);
                return null;
            case OutcomeKind.Unsupported:
                _log.Warn($"vhost-user: {Name(request)} passed over: {outcome.Why}");
                return null;
            default:
                reply.Clear();
                return $"{Name(request)}: {outcome.Why}";
        }
    }

    /// <summary>Ends the conversation: rings stopped, device reset, guest memory let go, everything closed.</summary>
    public void Dispose()
    {
        foreach (var ring in _rings)
            Survive(ring.Dispose);
        _host.Channel?.Dispose();
        _host.Channel = null;
        Survive(_device.Reset);
        _host.Memory.Clear();
        Survive(_device.MemoryChanged);
    }

    // Whatever the device does, the rest is let go too.
    private void Survive(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e)
        {
            _log.Error("vhost-user: the device failed while it was taken down", e);
        }
    }

    private static string Name(FrontendRequest request) => Enum.IsDefined(request) ? request.ToString() : $"request {(uint)request}";

    private Outcome Act(FrontendRequest request, ReadOnlySpan<byte> payload, MessageFds fds, Reply reply)
    {
        switch (request)
        {
            case FrontendRequest.GetFeatures:
                return Answer(request, payload, OfferedFeatures, reply);
            case FrontendRequest.SetFeatures:
                return Payload.TryRead(payload, out ulong features) ? SetFeatures(features) : WrongSize(payload);
            case FrontendRequest.GetProtocolFeatures:
                return Answer(request, payload, (ulong)ProtocolFeatures.Offered, reply);
            case FrontendRequest.SetProtocolFeatures:
                return Payload.TryRead(payload, out ulong protocolFeatures) ? SetProtocolFeatures((ProtocolFeatures)protocolFeatures) : WrongSize(payload);
            case FrontendRequest.GetQueueNum:
                return Answer(request, payload, (ulong)_rings.Length, reply);
            case FrontendRequest.SetOwner:
                return payload.IsEmpty ? Outcome.Done : WrongSize(payload);
            case FrontendRequest.ResetOwner:
                return payload.IsEmpty ? DisableRings() : WrongSize(payload);
            case FrontendRequest.ResetDevice:
                return payload.IsEmpty ? ResetDevice() : WrongSize(payload);
            case FrontendRequest.SetStatus:
                return Payload.TryRead(payload, out ulong status) ? SetStatus(status) : WrongSize(payload);
            case FrontendRequest.GetStatus:
                return Answer(request, payload, _status, reply);
            case FrontendRequest.GetConfig:
                return Payload.TryReadConfig(payload, out var wanted, out _) ? GetConfig(in wanted, reply) : WrongConfig(payload, reply);
            case FrontendRequest.SetConfig:
                return Payload.TryReadConfig(payload, out var written, out var bytes) ? SetConfig(in written, bytes) : WrongSize(payload);
            case FrontendRequest.SetBackendReqFd:
                return payload.IsEmpty ? SetBackendChannel(fds) : WrongSize(payload);
            case FrontendRequest.GpuSetSocket:
                return payload.IsEmpty ? SetGpuSocket(fds) : WrongSize(payload);

            case FrontendRequest.SetMemTable:
                return Payload.TryReadTable(payload, out var regions) ? SetMemoryTable(regions, fds) : WrongSize(payload);
            case FrontendRequest.GetMaxMemSlots:
                return Answer(request, payload, (ulong)_limits.MaxMemoryRegions, reply);
            case FrontendRequest.AddMemReg:
                return Payload.TryRead(payload, out SingleRegionPayload added) ? AddRegion(in added, fds) : WrongSize(payload);
            case FrontendRequest.RemMemReg:
                return Payload.TryRead(payload, out SingleRegionPayload removed) ? RemoveRegion(in removed) : WrongSize(payload);

            case FrontendRequest.SetVringNum or FrontendRequest.SetVringBase or FrontendRequest.SetVringEnable or FrontendRequest.GetVringBase:
                return Payload.TryRead(payload, out VringState state) ? ActOnRing(request, in state, reply) : WrongSize(payload);
            case FrontendRequest.SetVringAddr:
                return Payload.TryRead(payload, out VringAddr addresses) ? SetRingAddresses(in addresses) : WrongSize(payload);
            case FrontendRequest.SetVringKick or FrontendRequest.SetVringCall or FrontendRequest.SetVringErr:
                return Payload.TryRead(payload, out ulong ringAndFlag) ? SetRingFd(request, ringAndFlag, fds) : WrongSize(payload);

            default:
                return Outcome.Unsupported("we never offered it");
        }
    }

    private Outcome SetFeatures(ulong features)
    {
        var unknown = features & ~(OfferedFeatures | RingFeatures.Tolerated);
        if (unknown != 0)
            return Outcome.Refuse($"features {unknown:x} were never offered");
        if (AnyRingRuns)
            return features == Features ? Outcome.Done : Outcome.Refuse("features can't change while rings run");
        Features = features;
        _device.SetFeatures(features);
        return Outcome.Done;
    }

    private Outcome SetProtocolFeatures(ProtocolFeatures features)
    {
        if ((features & ~ProtocolFeatures.Offered) != 0)
            return Outcome.Refuse($"protocol features {(ulong)(features & ~ProtocolFeatures.Offered):x} were never offered");
        _protocolFeatures = features;
        return Outcome.Done;
    }

    // QEMU sets 0 whenever the VM pauses, and the driver goes on afterwards as if nothing had been: this is no reset. What is one, shows in SET_VRING_BASE.
    private Outcome SetStatus(ulong status)
    {
        if (!Has(ProtocolFeatures.Status))
            return Outcome.Refuse("STATUS was not negotiated");
        _status = status;
        return Outcome.Done;
    }

    private Outcome ResetDevice()
    {
        if (!Has(ProtocolFeatures.ResetDevice))
            return Outcome.Refuse("RESET_DEVICE was not negotiated");
        foreach (var ring in _rings)
            ring.Reset();
        _status = 0;
        Features = 0;
        _device.Reset();
        return Outcome.Done;
    }

    private Outcome GetConfig(in ConfigHeader wanted, Reply reply)
    {
        // A driver may read beyond the space's end; on a bus it would read zeros.
        Span<byte> space = stackalloc byte[Wire.MaxConfigBytes];
        space.Clear();
        _device.ReadConfig(space[..Math.Min(_device.ConfigSizeBytes, space.Length)]);
        space.Slice((int)wanted.Offset, (int)wanted.Size).CopyTo(reply.WriteConfig(in wanted));
        return Outcome.Answered;
    }

    private Outcome SetConfig(in ConfigHeader written, ReadOnlySpan<byte> bytes)
    {
        const uint writable = 0;
        const uint migration = 1;
        if (written.Flags is not (writable or migration))
            return Outcome.Refuse($"it has unknown flags {written.Flags:x}");
        if (written.Offset + written.Size > (uint)_device.ConfigSizeBytes)
            return Outcome.Refuse($"bytes {written.Offset} to {written.Offset + written.Size} are not in a space of {_device.ConfigSizeBytes}");
        _device.WriteConfig(written.Offset, bytes);
        return Outcome.Done;
    }

    private Outcome SetBackendChannel(MessageFds fds)
    {
        if (!Has(ProtocolFeatures.BackendReq))
            return Outcome.Refuse("BACKEND_REQ was not negotiated");
        if (fds.Count != 1)
            return Outcome.Refuse($"it came with {fds.Count} descriptors instead of 1");
        var channel = BackendChannel.TryOpen(_loop, fds.Take(0).Take<UnixSocketHandle>(), Has(ProtocolFeatures.ReplyAck), _log);
        if (channel is null)
            return Outcome.Refuse("its descriptor is no socket");
        _host.Channel?.Dispose();
        _host.Channel = channel;
        return Outcome.Done;
    }

    private Outcome SetGpuSocket(MessageFds fds)
    {
        if (_device.DeviceId != VhostUserProgram.GpuDeviceId)
            return Outcome.Unsupported("this is no GPU");
        if (fds.Count != 1)
            return Outcome.Refuse($"it came with {fds.Count} descriptors instead of 1");
        if (_options.OnGpuSocket is { } hook)
            hook(fds.Take(0).Take<UnixSocketHandle>());
        return Outcome.Done;
    }

    private bool Has(ProtocolFeatures feature) => (_protocolFeatures & feature) != 0;

    private static Outcome Answer(FrontendRequest request, ReadOnlySpan<byte> payload, ulong value, Reply reply)
    {
        if (!payload.IsEmpty)
            return WrongSize(payload);
        reply.Write(request, value);
        return Outcome.Answered;
    }

    private static Outcome WrongSize(ReadOnlySpan<byte> payload) => Outcome.Malformed($"its payload of {payload.Length} bytes is not what this message has");

    // A range that can't be is answered, politely, with an empty payload; a payload that contradicts itself is not.
    private static Outcome WrongConfig(ReadOnlySpan<byte> payload, Reply reply)
    {
        if (!Payload.TryReadHead(payload, out ConfigHeader header, out var bytes) || header.Size != (uint)bytes.Length)
            return WrongSize(payload);
        reply.WriteEmpty(FrontendRequest.GetConfig);
        return Outcome.Answered;
    }
}
