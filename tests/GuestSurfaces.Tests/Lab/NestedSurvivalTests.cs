// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// The same with the guest's own pages: dma-bufs go from the device to each presenter over the link, and to each compositor. In the lab's machine a presenter takes
/// seconds to start, so that few are killed; GS_KILLS=100,20 has as many as are wanted.
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "D")]
public sealed class NestedSurvivalTests(StableMachine l1) : IClassFixture<StableMachine>
{
    private const int Seconds = 900;

    [Theory]
    [InlineData("weston-drm/vmm/6.12/flip")]
    [InlineData("sway-drm/vmm/6.12/flip")]
    public void A_guest_that_is_shown_without_copies_survives_presenters_and_compositors(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, $"--size 640x400 --backend run --kills {Environment.GetEnvironmentVariable("GS_KILLS") ?? "6,2"} -- {NestedGuest.KeepsPages}", Seconds);
        guest.AssertShown(isFullscreen: true);
        SurvivalTests.AssertNeverTimedOut(guest["serial.log"].Split('\n').Single(static line => line.StartsWith("GS-DONE", StringComparison.Ordinal)));
        Assert.Equal(("direct", ""), (guest.Stats.GetProperty("rung").GetString(), guest.Stats.GetProperty("reason").GetString()));
        Assert.Equal(0, guest.Stats.GetProperty("bytes_copied_per_frame").GetDouble()); // of the whole run
    });
}
