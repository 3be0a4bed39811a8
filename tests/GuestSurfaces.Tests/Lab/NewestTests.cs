// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// The newest compositors that Debian has, whatever they are today: what they can do is what counts, not their numbers. Those are in the test's output.
/// On a day when Debian has none that can be installed, these tests fail and say so.
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "C")]
public sealed class NewestTests(NewestMachine l1) : IClassFixture<NewestMachine>
{
    [Theory]
    [InlineData("weston-drm+feedback", "wp_fifo_manager_v1", "wp_commit_timing_manager_v1")]
    [InlineData("sway-drm", "wp_linux_drm_syncobj_manager_v1")]
    public void The_newest_compositors_say_when_a_picture_is_due(string compositor, params string[] interfaces) => l1.Try(() =>
    {
        TestContext.Current.TestOutputHelper?.WriteLine(l1.Run("grep -E '^(suite|weston|sway|libgl1)' \"$L1_ROOT/.gs-versions\""));
        var globals = L1Desktop.Globals(l1, compositor);
        Assert.All(interfaces, name => Assert.Contains(name, globals));
        Assert.InRange(globals["wp_presentation"], 2, int.MaxValue);
        Assert.InRange(globals["zwp_linux_dmabuf_v1"], 4, int.MaxValue);
    });

    [Theory]
    [InlineData("weston-drm+feedback")]
    [InlineData("sway-drm")]
    public void The_newest_display_shows_every_pixel_of_a_fake_guest(string compositor) => l1.Try(() => L1Desktop.AssertShowsTestCard(l1, compositor, "1024x768"));

    [Fact(Explicit = true)]
    public void The_newest_Westons_module_brings_a_guest_onto_a_screen_which_is_scanned_out_of_its_own_pages() => l1.Try(() => ZeroCopyTests.AssertScannedOut(NestedGuest.RunUnderModule(l1, 16, "weston-drm+feedback/vmm/6.12/flip")));

    // (its kiosk shell ends when a second full-screen client comes: tests/lab/README.md)
    [Fact]
    public void A_guest_that_the_newest_Westons_module_brings_onto_a_screen_survives_presenters_and_Westons() => l1.Try(() => NestedSurvivalTests.KillUnderModule(l1, 16, "--shell desktop"));
}
