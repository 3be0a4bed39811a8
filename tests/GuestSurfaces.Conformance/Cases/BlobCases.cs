// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Guest blobs: pictures shown from guest memory.</summary>
public static class BlobCases
{
    private const string Create = "virtio 1.3 §5.7.6.8 RESOURCE_CREATE_BLOB";
    private const string Show = "virtio 1.3 §5.7.6.8 SET_SCANOUT_BLOB";
    private const uint Width = 64;
    private const uint Height = 48;
    private const uint Stride = Width * 4;
    private const uint Bytes = Stride * Height;

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        .. PixelFormats.All.Select(static format => Blob($"shows-format-{format}", Show, c =>
        {
            MakeBlob(c, 1, Bytes);
            c.Judged(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, format, Stride));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        })),
        Blob("stride-and-offset", Show, static c =>
        {
            MakeBlob(c, 1, 65536);
            c.Ok(Request.SetScanoutBlob(0, 1, new(8, 4, 40, 32), Width, Height, GpuFormat.B8G8R8X8, 512, 256));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        Blob("scattered-pages", Create, static c =>
        {
            var ram = c.Guest.Memory.Allocate(16 * 4096);
            c.Paint(ram, 16 * 1024, 4);
            c.Ok(Request.CreateBlob(1, GpuBlobMemory.Guest, 2, 3 * 4096, new(ram + (8 * 4096), 4096), new(ram, 4096), new(ram + (3 * 4096), 4096)));
            c.Ok(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        Blob("drawn-again-and-flushed", Show, static c =>
        {
            var ram = MakeBlob(c, 1, Bytes);
            c.Ok(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
            for (var i = 0; i < 5; i++)
            {
                c.Paint(ram, Bytes / 4, 40 + i);
                c.Ok2(Request.Transfer(1, GpuRect.Of(Width, Height))); // Linux sends it; nothing is to be done
                c.Ok2(Request.Fenced(Request.Flush(1, GpuRect.Of(Width, Height)), (ulong)i + 1));
                c.ExpectPicture(0);
            }
        }),
        Blob("page-flips", Show, static c =>
        {
            ulong[] ram = [MakeBlob(c, 1, Bytes), MakeBlob(c, 2, Bytes)];
            for (uint i = 0; i < 10; i++)
            {
                c.Paint(ram[i % 2], Bytes / 4, (int)i);
                c.Ok(Request.SetScanoutBlob(0, (i % 2) + 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
                c.Ok2(Request.Fenced(Request.Flush((i % 2) + 1, GpuRect.Of(Width, Height)), i + 1));
                c.ExpectPicture(0);
            }
        }),
        Blob("backing-attached-later", Create, static c =>
        {
            var ram = c.Guest.Memory.Allocate(Bytes);
            c.Paint(ram, Bytes / 4, 6);
            if (c.Judged(Request.CreateBlob(1, GpuBlobMemory.Guest, 2, Bytes)).Response != GpuResponse.OkNoData)
                return;
            c.Ok(Request.Attach(1, new GpuMemoryEntry(ram, Bytes)));
            c.Ok(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectPicture(0);
        }),
        Blob("unref-of-shown", Create, static c =>
        {
            MakeBlob(c, 1, Bytes);
            c.Ok(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.Ok(Request.Unref(1));
            c.ExpectAlive();
        }),
        Blob("detach-of-shown", "virtio 1.3 §5.7.6.8 RESOURCE_DETACH_BACKING", static c =>
        {
            MakeBlob(c, 1, Bytes);
            c.Ok(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.Ok(Request.Detach(1));
            c.Judged(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ExpectAlive();
        }),
        Blob("cursor-from-a-blob", "virtio 1.3 §5.7.6.10", static c =>
        {
            MakeBlob(c, 1, 64 * 64 * 4);
            c.Guest.SubmitAndWait(c.Vmm.Cursor, Request.UpdateCursor(0, 5, 5, 1), []);
            MakeBlob(c, 2, 4096); // too small for one
            c.Guest.SubmitAndWait(c.Vmm.Cursor, Request.UpdateCursor(0, 5, 5, 2), []);
            c.ExpectAlive();
        }),
        Blob("mixed-with-2d", Show, static c =>
        {
            MakeBlob(c, 1, Bytes);
            c.Ok(Request.SetScanoutBlob(0, 1, GpuRect.Of(Width, Height), Width, Height, GpuFormat.B8G8R8X8, Stride));
            c.Ok2(Request.Flush(1, GpuRect.Of(Width, Height)));
            c.ShowResource(2, 0, GpuFormat.B8G8R8X8, 80, 60, 3);
            c.ExpectPicture(0);
        }),
        new("blob/not-negotiated", Create, static c =>
        {
            c.Rejected(Request.CreateBlob(1, GpuBlobMemory.Guest, 2, 4096, new GpuMemoryEntry(CaseContext.Playground, 4096)), GpuResponse.Unspec, GpuResponse.InvalidParameter);
            c.Rejected(
                Request.SetScanoutBlob(0, 1, GpuRect.Of(16, 16), 16, 16, GpuFormat.B8G8R8X8, 64),
                GpuResponse.Unspec, GpuResponse.InvalidParameter, GpuResponse.InvalidResourceId);
        }) { Frontend = new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.GpuResourceBlob } },
    ];

    /// <summary>Flushes and transfers of blobs: success is what Linux needs, whatever else may be allowed.</summary>
    private static void Ok2(this CaseContext c, byte[] request) => c.Expect(request, AnswerSet.Ok);

    private static ConformanceCase Blob(string name, string spec, Action<CaseContext> run) =>
        new("blob/" + name, spec, run) { Requires = VirtioFeatures.GpuResourceBlob };

    private static ulong MakeBlob(CaseContext c, uint id, uint bytes)
    {
        var ram = c.Guest.Memory.Allocate(bytes);
        c.Paint(ram, bytes / 4, (int)id);
        c.Ok(Request.CreateBlob(id, GpuBlobMemory.Guest, 2, bytes, new GpuMemoryEntry(ram, bytes)));
        return ram;
    }
}
