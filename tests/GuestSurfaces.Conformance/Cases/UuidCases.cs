// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>RESOURCE_ASSIGN_UUID.</summary>
public static class UuidCases
{
    private const string Spec = "virtio 1.3 §5.7.6.8 RESOURCE_ASSIGN_UUID";

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("uuid/assign", Spec, static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8X8, 16, 16);
            c.MakeResource(2, GpuFormat.B8G8R8X8, 16, 16);
            var (first, again, other) = (Ask(c, 1), Ask(c, 1), Ask(c, 2));
            c.Check(first.AsSpan().IndexOfAnyExcept((byte)0) >= 0, "a UUID of zeros");
            c.Check(first.AsSpan().SequenceEqual(again), "the same resource got two UUIDs");
            c.Check(!first.AsSpan().SequenceEqual(other), "two resources got the same UUID");
        }) { Requires = VirtioFeatures.GpuResourceUuid },
        new("uuid/of-no-resource", Spec, static c => c.Rejected(Request.AssignUuid(77), GpuResponse.InvalidResourceId)) { Requires = VirtioFeatures.GpuResourceUuid },
        new("uuid/not-negotiated", Spec, static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8X8, 16, 16);
            c.Rejected(Request.AssignUuid(1), GpuResponse.Unspec, GpuResponse.InvalidParameter);
        }) { Frontend = new() { Features = VhostUserWire.GuestKnows & ~VirtioFeatures.GpuResourceUuid } },
    ];

    private static byte[] Ask(CaseContext c, uint id)
    {
        var response = new byte[GpuCommands.UuidBytes];
        var written = c.Guest.SubmitAndWait(Request.AssignUuid(id), response);
        c.Check(written == GpuCommands.UuidBytes && GpuCommands.ReadHeader(response).Response == GpuResponse.OkResourceUuid, $"resource {id}: {GpuCommands.ReadHeader(response)}");
        return response[24..];
    }
}
