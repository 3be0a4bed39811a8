// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Testing.VhostUser;

/// <summary>
/// How a request and the room for its answer are cut into descriptors. Drivers may cut them anywhere (virtio 1.3 §2.7.4): a device
/// must not care.
/// </summary>
/// <param name="Name">For reports.</param>
/// <param name="RequestCuts">Lengths of the request's first pieces; the rest is one more piece.</param>
/// <param name="ResponseCuts">The same for the answer.</param>
/// <param name="Direct">How many pieces get ordinary descriptors, the rest an indirect table; -1: all.</param>
public sealed record DescriptorLayout(string Name, int[] RequestCuts, int[] ResponseCuts, int Direct = -1)
{
    public static DescriptorLayout Plain { get; } = new("one piece each", [], []);

    public static DescriptorLayout Indirect { get; } = new("indirect", [], [], 0);

    public static DescriptorLayout DirectThenIndirect { get; } = new("one direct, the rest indirect", [24], [24], 1);

    public static DescriptorLayout HeaderAlone { get; } = new("header in its own piece", [24], [24]);

    public static DescriptorLayout HeaderStraddles { get; } = new("header in three pieces", [3, 10], [1, 7, 13]);

    public static DescriptorLayout ManySmall { get; } = new("pieces of 5 bytes", [5, 5, 5, 5, 5, 5], [5, 5, 5, 5, 5, 5]);

    public static DescriptorLayout IndirectSmall { get; } = new("indirect pieces of 3 bytes", [3, 3, 3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3], 0);

    public static IReadOnlyList<DescriptorLayout> All { get; } =
        [Plain, Indirect, DirectThenIndirect, HeaderAlone, HeaderStraddles, ManySmall, IndirectSmall];

    public bool NeedsIndirect => Direct >= 0;

    /// <summary>The lengths that a total is cut into.</summary>
    public static IEnumerable<int> Cut(int total, int[] cuts)
    {
        foreach (var cut in cuts)
        {
            if (cut >= total)
                break;
            yield return cut;
            total -= cut;
        }

        if (total > 0)
            yield return total;
    }
}
