// SPDX-License-Identifier: MIT
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;
using static GuestSurfaces.Conformance.MessageFile;
using static GuestSurfaces.Conformance.MessageStage;

namespace GuestSurfaces.Conformance;

/// <summary>Messages that a back-end must refuse, and survive.</summary>
public static class NegativeMessageCases
{
    private const string Spec = "vhost-user: back-ends must validate what front-ends send";
    private const string TrustsSizes = "it indexes its queues by the message's number";
    private const ulong MiB = 1024 * 1024;
    private const ulong Max = ulong.MaxValue;

    /// <summary>As data, for the corpus.</summary>
    public static IReadOnlyList<NegativeMessage> Messages { get; } =
    [
        // framing
        new("size-max", First, Header(1, 1, uint.MaxValue)),
        new("size-4-gib-minus-header", First, Header(5, 1, 0xffff_fff4)),
        new("size-larger-than-any-message", First, Header(5, 1, 65536)),
        new("version-0", First, Header(1, 0, 0)),
        new("version-3", First, Header(1, 3, 0)),
        new("reply-flag-from-front-end", First, Header(1, 5, 0)),
        new("request-0", First, Header(0, 1, 0)),
        new("request-max", First, Header(uint.MaxValue, 1, 0)),
        new("request-4096-with-payload", Connected, Message(4096, 1, new byte[64])),
        new("unknown-with-need-reply", Connected, Message(200, 9, [])) { MustRefuse = true },
        new("unknown-with-fd", Connected, Message(200, 1, new byte[8]), EventFd),
        new("fd-with-get-features", Connected, Message(1, 1, []), EventFd, EventFd, EventFd),
        new("28-fds", Connected, Message(3, 1, []), [.. Enumerable.Repeat(EventFd, 28)]),
        new("set-features-short", Connected, Message(2, 9, new byte[4])) { MustRefuse = true },
        new("set-features-long", Connected, Message(2, 9, new byte[16])) { MustRefuse = true },
        new("set-features-never-offered", Connected, Message(2, 9, U64(1UL << 63))),
        new("set-protocol-features-never-offered", Connected, Message(16, 1, U64(1UL << 62))),

        // memory
        Memory("mem-table-cut", Message(5, 9, new byte[4])),
        Memory("mem-table-0-regions-with-fd", MemTable(0), GuestRam),
        Memory("mem-table-9-regions", Claiming(9, MemTable([.. Enumerable.Range(0, 9).Select(i => Region((ulong)i * MiB, MiB))])), [.. Enumerable.Repeat(GuestRam, 9)]),
        Memory("mem-table-claims-max", Claiming(uint.MaxValue, MemTable(Region(0, MiB))), GuestRam),
        Memory("mem-table-claims-2-has-1", Claiming(2, MemTable(Region(0, MiB))), GuestRam, GuestRam),
        Memory("mem-table-without-fds", MemTable(Region(0, MiB))),
        Memory("mem-table-1-fd-of-2", MemTable(Region(0, MiB), Region(MiB, MiB)), GuestRam),
        Memory("mem-table-2-fds-of-1", MemTable(Region(0, MiB)), GuestRam, GuestRam),
        Memory("mem-table-gpa-wraps", MemTable(Region(Max - 4095, 64 * MiB)), GuestRam),
        Memory("mem-table-user-address-wraps", MemTable(new GuestRegion(0, 64 * MiB, 0, Max - 4095)), GuestRam),
        Memory("mem-table-offset-wraps", MemTable(new GuestRegion(0, 64 * MiB, Max - 4095, 0x7000_0000)), GuestRam),
        Memory("mem-table-size-0", MemTable(Region(0, 0)), GuestRam),
        Memory("mem-table-size-max", MemTable(Region(0, Max)), GuestRam),
        Memory("mem-table-past-end-of-file", MemTable(Region(0, 65 * MiB)), GuestRam),
        Memory("mem-table-offset-past-end-of-file", MemTable(new GuestRegion(0, MiB, 64 * MiB, 0x7000_0000)), GuestRam),
        Memory("mem-table-overlap", MemTable(Region(0, 2 * MiB), Region(MiB, 2 * MiB)), GuestRam, GuestRam),
        Memory("mem-table-eventfd-as-ram", MemTable(Region(0, MiB)), EventFd),
        Memory("mem-table-socket-as-ram", MemTable(Region(0, MiB)), Socket),
        Memory("add-mem-without-fd", MemRegion(37, Region(256 * MiB, MiB))),
        Memory("add-mem-two-fds", MemRegion(37, Region(256 * MiB, MiB)), GuestRam, GuestRam),
        Memory("add-mem-cut", Message(37, 9, new byte[39]), GuestRam),
        Memory("add-mem-gpa-wraps", MemRegion(37, Region(Max - 4095, MiB)), GuestRam),
        Memory("add-mem-size-0", MemRegion(37, Region(256 * MiB, 0)), GuestRam),
        Memory("add-mem-past-end-of-file", MemRegion(37, Region(256 * MiB, 65 * MiB)), GuestRam),
        Memory("add-mem-overlap", MemRegion(37, Region(MiB, MiB)), GuestRam) with { Stage = Running },
        Memory("rem-mem-unknown", MemRegion(38, Region(512 * MiB, MiB))),
        Memory("rem-mem-cut", Message(38, 9, new byte[8])),

        // rings
        Ring("vring-num-0", State(8, 0, 0)),
        Ring("vring-num-not-power-of-2", State(8, 0, 100)),
        Ring("vring-num-32768", State(8, 0, 32768)) with { MustRefuse = false },
        Ring("vring-num-65536", State(8, 0, 65536)),
        Ring("vring-num-max", State(8, 0, uint.MaxValue)),
        Ring("vring-num-of-queue-2", State(8, 2, 64)),
        Ring("vring-num-of-queue-max", State(8, uint.MaxValue, 64)) with { HostileToPeers = TrustsSizes },
        Ring("vring-base-of-queue-max", State(10, uint.MaxValue, 0)) with { HostileToPeers = TrustsSizes },
        Ring("vring-enable-of-queue-max", State(18, uint.MaxValue, 1)),
        Ring("get-vring-base-of-queue-max", State(11, uint.MaxValue, 0)) with { HostileToPeers = TrustsSizes, MustRefuse = false },
        Ring("vring-addr-of-queue-max", Address(uint.MaxValue, GuestMemoryOptions.UserBase)) with { HostileToPeers = TrustsSizes },
        Ring("vring-addr-outside-regions", Address(0, 0x1234_0000)),
        Ring("vring-addr-0", Address(0, 0)),
        Ring("vring-addr-max", Address(0, Max - 15)),
        Ring("vring-addr-misaligned", Address(0, GuestMemoryOptions.UserBase + 4097)) with { MustRefuse = false },
        Ring("vring-addr-at-end-of-region", Address(0, GuestMemoryOptions.UserBase + (64 * MiB) - 16)) with { Stage = Running },
        Ring("vring-state-cut", Message(8, 9, new byte[7])),
        Ring("vring-addr-cut", Message(9, 9, new byte[39])),
        Ring("kick-of-queue-2", Message(12, 9, U64(2)), EventFd),
        Ring("kick-of-queue-255", Message(12, 9, U64(255)), EventFd),
        Ring("kick-without-fd-or-flag", Message(12, 9, U64(0))),
        Ring("kick-two-fds", Message(12, 9, U64(0)), EventFd, EventFd),
        Ring("kick-with-flag-and-fd", Message(12, 9, U64(0x100)), EventFd) with { MustRefuse = false },
        Ring("kick-is-ram", Message(12, 9, U64(0)), GuestRam) with { MustRefuse = false },
        Ring("call-of-queue-2", Message(13, 9, U64(2)), EventFd),
        Ring("call-is-ram", Message(13, 9, U64(0)), GuestRam) with { MustRefuse = false, Stage = Running },
        Ring("err-of-queue-2", Message(14, 9, U64(2)), EventFd),
        Ring("kick-cut", Message(12, 9, new byte[4]), EventFd),
        new("get-vring-base-before-start", Connected, State(11, 0, 0, 1)),
        new("enable-before-addresses", Connected, State(18, 0, 1)),
        new("in-band-kick-not-negotiated", Running, State(35, 0, 0)) { MustRefuse = true },

        // the rest
        new("get-config-cut", Connected, Message(24, 1, new byte[4])),
        new("get-config-size-max", Connected, Message(24, 1, [0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0])),
        new("get-config-size-larger-than-payload", Connected, Message(24, 1, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
        new("set-config-cut", Connected, Message(25, 9, new byte[11])) { MustRefuse = true },
        new("set-config-size-larger-than-payload", Connected, Message(25, 9, [4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])) { MustRefuse = true },
        new("set-config-offset-max", Connected, Message(25, 9, [0xfc, 255, 255, 255, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])) { MustRefuse = true },
        new("backend-req-without-fd", Connected, Message(21, 9, [])) { MustRefuse = true },
        new("backend-req-two-fds", Connected, Message(21, 9, []), Socket, Socket) { MustRefuse = true },
        new("gpu-socket-without-fd", Connected, Message(33, 1, [])),
        new("gpu-socket-two-fds", Connected, Message(33, 1, []), Socket, Socket),
        new("gpu-socket-is-eventfd", Connected, Message(33, 1, []), EventFd),
        new("log-base-without-fd", Connected, Message(6, 9, new byte[16])),
        new("log-fd-not-negotiated", Connected, Message(7, 9, []), EventFd),
        new("iotlb-not-negotiated", Connected, Message(22, 1, new byte[32])),
        new("inflight-not-negotiated", Connected, Message(31, 1, new byte[24])),
        new("set-inflight-not-negotiated", Connected, Message(32, 9, new byte[24]), GuestRam),
        new("postcopy-not-negotiated", Connected, Message(28, 9, [])),
        new("shared-object-not-negotiated", Connected, Message(41, 1, new byte[16])),
        new("device-state-not-negotiated", Connected, Message(42, 9, new byte[8]), Socket),
        new("rarp-is-for-networks", Connected, Message(19, 9, U64(0))),
    ];

    public static IEnumerable<ConformanceCase> All { get; } = Messages.Select(static message =>
        new ConformanceCase("message/" + message.Name, Spec, c => Run(c, message))
        {
            HostileToPeers = message.HostileToPeers,
            Frontend = new() { TimeoutMs = 2000, Announcement = MemoryAnnouncement.Table, Protocol = VhostUserWire.Spoken & ~ProtocolFeatures.SharedObject },
        });

    private static void Run(CaseContext c, NegativeMessage message)
    {
        if (message.Stage != First)
            c.Vmm.Connect();
        if (message.Stage == Running)
        {
            c.ExpectAlive();
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
        }

        Send(c, message);
        c.Vmm.PumpAll();
        if (message.Stage == Running)
        {
            c.ExpectRecovery();
            return;
        }

        // What was said wrongly before the start doesn't stand in the way of saying it rightly, here or on the next connection.
        c.Disconnect();
        if (c.Backend.CanReconnect)
            c.ExpectAlive();
        else
            c.Check(c.Backend.Ailment() is null, $"the back-end didn't survive: {c.Backend.Ailment()}");
    }

    private static void Send(CaseContext c, NegativeMessage message)
    {
        var files = new FdHandle[message.Files.Length];
        for (var i = 0; i < files.Length; i++)
            files[i] = Open(c, message.Files[i]);
        try
        {
            c.Vmm.SendRaw(message.Bytes, files);
            var asked = (GpuCommands.Get32(message.Bytes, 4) & VhostUserWire.NeedReplyFlag) != 0;
            if (!asked || !c.Vmm.AckedProtocol.HasFlag(ProtocolFeatures.ReplyAck))
            {
                c.Vmm.Pump(50);
                return;
            }

            Span<byte> reply = stackalloc byte[8];
            c.Vmm.ReceiveReply((FrontendRequest)GpuCommands.Get32(message.Bytes, 0), reply);
            c.Check(!message.MustRefuse || GpuCommands.Get64(reply, 0) != 0, "the back-end said yes to it");
        }
        catch (BackendGoneException)
        {
            // It closed the connection: a clear answer too.
        }
        finally
        {
            foreach (var file in files)
                file.Dispose();
        }
    }

    private static FdHandle Open(CaseContext c, MessageFile file)
    {
        if (file == EventFd)
            return EventFdHandle.Create();
        if (file == GuestRam)
            return c.Vmm.Memory.File.Duplicate<MemFdHandle>();
        var (ours, theirs) = UnixSocketHandle.CreatePair(nonBlocking: true);
        ours.Dispose();
        return theirs;
    }

    private static NegativeMessage Memory(string name, byte[] bytes, params MessageFile[] files) => new(name, Connected, bytes, files) { MustRefuse = true };

    private static NegativeMessage Ring(string name, byte[] bytes, params MessageFile[] files) => new(name, Running, bytes, files) { MustRefuse = true };

    private static GuestRegion Region(ulong address, ulong size) => new(address, size, 0, 0x7000_0000_0000 + address);

    private static byte[] Header(uint request, uint flags, uint size)
    {
        var bytes = new byte[VhostUserWire.HeaderBytes];
        GpuCommands.Put32(bytes, 0, request);
        GpuCommands.Put32(bytes, 4, flags);
        GpuCommands.Put32(bytes, 8, size);
        return bytes;
    }

    private static byte[] Message(uint request, uint flags, byte[] payload) => [.. Header(request, flags, (uint)payload.Length), .. payload];

    private static byte[] U64(ulong value)
    {
        var bytes = new byte[8];
        GpuCommands.Put64(bytes, 0, value);
        return bytes;
    }

    private static byte[] State(uint request, uint index, uint num, uint flags = 9)
    {
        var payload = new byte[8];
        GpuCommands.Put32(payload, 0, index);
        GpuCommands.Put32(payload, 4, num);
        return Message(request, flags, payload);
    }

    private static byte[] Address(uint index, ulong at)
    {
        var payload = new byte[40];
        GpuCommands.Put32(payload, 0, index);
        GpuCommands.Put64(payload, 8, at);
        GpuCommands.Put64(payload, 16, at);
        GpuCommands.Put64(payload, 24, at);
        return Message(9, 9, payload);
    }

    private static byte[] MemTable(params GuestRegion[] regions)
    {
        var payload = new byte[8 + (32 * regions.Length)];
        GpuCommands.Put32(payload, 0, (uint)regions.Length);
        for (var i = 0; i < regions.Length; i++)
            ScriptedFrontend.PutRegion(payload.AsSpan(8 + (32 * i)), regions[i]);
        return Message(5, 9, payload);
    }

    private static byte[] MemTable(uint claimed) => Claiming(claimed, MemTable());

    private static byte[] Claiming(uint regions, byte[] message)
    {
        GpuCommands.Put32(message, VhostUserWire.HeaderBytes, regions);
        return message;
    }

    private static byte[] MemRegion(uint request, GuestRegion region)
    {
        var payload = new byte[40];
        ScriptedFrontend.PutRegion(payload.AsSpan(8), region);
        return Message(request, 9, payload);
    }
}
