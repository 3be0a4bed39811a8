// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Ways of saying hello: every one of them ends with a picture on the screen.</summary>
public static class HandshakeCases
{
    private const string Spec = "vhost-user: Communication, Starting and stopping rings";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        Shows("qemu-order", new()),
        Shows("crosvm-order", new() { Order = HandshakeOrder.Crosvm }),
        Shows("memory-by-table", new() { Announcement = MemoryAnnouncement.Table }),
        Shows("memory-by-table-crosvm", new() { Announcement = MemoryAnnouncement.Table, Order = HandshakeOrder.Crosvm }),
        Shows("memory-unsealed", new() { Memory = new() { Sealed = false } }),
        Shows("memory-with-hole", new() { Memory = GuestMemoryOptions.WithHole, RingRegion = 1 }),
        Shows("memory-with-hole-by-table", new() { Memory = GuestMemoryOptions.WithHole, RingRegion = 1, Announcement = MemoryAnnouncement.Table }),
        Shows("memory-adjacent-swapped", new() { Memory = GuestMemoryOptions.Adjacent }),
        Shows("no-reply-ack", new() { Protocol = VhostUserWire.Spoken & ~ProtocolFeatures.ReplyAck }),
        Shows("replies-not-asked-for", new() { AskForReplies = false }),
        Shows("only-config-and-mq", new() { Protocol = ProtocolFeatures.Config | ProtocolFeatures.Mq, Announcement = MemoryAnnouncement.Table }),
        Shows("no-event-index", new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.EventIndex }),
        Shows("no-indirect", new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.IndirectDescriptors }),
        Shows("bare-ring", new() { Features = VirtioFeatures.Version1 | VirtioFeatures.ProtocolFeatures }),
        Shows("rings-enabled-without-protocol-features", new() { Features = VirtioFeatures.Version1, Protocol = ProtocolFeatures.None }),
        Shows("ring-features-never-offered", new() { UnofferedFeatures = VirtioFeatures.NotifyOnEmpty | VirtioFeatures.AnyLayout | VirtioFeatures.RingReset }),
        Shows("queues-of-256-and-16", new() { ControlQueueSize = 256 }),
        Shows("queues-of-1024", new() { ControlQueueSize = 1024, CursorQueueSize = 1024 }),
        Shows("queues-of-2", new() { ControlQueueSize = 2, CursorQueueSize = 2 }),
        new("handshake/offers-version-1", "virtio 1.3 §6", static c =>
        {
            c.Vmm.Connect();
            c.Check(c.Vmm.Offered.HasFlag(VirtioFeatures.Version1), "VERSION_1 isn't offered");
        }),
        new("handshake/offers-indirect-descriptors", "virtio 1.3 §2.7.5.3: large resources don't fit the ring without", static c =>
        {
            c.Vmm.Connect();
            c.Check(c.Vmm.Offered.HasFlag(VirtioFeatures.IndirectDescriptors), "INDIRECT_DESC isn't offered");
        }),
        new("handshake/offers-config", "vhost-user-gpu needs PROTOCOL_F_CONFIG", static c =>
        {
            c.Vmm.Connect();
            c.Check(c.Vmm.OfferedProtocol.HasFlag(ProtocolFeatures.Config), "PROTOCOL_F_CONFIG isn't offered");
        }),
        new("handshake/blob-needs-no-virgl", "virtio 1.3 §5.7.3", static c =>
        {
            c.Vmm.Connect();
            c.Check(
                !c.Vmm.Offered.HasFlag(VirtioFeatures.GpuContextInit) || c.Vmm.Offered.HasFlag(VirtioFeatures.GpuVirgl),
                "CONTEXT_INIT is offered without VIRGL");
        }),
        new("handshake/two-queues", "virtio 1.3 §5.7.2", static c =>
        {
            c.Vmm.Connect();
            c.Check(c.Vmm.GetQueueNum() >= 2, "a GPU has two queues");
        }) { RequiresProtocol = ProtocolFeatures.Mq },
        new("handshake/memory-slots", "vhost-user: GET_MAX_MEM_SLOTS", static c =>
        {
            c.Vmm.Connect();
            c.Check(c.Vmm.GetMaxMemSlots() >= 8, "fewer slots than SET_MEM_TABLE has");
        }) { RequiresProtocol = ProtocolFeatures.ConfigureMemSlots },
        new("handshake/presents-without-display-socket", "crosvm: no GPU_SET_SOCKET", static c =>
        {
            c.ExpectAlive();
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
        }) { Frontend = new() { Display = null, Order = HandshakeOrder.Crosvm, TimeoutMs = 1000 } },
    ];

    private static ConformanceCase Shows(string name, FrontendOptions options) => new("handshake/" + name, Spec, static c =>
    {
        c.ExpectAlive();
        if (c.Guest.Memory.Regions.Length > 1)
            PictureInTwoRegions(c);
        c.ShowResource(2, 0, GpuFormat.B8G8R8X8, 64, 48);
        c.ExpectPicture(0);
    })
    {
        Frontend = options,
    };

    /// <summary>A resource with pages in each region, and where the regions touch, one page across the border.</summary>
    private static void PictureInTwoRegions(CaseContext c)
    {
        var regions = c.Guest.Memory.Regions;
        var touch = regions[0].GuestAddress + regions[0].SizeBytes == regions[1].GuestAddress;
        var second = regions[1].GuestAddress + (24 * 1024 * 1024);
        GpuMemoryEntry[] entries = touch
            ? [new(regions[1].GuestAddress - 4096, 8192), new(second, 64 * 48 * 4 - 8192)]
            : [new(second, 4096), new(c.Guest.Memory.Allocate(4096), 4096), new(second + 8192, 64 * 48 * 4 - 8192)];
        foreach (var entry in entries)
            c.Paint(entry.Address, entry.LengthBytes / 4, (int)entry.LengthBytes);
        c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 48));
        c.Ok(Request.Attach(1, entries));
        c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
        c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
        c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
        c.ExpectPicture(0);
    }
}
