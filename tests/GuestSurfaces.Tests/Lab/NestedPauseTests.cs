// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// A real guest that goes on flipping while nobody sees it: on another workspace, minimised, behind another window, under a compositor that is stopped (case.sh --pauses). Its kernel's own
/// trace tells what it has waited for (GS-FENCES of gsguest.c).
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "D")]
public sealed class NestedPauseTests(NewestMachine l1) : IClassFixture<NewestMachine>
{
    [Theory]
    [InlineData("sway-drm/vmm/6.12/flip", Explicit = true)]
    [InlineData("sway-drm/vmm/6.1/flip", Explicit = true)]
    public void A_guest_that_nobody_sees_flips_on(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, "--size 320x240 --pauses 5 --append gs.trace=1", seconds: 240);
        var fences = GuestFences.Parse(guest["serial.log"]);
        Assert.InRange(fences.Waits, 100, int.MaxValue);
        Assert.InRange(fences.TimedOut, 0, fences.Waits / 2); // its driver waits for 50 ms, the device for two refreshes: most answers come in between even in a machine within a machine
        SurvivalTests.AssertNeverTimedOut(guest["serial.log"].Split('\n').Single(static line => line.StartsWith("GS-DONE", StringComparison.Ordinal)));
    });
}
