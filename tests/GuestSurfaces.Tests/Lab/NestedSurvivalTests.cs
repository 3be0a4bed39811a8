// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// The same with the guest's own pages: dma-bufs go from the device to each presenter over the link, and to each compositor. In the lab's machine a presenter takes
/// seconds to start, so that few are killed; GS_KILLS=100,20 has as many as are wanted.
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "D")]
public sealed partial class NestedSurvivalTests(StableMachine l1) : IClassFixture<StableMachine>
{
    private const int Seconds = 900;

    // Four or five seconds on an idle machine; a busy one isn't to fail for it.
    private const int LongestMs = 60_000;

    [Theory]
    [InlineData("weston-drm/vmm/6.12/flip")]
    [InlineData("sway-drm/vmm/6.12/flip", Explicit = true)]
    public void A_guest_that_is_shown_without_copies_survives_presenters_and_compositors(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, $"--size 640x400 --backend run --kills {Kills("6,2")} -- {NestedGuest.KeepsPages}", Seconds);
        guest.AssertShown(isFullscreen: true);
        ZeroCopyTests.AssertDirect(guest);
        AssertNeverTimedOut(guest);
    });

    [Fact]
    public void A_guest_that_Westons_module_brings_onto_a_screen_survives_presenters_and_Westons() => l1.Try(() => KillUnderModule(l1, 14));

    /// <summary>What the module starts ends with its Weston, and comes back with the next one.</summary>
    /// <param name="l1">The machine.</param>
    /// <param name="major">Its Weston's major version.</param>
    /// <param name="options">More of case.sh's.</param>
    internal static void KillUnderModule(L1Machine l1, int major, string options = "")
    {
        var guest = NestedGuest.RunUnderModule(l1, major, "weston-drm+feedback/vmm/6.12/flip", $"--size 640x400 --kills {Kills("1,1")} {options}", Seconds);
        ZeroCopyTests.AssertScannedOut(guest);
        AssertNeverTimedOut(guest);
        var killed = KilledLine().Matches(guest["kills.log"]);
        Assert.Equal(["presenter", "compositor"], killed.Select(static line => line.Groups["what"].Value));
        Assert.All(killed, static line => Assert.InRange(int.Parse(line.Groups["longest"].Value, CultureInfo.InvariantCulture), 0, LongestMs));
    }

    private static string Kills(string few) => Environment.GetEnvironmentVariable("GS_KILLS") ?? few;

    private static void AssertNeverTimedOut(NestedGuest guest) =>
        SurvivalTests.AssertNeverTimedOut(guest["serial.log"].Split('\n').Single(static line => line.StartsWith("GS-DONE", StringComparison.Ordinal)));

    [GeneratedRegex(@"^KILLED what=(?<what>\w+) .*\bmax_ms=(?<longest>\d+)$", RegexOptions.Multiline)]
    private static partial Regex KilledLine();
}
