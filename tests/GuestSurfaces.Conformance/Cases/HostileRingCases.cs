// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>
/// Rings that no honest guest builds. A device may answer with an error, give the chain back unanswered, or stop the ring; it must
/// keep the connection, and work again once the guest has reset it: a guest must not be able to end its VM's display process.
/// </summary>
public static class HostileRingCases
{
    private const string Spec = "virtio 1.3 §2.7.5, §2.7.13";
    private const string Exits = "it treats a broken ring as the end of the program";
    private const int PatienceMs = 300;
    private const ulong Ram = CaseContext.Playground;
    private const DescriptorFlags Next = DescriptorFlags.Next;
    private const DescriptorFlags Write = DescriptorFlags.Write;
    private const DescriptorFlags Indirect = DescriptorFlags.Indirect;

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        Hostile("descriptor-loop", static (c, ring) =>
        {
            ring.WriteDescriptor(0, Ram, 24, Next, 1);
            ring.WriteDescriptor(1, Ram, 24, Next, 0);
            ring.Publish(0);
        }),
        Hostile("descriptor-points-to-itself", static (c, ring) =>
        {
            ring.WriteDescriptor(0, Ram, 24, Next, 0);
            ring.Publish(0);
        }),
        Hostile("next-outside-ring", static (c, ring) =>
        {
            ring.WriteDescriptor(0, Ram, 24, Next, ring.Size);
            ring.Publish(0);
        }),
        Hostile("head-outside-ring", static (c, ring) => ring.Publish(ring.Size)),
        Hostile("head-max", static (c, ring) => ring.Publish(ushort.MaxValue)),
        Hostile("avail-index-jumps", static (c, ring) => ring.JumpAvail((ushort)(ring.Size + 1))),
        Hostile("avail-index-jumps-by-half", static (c, ring) => ring.JumpAvail(0x8000)),
        Hostile("avail-index-goes-back", static (c, ring) =>
        {
            c.ExpectAlive();
            ring.JumpAvail(ushort.MaxValue);
        }),
        Hostile("address-outside-ram", static (c, ring) =>
        {
            ring.WriteDescriptor(0, 0xf000_0000, 24, 0, 0);
            ring.Publish(0);
        }),
        Hostile("address-wraps", static (c, ring) =>
        {
            ring.WriteDescriptor(0, ulong.MaxValue - 8, 24, 0, 0);
            ring.Publish(0);
        }),
        Hostile("length-past-end-of-ram", static (c, ring) =>
        {
            ring.WriteDescriptor(0, (64 * 1024 * 1024) - 8, 24, 0, 0);
            ring.Publish(0);
        }),
        Hostile("length-max", static (c, ring) =>
        {
            ring.WriteDescriptor(0, Ram, uint.MaxValue, 0, 0);
            ring.Publish(0);
        }),
        Hostile("response-outside-ram", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 24, Next, 1);
            ring.WriteDescriptor(1, 0xf000_0000, 408, Write, 0);
            ring.Publish(0);
        }),
        Survives("indirect-in-indirect", static (c, ring) =>
        {
            ring.WriteDescriptorAt(Ram, Ram + 64, 16, Indirect, 0);
            ring.WriteDescriptorAt(Ram + 64, Ram + 128, 24, 0, 0);
            ring.WriteDescriptor(0, Ram, 16, Indirect, 0);
            ring.Publish(0);
        }),
        Survives("indirect-and-next", static (c, ring) =>
        {
            ring.WriteDescriptorAt(Ram, Ram + 128, 24, 0, 0);
            ring.WriteDescriptor(0, Ram, 16, Indirect | Next, 1);
            ring.WriteDescriptor(1, Ram + 256, 24, Write, 0);
            ring.Publish(0);
        }),
        Hostile("indirect-length-0", static (c, ring) => IndirectTable(ring, 0)),
        Hostile("indirect-length-17", static (c, ring) => IndirectTable(ring, 17)),
        Hostile("indirect-length-max", static (c, ring) => IndirectTable(ring, uint.MaxValue - 15)),
        Hostile("indirect-table-outside-ram", static (c, ring) =>
        {
            ring.WriteDescriptor(0, 0xf000_0000, 32, Indirect, 0);
            ring.Publish(0);
        }),
        Hostile("indirect-loop", static (c, ring) =>
        {
            ring.WriteDescriptorAt(Ram, Ram + 64, 24, Next, 1);
            ring.WriteDescriptorAt(Ram + 16, Ram + 64, 24, Next, 0);
            IndirectTable(ring, 32);
        }),
        Hostile("indirect-next-outside-table", static (c, ring) =>
        {
            ring.WriteDescriptorAt(Ram, Ram + 64, 24, Next, 7);
            IndirectTable(ring, 32);
        }),
        new("ring/indirect-not-negotiated", Spec, static c => Provoke(c, static (_, ring) =>
        {
            ring.WriteDescriptorAt(Ram, Ram + 64, 24, 0, 0);
            IndirectTable(ring, 16);
        }))
        {
            Frontend = new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.IndirectDescriptors, TimeoutMs = 2000 },
        },
        Hostile("length-0", static (c, ring) =>
        {
            ring.WriteDescriptor(0, Ram, 0, 0, 0);
            ring.Publish(0);
        }),
        Hostile("length-0-in-the-middle", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 12, Next, 1);
            ring.WriteDescriptor(1, Ram, 0, Next, 2);
            ring.WriteDescriptor(2, Ram + 12, 12, Next, 3);
            ring.WriteDescriptor(3, Ram + 4096, 408, Write, 0);
            ring.Publish(0);
        }),
        Hostile("readable-after-writable", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram + 4096, 408, Write | Next, 1);
            ring.WriteDescriptor(1, Ram, 24, 0, 0);
            ring.Publish(0);
        }),
        Survives("only-writable", static (c, ring) =>
        {
            ring.WriteDescriptor(0, Ram, 408, Write, 0);
            ring.Publish(0);
        }),
        Survives("only-readable", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 24, 0, 0);
            ring.Publish(0);
        }),
        Survives("response-of-one-byte", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 24, Next, 1);
            ring.WriteDescriptor(1, Ram + 4096, 1, Write, 0);
            ring.Publish(0);
        }),
        Survives("response-over-request", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 24, Next, 1);
            ring.WriteDescriptor(1, Ram, 408, Write, 0);
            ring.Publish(0);
        }),
        Survives("response-over-used-ring", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 24, Next, 1);
            ring.WriteDescriptor(1, ring.UsedRing, 24, Write, 0);
            ring.Publish(0);
        }),
        Survives("whole-ring-in-one-chain", static (c, ring) =>
        {
            Ask(c, Ram);
            for (ushort i = 0; i < ring.Size; i++)
                ring.WriteDescriptor(i, Ram + i, 1, i == ring.Size - 1 ? 0 : Next, (ushort)(i + 1));
            ring.Publish(0);
        }),
        Survives("same-head-twice", static (c, ring) =>
        {
            Ask(c, Ram);
            ring.WriteDescriptor(0, Ram, 24, Next, 1);
            ring.WriteDescriptor(1, Ram + 4096, 408, Write, 0);
            ring.Publish(0);
            ring.Publish(0);
        }),
        new("ring/cursor-queue-broken-control-queue-lives", Spec, static c =>
        {
            c.ExpectAlive();
            c.Vmm.Cursor.Publish(ushort.MaxValue);
            c.Vmm.Cursor.Notify(always: true);
            c.ExpectAlive();
            c.Vmm.Pump(PatienceMs);
            c.ExpectAlive();
            c.ExpectRecovery(connectionMustStay: true);
        }) { HostileToPeers = Exits, Frontend = new() { TimeoutMs = 2000 } },
    ];

    private static ConformanceCase Hostile(string name, Action<CaseContext, SplitRing> provoke) =>
        Survives(name, provoke) with { HostileToPeers = Exits };

    private static ConformanceCase Survives(string name, Action<CaseContext, SplitRing> provoke) =>
        new("ring/" + name, Spec, c => Provoke(c, provoke)) { Frontend = new() { TimeoutMs = 2000 } };

    private static void Provoke(CaseContext c, Action<CaseContext, SplitRing> provoke)
    {
        _ = c.Guest;
        var ring = c.Vmm.Control;
        provoke(c, ring);
        ring.Notify(always: true);

        // Whatever comes back comes back; the connection stays.
        var deadline = Environment.TickCount64 + PatienceMs;
        while (!c.Vmm.IsClosed && Environment.TickCount64 < deadline && c.Guest.Memory.LoadAcquire(ring.UsedRing + 2) == ring.UsedIndex)
            c.Vmm.Pump(20);
        c.Vmm.PumpAll();
        c.ExpectRecovery(connectionMustStay: true);
    }

    private static void Ask(CaseContext c, ulong at) => c.Guest.Memory.Write(at, Request.GetDisplayInfo());

    private static void IndirectTable(SplitRing ring, uint length)
    {
        ring.WriteDescriptor(0, Ram, length, Indirect, 0);
        ring.Publish(0);
    }
}
