// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// A real guest that goes on flipping while nobody sees it: on another workspace, minimised, behind another window, under a compositor that is stopped (case.sh --pauses). Its kernel's own
/// trace tells what it has waited for (GS-FENCES of gsguest.c).
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "D")]
public sealed partial class NestedPauseTests(NewestMachine l1) : IClassFixture<NewestMachine>
{
    [Theory]
    [InlineData("sway-drm/vmm/6.12/flip")]
    [InlineData("sway-drm/vmm/6.1/flip")]
    public void A_guest_that_nobody_sees_flips_on(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, "--size 320x240 --pauses 5 --append gs.trace=1", seconds: 400);
        var fences = FencesLine().Match(guest["serial.log"]);
        Assert.True(fences.Success, guest["serial.log"]);
        TestContext.Current.TestOutputHelper?.WriteLine(fences.Value);
        Assert.Equal(0, Number("lost"));
        Assert.InRange(Number("waits"), 100, int.MaxValue);
        Assert.InRange(Number("timed_out"), 0, Number("waits") / 2); // its driver waits for 50 ms, the device for two refreshes: most answers come in between even in a machine within a machine
        SurvivalTests.AssertNeverTimedOut(guest["serial.log"].Split('\n').Single(static line => line.StartsWith("GS-DONE", StringComparison.Ordinal)));

        int Number(string group) => int.Parse(fences.Groups[group].Value, CultureInfo.InvariantCulture);
    });

    [GeneratedRegex(@"^GS-FENCES waits=(?<waits>\d+) timed_out=(?<timed_out>\d+) longest_ms=\d+ overtaken=\d+ flushes=\d+ lost=(?<lost>\d+)", RegexOptions.Multiline)]
    private static partial Regex FencesLine();
}
