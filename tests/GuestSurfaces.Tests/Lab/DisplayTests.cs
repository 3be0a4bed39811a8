// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>Compositors of Debian 13 on a real kernel's display (vkms), with GL.</summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "B")]
public sealed class DisplayTests(StableMachine l1) : IClassFixture<StableMachine>
{
    [Theory]
    [InlineData("weston-drm", "1024x768", Explicit = true)]
    [InlineData("weston-drm+overlay+feedback", "1366x768")]
    [InlineData("sway-drm", "1366x768")]
    [InlineData("sway-drm+overlay", "1024x768", Explicit = true)]
    public void The_display_shows_every_pixel_of_a_fake_guest(string compositor, string size) => l1.Try(() => L1Desktop.AssertShowsTestCard(l1, compositor, size));

    [Theory]
    [InlineData("weston-drm", 3)]
    [InlineData("weston-drm+feedback", 5)]
    [InlineData("sway-drm", 4)]
    public void The_compositor_takes_dma_bufs(string compositor, int version) => l1.Try(() =>
        Assert.Equal(version, L1Desktop.Globals(l1, compositor)["zwp_linux_dmabuf_v1"]));
}
