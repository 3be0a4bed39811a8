// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Where a resource's memory is.</summary>
public static class BackingCases
{
    private const string Attach = "virtio 1.3 §5.7.6.8 RESOURCE_ATTACH_BACKING";
    private const string Detach = "virtio 1.3 §5.7.6.8 RESOURCE_DETACH_BACKING";
    private const uint Width = 64;
    private const uint Height = 64;
    private const uint Bytes = Width * Height * 4;

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("backing/pages-in-reverse", Attach, static c => Shows(c, [.. Pages(c, Bytes / 4096).Reverse()])),
        new("backing/odd-lengths", Attach + ": entries need no alignment", static c =>
        {
            var ram = c.Guest.Memory.Allocate(2 * Bytes);
            Shows(c, [new(ram + 1, 1), new(ram + 10, 4097), new(ram + 5003, 2), new(ram + 6001, 4999), new(ram + 12000, Bytes - 1 - 4097 - 2 - 4999)]);
        }),
        new("backing/one-byte-entries", Attach, static c =>
        {
            var ram = c.Guest.Memory.Allocate(2 * Bytes);
            var entries = new GpuMemoryEntry[901];
            for (var i = 0; i < 900; i++)
                entries[i] = new GpuMemoryEntry(ram + (2UL * (ulong)i), 1);
            entries[900] = new GpuMemoryEntry(ram + 4096, Bytes - 900);
            Shows(c, entries);
        }),
        new("backing/overlapping-entries", Attach + ": the same page twice is the guest's business", static c =>
        {
            var ram = c.Guest.Memory.Allocate(Bytes);
            Shows(c, [new(ram, Bytes / 2), new(ram + 100, Bytes / 2)]);
        }),
        new("backing/longer-than-needed", Attach, static c => Shows(c, [new(c.Guest.Memory.Allocate(2 * Bytes), 2 * Bytes)])),
        new("backing/1024-entries", Attach + ": a large picture in pages", static c =>
        {
            GpuMemoryEntry[] pages = [.. Pages(c, 1024).Reverse()];
            for (var i = 0; i < pages.Length; i++)
                c.Paint(pages[i].Address, 1024, i);
            c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, 1024, 1024));
            c.Ok(Request.Attach(1, pages));
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(1024, 1024)));
            c.Ok(Request.Transfer(1, GpuRect.Of(1024, 1024)));
            c.Ok(Request.Flush(1, GpuRect.Of(1024, 1024)));
            c.ExpectPicture(0);
        }),
        new("backing/16384-entries", Attach + ": QEMU's limit", static c =>
        {
            c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, 64, 64));
            var ram = c.Guest.Memory.Allocate(4096);
            c.Ok(Request.Attach(1, Enumerable.Repeat(new GpuMemoryEntry(ram, 4), 16384).ToArray()));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 64)));
            c.ExpectAlive();
        }),
        new("backing/detach-keeps-picture", Detach, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, Width, Height);
            c.Ok(Request.Detach(1));
            c.Ok(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        new("backing/detach-then-transfer", Detach, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, Width, Height);
            c.Ok(Request.Detach(1));
            c.Judged(Request.Transfer(1, GpuRect.Of(Width, Height)));
            c.Ok(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        new("backing/detach-and-attach-other", Detach, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, Width, Height);
            c.Ok(Request.Detach(1));
            var ram = c.Guest.Memory.Allocate(Bytes);
            c.Paint(ram, Bytes / 4, 77);
            c.Ok(Request.Attach(1, new GpuMemoryEntry(ram, Bytes)));
            c.Ok(Request.Transfer(1, GpuRect.Of(Width, Height)));
            c.Ok(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        new("backing/shorter-than-resource", Attach, static c =>
        {
            var ram = c.Guest.Memory.Allocate(4096);
            c.Paint(ram, 1024, 3);
            c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, Width, Height));
            c.Judged(Request.Attach(1, new GpuMemoryEntry(ram, 4096)));
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(Width, Height)));
            c.Judged(Request.Transfer(1, GpuRect.Of(Width, Height)));
            c.Ok(Request.Transfer(1, GpuRect.Of(Width, 16)));
            c.Ok(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        new("backing/unref-without-detach", "virtio 1.3 §5.7.6.8 RESOURCE_UNREF: Linux never detaches", static c =>
        {
            for (var i = 0; i < 50; i++)
            {
                c.MakeResource(1, GpuFormat.B8G8R8X8, Width, Height, i);
                c.Ok(Request.Transfer(1, GpuRect.Of(Width, Height)));
                c.Ok(Request.Unref(1));
            }

            c.Rejected(Request.Transfer(1, GpuRect.Of(Width, Height)), GpuResponse.InvalidResourceId);
        }),
        new("backing/thousands-of-resources", "virtio 1.3 §5.7.6.8: refused by OUT_OF_MEMORY at some limit, never a crash", static c =>
        {
            var refused = 0;
            for (uint id = 1; id <= 20_000 && refused == 0; id++)
            {
                var answer = c.Guest.Send(Request.Create2D(id, GpuFormat.B8G8R8X8, 4, 4)).Response;
                c.Check(answer is GpuResponse.OkNoData or GpuResponse.OutOfMemory, $"resource {id}: {answer}");
                refused += answer == GpuResponse.OutOfMemory ? 1 : 0;
            }

            c.ExpectAlive();
        }),
    ];

    private static IEnumerable<GpuMemoryEntry> Pages(CaseContext c, uint count)
    {
        var ram = c.Guest.Memory.Allocate(count * 4096UL);
        for (uint i = 0; i < count; i++)
            yield return new GpuMemoryEntry(ram + (i * 4096UL), 4096);
    }

    private static void Shows(CaseContext c, GpuMemoryEntry[] entries)
    {
        for (var i = 0; i < entries.Length; i++)
            c.Paint(entries[i].Address, (entries[i].LengthBytes + 3) / 4, i);
        c.Ok(Request.Create2D(1, GpuFormat.B8G8R8X8, Width, Height));
        c.Ok(Request.Attach(1, entries));
        c.Ok(Request.SetScanout(0, 1, GpuRect.Of(Width, Height)));
        c.Ok(Request.Transfer(1, GpuRect.Of(Width, Height)));
        c.Ok(Request.Transfer(1, new(7, 5, 33, 21), (5 * Width * 4) + 28));
        c.Ok(Request.Flush(1, GpuRect.Of(Width, Height)));
        c.ExpectPicture(0);
    }
}
