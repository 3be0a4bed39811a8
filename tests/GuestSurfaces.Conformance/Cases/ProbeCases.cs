// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>What a driver asks first, and commands that a 2D device doesn't have.</summary>
public static class ProbeCases
{
    private const string DisplayInfo = "virtio 1.3 §5.7.6.8 GET_DISPLAY_INFO";
    private const string Edid = "virtio 1.3 §5.7.6.8 GET_EDID";

    private static readonly (GpuCommand Command, int Length)[] s_threeD =
    [
        (GpuCommand.CtxCreate, 96), (GpuCommand.CtxDestroy, 24), (GpuCommand.CtxAttachResource, 32), (GpuCommand.CtxDetachResource, 32),
        (GpuCommand.ResourceCreate3D, 72), (GpuCommand.TransferToHost3D, 72), (GpuCommand.TransferFromHost3D, 72), (GpuCommand.Submit3D, 32),
        (GpuCommand.ResourceMapBlob, 40), (GpuCommand.ResourceUnmapBlob, 32), (GpuCommand.GetCapsetInfo, 32), (GpuCommand.GetCapset, 32),
    ];

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("probe/display-info", DisplayInfo, static c =>
        {
            c.ExpectAlive();
            var info = Ask(c, Request.GetDisplayInfo(), GpuCommands.DisplayInfoBytes);
            var first = GpuCommands.ReadDisplay(info, 0);
            c.Check(first is { Enabled: true, Rect: { Width: > 0, Height: > 0 } }, $"display 0 is {first}");
            _ = c.Model;
            for (var i = (int)c.ScanoutCount; i < ReferenceDevice.MaxScanouts; i++)
                c.Check(!GpuCommands.ReadDisplay(info, i).Enabled, $"display {i} is enabled, there are {c.ScanoutCount} scanouts");
        }),
        new("probe/display-info-into-short-buffer", DisplayInfo + "; virtio 1.3 §2.7.8: never write more than there is room for", static c =>
        {
            var answer = Ask(c, Request.GetDisplayInfo(), 100);
            c.Check(answer.Length <= 100, "more was written than there was room for");
            c.ExpectAlive();
        }),
        new("probe/display-info-without-room", DisplayInfo, static c =>
        {
            c.Guest.SubmitAndWait(Request.GetDisplayInfo(), []);
            c.ExpectAlive();
        }),
        new("probe/display-info-with-too-much-room", DisplayInfo, static c =>
            c.Check(Ask(c, Request.GetDisplayInfo(), 4096).Length == GpuCommands.DisplayInfoBytes, "the length in the used ring isn't that of the answer")),
        new("probe/edid", Edid, static c =>
        {
            _ = c.Model;
            for (uint i = 0; i < Math.Min(c.ScanoutCount, 2); i++)
            {
                var edid = Ask(c, Request.GetEdid(i), GpuCommands.EdidBytes);
                c.Check(GpuCommands.ReadHeader(edid).Response == GpuResponse.OkEdid, $"scanout {i}: {GpuCommands.ReadHeader(edid)}");
                var size = GpuCommands.Get32(edid, 24);
                c.Check(size is > 0 and <= 1024, $"scanout {i}: an EDID of {size} bytes");
                c.Check(edid.AsSpan(32, 8).SequenceEqual(new byte[] { 0, 255, 255, 255, 255, 255, 255, 0 }), $"scanout {i}: no EDID header");
            }
        }) { Requires = VirtioFeatures.GpuEdid },
        new("probe/edid-agrees-with-display-info", Edid + "; Linux drops preferred modes that differ from display info", static c =>
        {
            var display = GpuCommands.ReadDisplay(Ask(c, Request.GetDisplayInfo(), GpuCommands.DisplayInfoBytes), 0).Rect;
            var answer = Ask(c, Request.GetEdid(0), GpuCommands.EdidBytes);
            var edid = answer.AsSpan(32, (int)GpuCommands.Get32(answer, 24));
            if (edid.Length < 128)
                throw new CaseNotApplicableException("the EDID comes from the front-end");
            byte sum = 0;
            foreach (var b in edid[..128])
                sum += b;
            c.Check(sum == 0, "the checksum of the EDID's base block is wrong");
            var (width, height) = (edid[56] | ((edid[58] & 0xf0) << 4), edid[59] | ((edid[61] & 0xf0) << 4));
            c.Check(width == display.Width && height == display.Height, $"the EDID prefers {width}x{height}, display info says {display}");
        }) { Requires = VirtioFeatures.GpuEdid },
        new("probe/edid-not-negotiated", Edid, static c => c.Rejected(Request.GetEdid(0), GpuResponse.Unspec, GpuResponse.InvalidParameter))
        {
            Frontend = new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.GpuEdid },
        },
        new("probe/edid-of-scanout-16", Edid, static c =>
            c.Rejected(Request.GetEdid(16), GpuResponse.InvalidScanoutId, GpuResponse.InvalidParameter)) { Requires = VirtioFeatures.GpuEdid },
        new("probe/edid-of-scanout-max", Edid, static c =>
            c.Rejected(Request.GetEdid(uint.MaxValue), GpuResponse.InvalidScanoutId, GpuResponse.InvalidParameter)) { Requires = VirtioFeatures.GpuEdid },
        .. s_threeD.Select(static command => new ConformanceCase($"probe/no-{Kebab(command.Command)}", "virtio 1.3 §5.7.6.8: 3D commands need VIRGL", c =>
        {
            c.Rejected(
                Request.Bare(command.Command, command.Length, 1), GpuResponse.Unspec, GpuResponse.InvalidParameter, GpuResponse.InvalidContextId,
                GpuResponse.InvalidResourceId);
            c.ExpectAlive();
        })),
    ];

    /// <summary>"ResourceCreate2D" as "resource-create2d".</summary>
    internal static string Kebab(GpuCommand command) => string.Concat(command.ToString().Select((ch, i) =>
        char.IsUpper(ch) && i > 0 && !char.IsDigit(command.ToString()[i - 1]) ? "-" + char.ToLowerInvariant(ch) : char.ToLowerInvariant(ch).ToString()));

    private static byte[] Ask(CaseContext c, byte[] request, int room)
    {
        var response = new byte[room];
        return response[..c.Guest.SubmitAndWait(request, response)];
    }
}
