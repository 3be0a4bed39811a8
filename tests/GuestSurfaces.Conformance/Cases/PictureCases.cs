// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Create, attach, transfer, show, flush: what the guest drew is what is seen.</summary>
public static class PictureCases
{
    private const string Transfer = "virtio 1.3 §5.7.6.8 TRANSFER_TO_HOST_2D";
    private const string Flush = "virtio 1.3 §5.7.6.8 RESOURCE_FLUSH";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        .. PixelFormats.All.Select(static format => new ConformanceCase($"picture/format-{format}", "virtio 1.3 §5.7.6.8 formats", c =>
        {
            c.ShowResource(1, 0, format, 64, 48);
            c.ExpectPicture(0);
        })),
        .. new (uint W, uint H)[] { (16, 16), (17, 33), (1023, 19), (1280, 800) }.Select(static size => new ConformanceCase(
            $"picture/size-{size.W}x{size.H}", "virtio 1.3 §5.7.6.8: stride is width * 4", c =>
            {
                c.ShowResource(1, 0, GpuFormat.B8G8R8X8, size.W, size.H);
                c.ExpectPicture(0);
            })),
        new("picture/one-pixel", "virtio 1.3 §5.7.6.8", static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8X8, 1, 1);
            c.Ok(Request.Transfer(1, GpuRect.Of(1, 1)));
            if (c.Judged(Request.SetScanout(0, 1, GpuRect.Of(1, 1))).Response != GpuResponse.OkNoData)
                return;
            c.Ok(Request.Flush(1, GpuRect.Of(1, 1)));
            c.ExpectPicture(0);
        }),
        new("picture/partial-transfers", Transfer + ": Linux sends offset = x * 4 + y * stride", static c =>
        {
            var ram = c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Paint(ram, 64 * 48, 2);
            foreach (var rect in new GpuRect[] { new(0, 0, 64, 7), new(3, 9, 5, 11), new(63, 47, 1, 1), new(0, 30, 64, 18), new(20, 0, 30, 48) })
            {
                c.Ok(Request.Transfer(1, rect, (rect.Y * 64 * 4) + (rect.X * 4)));
                c.Ok(Request.Flush(1, rect));
                c.ExpectPicture(0);
            }
        }),
        new("picture/transfer-from-other-offset", Transfer + ": the offset need not match the rectangle", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.Transfer(1, new(10, 10, 20, 20), 4));
            c.Ok(Request.Transfer(1, new(0, 40, 64, 4), 64 * 4 * 3));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("picture/whole-with-offset", Transfer, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.Transfer(1, new(0, 0, 64, 20), 64 * 4 * 28));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("picture/transfer-copies-at-once", Transfer + ": after the answer the guest may draw again", static c =>
        {
            var ram = c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Paint(ram, 64 * 48, 99); // not transferred: must not be seen
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("picture/transfer-of-top-rows-alone", Transfer + ": what is outside the rectangle stays as it was", static c =>
        {
            var ram = c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Paint(ram, 64 * 48, 2);
            c.Ok(Request.Transfer(1, new(0, 0, 64, 7)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("picture/partial-flushes", Flush, static c =>
        {
            var ram = c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Paint(ram, 64 * 48, 2);
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, new(5, 5, 10, 10)));
            c.ExpectPicture(0);
            c.Ok(Request.Flush(1, new(40, 0, 24, 48)));
            c.ExpectPicture(0);
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("picture/flush-of-hidden-resource", Flush, static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectAlive();
        }),
        new("picture/hundred-frames", Flush, static c =>
        {
            var ram = c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 160, 120);
            for (var frame = 0; frame < 100; frame++)
            {
                c.Paint(ram, 160 * 120, frame);
                c.Ok(Request.Transfer(1, GpuRect.Of(160, 120)));
                c.Ok(Request.Flush(1, GpuRect.Of(160, 120)));
            }

            c.ExpectPicture(0);
        }),
        new("picture/page-flips", "virtio 1.3 §5.7.6.1: two resources, SET_SCANOUT each frame", static c =>
        {
            uint[] ids = [1, 2];
            ulong[] ram = [c.MakeResource(1, GpuFormat.B8G8R8X8, 128, 96), c.MakeResource(2, GpuFormat.B8G8R8X8, 128, 96)];
            for (var frame = 0; frame < 20; frame++)
            {
                c.Paint(ram[frame % 2], 128 * 96, frame);
                c.Ok(Request.Transfer(ids[frame % 2], GpuRect.Of(128, 96)));
                c.Ok(Request.SetScanout(0, ids[frame % 2], GpuRect.Of(128, 96)));
                c.Ok(Request.Flush(ids[frame % 2], GpuRect.Of(128, 96)));
                c.ExpectPicture(0);
            }
        }),
        new("picture/flush-storm", "unfenced flushes have no back-pressure", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 320, 200);
            var flush = Request.Flush(1, GpuRect.Of(320, 200));
            for (var i = 0; i < 2000; i++)
                c.Check(c.Guest.Send(flush).Response == GpuResponse.OkNoData, "a flush failed");
            c.ExpectPicture(0);
        }),
    ];
}
