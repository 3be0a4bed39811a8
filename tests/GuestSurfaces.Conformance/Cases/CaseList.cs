// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Conformance;

/// <summary>Every case, in the order of the groups. A new group is added here.</summary>
public static class CaseList
{
    public static IReadOnlyList<ConformanceCase> All { get; } =
    [
        .. HandshakeCases.All,
        .. ConfigCases.All,
        .. ProbeCases.All,
        .. PictureCases.All,
        .. BackingCases.All,
        .. ScanoutCases.All,
        .. LayoutCases.All,
        .. FenceCases.All,
        .. CursorCases.All,
        .. BlobCases.All,
        .. UuidCases.All,
        .. LifecycleCases.All,
        .. NegativeCommandCases.All,
        .. HostileRingCases.All,
        .. NegativeMessageCases.All,
    ];
}
