// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <content>The order in which VMMs say things.</content>
public sealed partial class ScriptedFrontend
{
    private const byte DriverOk = 0x0f;

    private bool _announced;

    /// <summary>What a VMM says before the guest runs: features, the back-end's channel, call eventfds.</summary>
    public void Connect()
    {
        if (Options.Order == HandshakeOrder.Crosvm)
            SetOwner();
        GetFeatures();
        if (Offered.HasFlag(VirtioFeatures.ProtocolFeatures))
        {
            GetProtocolFeatures();
            SetProtocolFeatures(OfferedProtocol & Options.Protocol);
            if (AckedProtocol.HasFlag(ProtocolFeatures.Mq))
                RequireTwoQueues();
            if (AckedProtocol.HasFlag(ProtocolFeatures.ConfigureMemSlots))
                GetMaxMemSlots();
            if (AckedProtocol.HasFlag(ProtocolFeatures.BackendReq))
                SetBackendReqFd();
        }

        if (Options.Order == HandshakeOrder.Crosvm)
            return;
        SetOwner();
        GetFeatures();
        foreach (var queue in _queues)
        {
            SetVringCall(queue.Index, queue.Call);
            SetVringErr(queue.Index, queue.Error);
        }
    }

    /// <summary>What a VMM says when the guest's driver is ready: memory and rings. The rings must be empty (see <see cref="SplitRing.Reset"/>).</summary>
    public void Start()
    {
        if (Display != null && !_displayWatched)
            GpuSetSocket();
        SetFeatures((Offered & Options.Features) | Options.UnofferedFeatures);
        AnnounceMemory();
        foreach (var queue in _queues)
            SetUpRing(queue);
        if (Options.Order == HandshakeOrder.Qemu && Acked.HasFlag(VirtioFeatures.ProtocolFeatures))
        {
            foreach (var queue in _queues)
                SetVringEnable(queue.Index, true);
        }

        if (AckedProtocol.HasFlag(ProtocolFeatures.Status))
            SetStatus(DriverOk);
    }

    /// <summary>Tells the back-end where one ring is and starts it.</summary>
    public void SetUpRing(SplitRing queue)
    {
        SetVringNum(queue.Index, queue.Size);
        if (Options.Order == HandshakeOrder.Qemu)
        {
            SetVringBase(queue.Index, queue.AvailIndex);
            SetVringAddr(queue);
            SetVringKick(queue.Index, queue.Kick);
            SetVringCall(queue.Index, queue.Call);
            return;
        }

        SetVringAddr(queue);
        SetVringBase(queue.Index, queue.AvailIndex);
        SetVringCall(queue.Index, queue.Call);
        SetVringKick(queue.Index, queue.Kick);
        if (Acked.HasFlag(VirtioFeatures.ProtocolFeatures))
            SetVringEnable(queue.Index, true);
    }

    /// <summary>Tells the back-end about guest RAM, one way or the other.</summary>
    public void AnnounceMemory()
    {
        if (Options.Announcement == MemoryAnnouncement.Table || !AckedProtocol.HasFlag(ProtocolFeatures.ConfigureMemSlots))
        {
            SetMemTable();
            return;
        }

        if (_announced)
            return; // QEMU tells only differences
        foreach (var region in Memory.Regions)
            AddMemReg(region);
        _announced = true;
    }

    /// <summary>What a VMM says when the guest resets the device or shuts down.</summary>
    public void Stop()
    {
        foreach (var queue in _queues)
        {
            if (Acked.HasFlag(VirtioFeatures.ProtocolFeatures))
                SetVringEnable(queue.Index, false);
        }

        foreach (var queue in _queues)
            GetVringBase(queue.Index);
        if (AckedProtocol.HasFlag(ProtocolFeatures.Status))
            SetStatus(0);
    }

    /// <summary>Connects, starts, and returns the driver of the guest.</summary>
    public GuestDriver Boot()
    {
        Connect();
        Start();
        return new GuestDriver(this);
    }

    private void RequireTwoQueues()
    {
        var queues = GetQueueNum();
        if (queues < (ulong)_queues.Length)
            throw new BackendMisbehavedException($"a GPU has two queues, the back-end has {queues}");
    }
}
