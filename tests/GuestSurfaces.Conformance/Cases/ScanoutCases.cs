// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>What is on which screen.</summary>
public static class ScanoutCases
{
    private const string Spec = "virtio 1.3 §5.7.6.8 SET_SCANOUT, §5.7.6.1 page flipping and multihead";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("scanout/part-at-origin", Spec, static c => Part(c, new(0, 0, 32, 24))),
        new("scanout/part-elsewhere", Spec + ": the rectangle may start anywhere", static c => Part(c, new(16, 8, 40, 32))),
        new("scanout/part-partial-flush", Spec, static c =>
        {
            var ram = c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.SetScanout(0, 1, new(16, 8, 40, 32)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.Paint(ram, 64 * 48, 8);
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, new(0, 0, 20, 12)));
            c.ExpectPicture(0);
        }),
        new("scanout/flush-outside-the-part", Spec, static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.SetScanout(0, 1, new(0, 0, 32, 24)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, new(40, 30, 10, 10)));
            c.ExpectAlive();
        }),
        new("scanout/one-resource-on-two", Spec + ": one big framebuffer, two heads", static c =>
        {
            NeedsTwo(c);
            c.MakeResource(1, GpuFormat.B8G8R8X8, 128, 48);
            c.Ok(Request.SetScanout(0, 1, new(0, 0, 64, 48)));
            c.Ok(Request.SetScanout(1, 1, new(64, 0, 64, 48)));
            c.Ok(Request.Transfer(1, GpuRect.Of(128, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(128, 48)));
            c.ExpectPicture(0);
            c.ExpectPicture(1);
        }),
        new("scanout/one-resource-on-two-overlapping", Spec, static c =>
        {
            NeedsTwo(c);
            c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.SetScanout(1, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
            c.ExpectPicture(1);
        }),
        new("scanout/two-resources-on-two", Spec, static c =>
        {
            NeedsTwo(c);
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48, 1);
            c.ShowResource(2, 1, GpuFormat.B8G8R8X8, 48, 64, 2);
            c.ExpectPicture(0);
            c.ExpectPicture(1);
        }),
        new("scanout/off", Spec + ": resource 0 disables", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.SetScanout(0, 0, GpuRect.Of(0, 0)));
            c.ExpectPicture(0);
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("scanout/off-twice", Spec, static c =>
        {
            c.Ok(Request.SetScanout(0, 0, GpuRect.Of(640, 480)));
            c.Ok(Request.SetScanout(0, 0, GpuRect.Of(640, 480)));
            c.ExpectPicture(0);
        }),
        new("scanout/off-and-on", Spec, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.SetScanout(0, 0, GpuRect.Of(0, 0)));
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("scanout/unref-of-shown", "virtio 1.3 §5.7.6.8 RESOURCE_UNREF", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.Unref(1));
            c.ExpectPicture(0);
            c.Rejected(Request.Flush(1, GpuRect.Of(64, 48)), GpuResponse.InvalidResourceId);
        }),
        new("scanout/unref-and-same-id-again", "virtio 1.3 §5.7.6.8: ids may be used again", static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.Ok(Request.Unref(1));
            c.ShowResource(1, 0, GpuFormat.B8G8R8A8, 80, 60, 5);
            c.ExpectPicture(0);
        }),
        new("scanout/size-changes", Spec, static c =>
        {
            c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 48);
            c.ShowResource(2, 0, GpuFormat.B8G8R8X8, 300, 200, 2);
            c.ExpectPicture(0);
            c.Ok(Request.SetScanout(0, 1, GpuRect.Of(64, 48)));
            c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
            c.ExpectPicture(0);
        }),
        new("scanout/smaller-than-16", Spec, static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
            c.Judged(Request.SetScanout(0, 1, GpuRect.Of(15, 15)));
            c.Judged(Request.SetScanout(0, 1, GpuRect.Of(0, 0)));
            c.ExpectAlive();
        }),
    ];

    private static void Part(CaseContext c, GpuRect part)
    {
        c.MakeResource(1, GpuFormat.B8G8R8X8, 64, 48);
        c.Ok(Request.SetScanout(0, 1, part));
        c.Ok(Request.Transfer(1, GpuRect.Of(64, 48)));
        c.Ok(Request.Flush(1, GpuRect.Of(64, 48)));
        c.ExpectPicture(0);
    }

    private static void NeedsTwo(CaseContext c)
    {
        _ = c.Model;
        if (c.ScanoutCount < 2)
            throw new CaseNotApplicableException("the back-end has one scanout");
    }
}
