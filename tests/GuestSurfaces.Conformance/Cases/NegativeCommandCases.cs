// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>Requests that a device must refuse, and survive.</summary>
public static class NegativeCommandCases
{
    private const ulong Ram = CaseContext.Playground;
    private const ulong RamEnd = 64 * 1024 * 1024;
    private const uint Max = uint.MaxValue;
    private const string Asserts = "it asserts that a transfer starts inside the backing: any guest can abort it";

    private static readonly GpuRect s_whole = GpuRect.Of(64, 64);
    private static readonly AnswerSet s_badId = AnswerSet.Of(GpuResponse.InvalidResourceId);
    private static readonly AnswerSet s_badScanout = AnswerSet.Of(GpuResponse.InvalidScanoutId);
    private static readonly AnswerSet s_badParameter = AnswerSet.Of(GpuResponse.InvalidParameter);
    private static readonly AnswerSet s_anyError = AnswerSet.BadParameter;
    private static readonly AnswerSet s_tooBig = AnswerSet.Of(GpuResponse.OutOfMemory, GpuResponse.InvalidParameter);
    private static readonly AnswerSet s_errorOrNothing = AnswerSet.BadParameter | AnswerSet.Ok;
    private static readonly AnswerSet s_noBacking = AnswerSet.BadParameter | s_badId;

    /// <summary>As data, for the corpus.</summary>
    public static IReadOnlyList<NegativeCommand> Commands { get; } =
    [
        // framing
        new("header-empty-type", Request.Bare(0, 24), s_anyError),
        new("header-unknown-type", Request.Bare((GpuCommand)0x10e, 64), s_anyError),
        new("header-type-max", Request.Bare((GpuCommand)Max, 64), s_anyError),
        new("header-response-type", Request.Bare((GpuCommand)0x1100, 24), s_anyError),
        new("header-cut", Request.GetDisplayInfo()[..23], s_anyError),
        new("header-one-byte", [1], s_anyError),
        new("create-cut", Request.Create2D(9, GpuFormat.B8G8R8X8, 64, 64)[..39], s_anyError),
        new("create-header-only", Request.Bare(GpuCommand.ResourceCreate2D, 24), s_anyError | s_badId),
        new("unref-cut", Request.Unref(1)[..27], s_anyError | s_badId),
        new("scanout-cut", Request.SetScanout(0, 1, s_whole)[..44], s_anyError),
        new("flush-cut", Request.Flush(1, s_whole)[..40], s_anyError),
        new("transfer-cut", Request.Transfer(1, s_whole)[..48], s_anyError),
        new("attach-cut", Request.Attach(2, new GpuMemoryEntry(Ram, 4096))[..30], s_anyError),
        new("fence-on-unknown", Request.Fenced(Request.Bare((GpuCommand)0x777, 24), 0x1234), s_anyError),

        // create
        new("create-id-0", Request.Create2D(0, GpuFormat.B8G8R8X8, 64, 64), s_badId),
        new("create-duplicate-id", Request.Create2D(1, GpuFormat.B8G8R8X8, 32, 32), s_badId),
        new("create-format-0", Request.Create2D(9, 0, 64, 64), s_badParameter),
        new("create-format-5", Request.Create2D(9, (GpuFormat)5, 64, 64), s_badParameter),
        new("create-format-200", Request.Create2D(9, (GpuFormat)200, 64, 64), s_badParameter),
        new("create-format-max", Request.Create2D(9, (GpuFormat)Max, 64, 64), s_badParameter),
        new("create-width-0", Request.Create2D(9, GpuFormat.B8G8R8X8, 0, 64), s_tooBig | s_anyError),
        new("create-height-0", Request.Create2D(9, GpuFormat.B8G8R8X8, 64, 0), s_tooBig | s_anyError),
        new("create-size-wraps-to-0", Request.Create2D(9, GpuFormat.B8G8R8X8, 0x8000_0000, 2), s_tooBig),
        new("create-size-wraps-to-small", Request.Create2D(9, GpuFormat.B8G8R8X8, 0x4000_0001, 1), s_tooBig),
        new("create-size-wraps-32-bits", Request.Create2D(9, GpuFormat.B8G8R8X8, 0x10000, 0x10001), s_tooBig),
        new("create-size-max", Request.Create2D(9, GpuFormat.B8G8R8X8, Max, Max), s_tooBig),
        new("create-too-wide", Request.Create2D(9, GpuFormat.B8G8R8X8, 0x0100_0000, 1), s_tooBig | AnswerSet.Ok),
        new("create-2-gib", Request.Create2D(9, GpuFormat.B8G8R8X8, 16384, 32768), s_tooBig | AnswerSet.Ok),

        // ids
        new("unref-id-0", Request.Unref(0), s_badId),
        new("unref-unknown", Request.Unref(77), s_badId),
        new("unref-max", Request.Unref(Max), s_badId),
        new("detach-unknown", Request.Detach(77), s_badId),
        new("detach-without-backing", Request.Detach(2), s_noBacking),
        new("flush-id-0", Request.Flush(0, s_whole), s_badId),
        new("flush-unknown", Request.Flush(77, s_whole), s_badId),
        new("transfer-unknown", Request.Transfer(77, s_whole), s_badId),
        new("transfer-without-backing", Request.Transfer(2, s_whole), s_noBacking),
        new("scanout-unknown-resource", Request.SetScanout(0, 77, s_whole), s_badId),
        new("attach-unknown", Request.Attach(77, new GpuMemoryEntry(Ram, 4096)), s_badId),
        new("attach-id-0", Request.Attach(0, new GpuMemoryEntry(Ram, 4096)), s_badId),

        // backing
        new("attach-twice", Request.Attach(1, new GpuMemoryEntry(Ram, 16384)), s_anyError),
        new("attach-no-entries", Request.Attach(2), s_errorOrNothing),
        new("attach-16385-entries", AttachMany(16385), s_anyError),
        new("attach-claims-16384-has-1", Request.AttachClaiming(2, 16384, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        new("attach-claims-max-has-1", Request.AttachClaiming(2, Max, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        new("attach-claims-2-has-1", Request.AttachClaiming(2, 2, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        new("attach-count-wraps", Request.AttachClaiming(2, 0x1000_0001, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        new("attach-length-0", Request.Attach(2, new GpuMemoryEntry(Ram, 0)), s_errorOrNothing),
        new("attach-outside-ram", Request.Attach(2, new GpuMemoryEntry(RamEnd, 4096)), s_anyError),
        new("attach-across-end-of-ram", Request.Attach(2, new GpuMemoryEntry(RamEnd - 4096, 8192)), s_anyError),
        new("attach-address-max", Request.Attach(2, new GpuMemoryEntry(ulong.MaxValue, 1)), s_anyError),
        new("attach-address-wraps", Request.Attach(2, new GpuMemoryEntry(ulong.MaxValue - 4095, 8192)), s_anyError),
        new("attach-length-max", Request.Attach(2, new GpuMemoryEntry(Ram, Max)), s_anyError),
        new("attach-second-entry-bad", Request.Attach(2, new(Ram, 4096), new(0xf000_0000, 4096)), s_anyError),
        new("attach-pci-bar", Request.Attach(2, new GpuMemoryEntry(0xfe00_0000, 16384)), s_anyError),

        // rectangles
        new("transfer-x-outside", Request.Transfer(1, new(65, 0, 1, 1)), s_badParameter),
        new("transfer-too-wide", Request.Transfer(1, new(0, 0, 65, 64)), s_badParameter),
        new("transfer-too-high", Request.Transfer(1, new(0, 0, 64, 65)), s_badParameter),
        new("transfer-x-plus-width-wraps", Request.Transfer(1, new(Max, 0, 2, 1)), s_badParameter),
        new("transfer-width-wraps", Request.Transfer(1, new(1, 0, Max, 1)), s_badParameter),
        new("transfer-y-plus-height-wraps", Request.Transfer(1, new(0, Max, 1, 2)), s_badParameter),
        new("transfer-all-max", Request.Transfer(1, new(Max, Max, Max, Max)), s_badParameter),
        new("transfer-empty", Request.Transfer(1, new(0, 0, 0, 0)), s_errorOrNothing),
        new("transfer-offset-past-backing", Request.Transfer(1, s_whole, 16384), s_errorOrNothing) { HostileToPeers = Asserts },
        new("transfer-offset-max", Request.Transfer(1, s_whole, ulong.MaxValue), s_errorOrNothing) { HostileToPeers = Asserts },
        new("transfer-offset-wraps", Request.Transfer(1, new(0, 1, 64, 63), ulong.MaxValue - 255), s_errorOrNothing) { HostileToPeers = Asserts },
        new("transfer-offset-4-gib", Request.Transfer(1, s_whole, 0x1_0000_0000), s_errorOrNothing),
        new("flush-too-wide", Request.Flush(1, new(0, 0, 65, 64)), s_badParameter),
        new("flush-x-outside", Request.Flush(1, new(70, 0, 1, 1)), s_badParameter),
        new("flush-wraps", Request.Flush(1, new(Max, Max, 2, 2)), s_badParameter),
        new("flush-all-max", Request.Flush(1, new(Max, Max, Max, Max)), s_badParameter),
        new("flush-empty", Request.Flush(1, new(0, 0, 0, 0)), s_errorOrNothing),
        new("scanout-16", Request.SetScanout(16, 1, s_whole), s_badScanout),
        new("scanout-max", Request.SetScanout(Max, 1, s_whole), s_badScanout),
        new("scanout-16-off", Request.SetScanout(16, 0, s_whole), s_badScanout),
        new("scanout-too-wide", Request.SetScanout(0, 1, new(0, 0, 65, 64)), s_badParameter),
        new("scanout-wraps", Request.SetScanout(0, 1, new(Max, 0, 65, 64)), s_badParameter),
        new("scanout-all-max", Request.SetScanout(0, 1, new(Max, Max, Max, Max)), s_badParameter),
        new("scanout-0x0", Request.SetScanout(0, 1, new(0, 0, 0, 0)), s_errorOrNothing),

        // blobs
        Blob("blob-id-0", Request.CreateBlob(0, GpuBlobMemory.Guest, 2, 4096, new GpuMemoryEntry(Ram, 4096)), s_badId),
        Blob("blob-duplicate-id", Request.CreateBlob(1, GpuBlobMemory.Guest, 2, 4096, new GpuMemoryEntry(Ram, 4096)), s_badId),
        Blob("blob-memory-0", Request.CreateBlob(9, 0, 2, 4096, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        Blob("blob-memory-host-without-virgl", Request.CreateBlob(9, GpuBlobMemory.Host3D, 2, 4096), s_anyError),
        Blob("blob-memory-max", Request.CreateBlob(9, (GpuBlobMemory)Max, 2, 4096, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        Blob("blob-size-0", Request.CreateBlob(9, GpuBlobMemory.Guest, 2, 0, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        Blob("blob-size-max", Request.CreateBlob(9, GpuBlobMemory.Guest, 2, ulong.MaxValue, new GpuMemoryEntry(Ram, 4096)), s_tooBig | s_anyError),
        Blob("blob-larger-than-entries", Request.CreateBlob(9, GpuBlobMemory.Guest, 2, 8192, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        Blob("blob-entry-outside-ram", Request.CreateBlob(9, GpuBlobMemory.Guest, 2, 4096, new GpuMemoryEntry(0xfe00_0000, 4096)), s_anyError),
        Blob("blob-claims-max-has-1", Request.CreateBlobClaiming(9, GpuBlobMemory.Guest, 2, 4096, Max, new GpuMemoryEntry(Ram, 4096)), s_anyError),
        Blob("blob-cut", Request.CreateBlob(9, GpuBlobMemory.Guest, 2, 4096)[..50], s_anyError),
        Blob("blob-in-plain-scanout", Request.SetScanout(0, 3, GpuRect.Of(64, 64)), s_noBacking),
        Blob("scanout-blob-of-2d", Request.SetScanoutBlob(0, 1, s_whole, 64, 64, GpuFormat.B8G8R8X8, 256), s_noBacking),
        Blob("scanout-blob-unknown", Request.SetScanoutBlob(0, 77, s_whole, 64, 64, GpuFormat.B8G8R8X8, 256), s_badId),
        Blob("scanout-blob-16", Request.SetScanoutBlob(16, 3, s_whole, 64, 64, GpuFormat.B8G8R8X8, 256), s_badScanout),
        Blob("scanout-blob-format-0", Request.SetScanoutBlob(0, 3, s_whole, 64, 64, 0, 256), s_badParameter),
        Blob("scanout-blob-stride-short", Request.SetScanoutBlob(0, 3, s_whole, 64, 64, GpuFormat.B8G8R8X8, 255), s_anyError),
        Blob("scanout-blob-stride-0", Request.SetScanoutBlob(0, 3, s_whole, 64, 64, GpuFormat.B8G8R8X8, 0), s_anyError),
        Blob("scanout-blob-stride-high-bit", Request.SetScanoutBlob(0, 3, GpuRect.Of(64, 1), 64, 1, GpuFormat.B8G8R8X8, 0x8000_0100), s_anyError),
        Blob("scanout-blob-offset-past-end", Request.SetScanoutBlob(0, 3, s_whole, 64, 64, GpuFormat.B8G8R8X8, 256, 4), s_anyError),
        Blob("scanout-blob-offset-max", Request.SetScanoutBlob(0, 3, s_whole, 64, 64, GpuFormat.B8G8R8X8, 256, Max), s_anyError),
        Blob("scanout-blob-too-high", Request.SetScanoutBlob(0, 3, GpuRect.Of(64, 65), 64, 65, GpuFormat.B8G8R8X8, 256), s_anyError),
        Blob("scanout-blob-rect-outside", Request.SetScanoutBlob(0, 3, new(1, 0, 64, 64), 64, 64, GpuFormat.B8G8R8X8, 256), s_anyError),
        Blob("scanout-blob-rect-wraps", Request.SetScanoutBlob(0, 3, new(Max, 0, 2, 64), 64, 64, GpuFormat.B8G8R8X8, 256), s_anyError),
        Blob("scanout-blob-width-wraps", Request.SetScanoutBlob(0, 3, GpuRect.Of(64, 64), 0x4000_0040, 64, GpuFormat.B8G8R8X8, 256), s_anyError),
        Blob("scanout-blob-cut", Request.SetScanoutBlob(0, 3, s_whole, 64, 64, GpuFormat.B8G8R8X8, 256)[..64], s_anyError),
    ];

    public static IEnumerable<ConformanceCase> All { get; } = Commands.Select(static command =>
        new ConformanceCase("command/" + command.Name, "virtio 1.3 §5.7.6", c => Run(c, command))
        {
            Requires = command.Requires,
            HostileToPeers = command.HostileToPeers,
        });

    private static NegativeCommand Blob(string name, byte[] bytes, AnswerSet acceptable) =>
        new(name, bytes, acceptable) { Requires = VirtioFeatures.GpuResourceBlob };

    private static byte[] AttachMany(int count) => Request.Attach(2, [.. Enumerable.Repeat(new GpuMemoryEntry(Ram, 1), count)]);

    private static void Run(CaseContext c, NegativeCommand command)
    {
        c.ShowResource(1, 0, GpuFormat.B8G8R8X8, 64, 64);
        c.Ok(Request.Create2D(2, GpuFormat.B8G8R8X8, 64, 64));
        if (command.Requires.HasFlag(VirtioFeatures.GpuResourceBlob))
            c.Ok(Request.CreateBlob(3, GpuBlobMemory.Guest, 2, 16384, new GpuMemoryEntry(Ram, 16384)));
        c.Expect(command.Bytes, command.Acceptable);
        c.ExpectAlive();

        // Nothing may have changed: what is on the screen, and what can be drawn.
        if (c.Model.Scanout(0)?.Resource != c.Model.Resources.GetValueOrDefault(1u) || c.Model.Scanout(0)!.Rect != s_whole)
            return;
        c.Ok(Request.Transfer(1, s_whole));
        c.Ok(Request.Flush(1, s_whole));
        c.ExpectAlive();
    }
}
