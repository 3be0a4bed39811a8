// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// The main job, whole: a real guest's framebuffer on a real compositor's screen, in the lab's machine. Pairs of guest kernel, QEMU, compositor, window and rung,
/// not their full product, and in continuous integration not all of them (Explicit: ./test.sh --all). Job flip draws two buffers anew in turn, job damage rewrites one in small rectangles.
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "D")]
public sealed partial class ZeroCopyTests(StableMachine l1) : IClassFixture<StableMachine>
{
    // (case.sh's own is 1280x800: of what an emulated machine takes for a picture, most goes by its pixels)
    private const string Screen = "--size 640x400";
    private const string Window = "--size 640x400 --shell desktop --guest-size 512x320";

    [Theory]
    [InlineData("weston-drm+feedback/vmm/6.12/flip", "--size 1280x800")]
    [InlineData("weston-drm/vmm/6.1/damage", Explicit = true)]
    [InlineData("sway-drm/vmm/6.1/flip", Explicit = true)]
    [InlineData("sway-drm+overlay/vmm/6.12/damage")]
    [InlineData("sway-drm/vmm/6.12/pattern", "--size 3840x2160")]
    public void A_full_screen_guest_is_scanned_out_of_its_own_pages(string name, string options = Screen) =>
        l1.Try(() => AssertScannedOut(NestedGuest.Run(l1, name, $"{options} -- {NestedGuest.KeepsPages}")));

    [Theory]
    [InlineData("weston-drm/vmm/6.12/flip", Explicit = true)]
    [InlineData("weston-drm+overlay+feedback/vmm/6.12/damage")]
    [InlineData("sway-drm/vmm/6.12/damage", Explicit = true)]
    [InlineData("sway-drm+overlay/vmm/6.1/flip", Explicit = true)]
    public void A_guest_in_a_window_is_shown_from_its_own_pages(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, $"{Window} -- {NestedGuest.KeepsPages}");
        guest.AssertShown(isFullscreen: false);
        AssertDirect(guest);
    });

    /// <summary>On a VMM that passes no blobs. Linux transfers a new framebuffer once before it sets the scanout: that much is copied.</summary>
    /// <param name="name">The case.</param>
    /// <param name="options">Of case.sh.</param>
    /// <param name="copiedBytes">At most.</param>
    [Theory]
    [InlineData("sway-drm/host/6.12/flip", Screen, 3 * 640 * 400 * 4)]
    [InlineData("weston-drm/host/6.1/damage", Window, 3 * 512 * 320 * 4, Explicit = true)]
    public void On_request_a_guests_2D_resources_are_shown_from_its_pages_too(string name, string options, int copiedBytes) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, $"{options} -- --alias-2d");
        guest.AssertShown(isFullscreen: options != Window);
        Assert.Equal("direct", guest.Stats.GetProperty("rung").GetString());
        Assert.InRange(guest.Stats.GetProperty("bytes_copied_per_frame").GetDouble() * guest.Stats.GetProperty("frames_received").GetInt64(), 0, copiedBytes + 1);
    });

    [Theory]
    [InlineData("weston-drm+feedback/host/6.1/flip", Screen, "2D resource: the guest may draw into its pages at any time, so rows are copied when it says TRANSFER")]
    [InlineData("sway-drm+pixman/vmm/6.12/flip", Window, "the compositor offers no linux-dmabuf", Explicit = true)]
    [InlineData("weston-drm/vmm/6.1/flip", Screen + " -- --zero-copy off", "switched off on the command line", Explicit = true)]
    public void A_guest_that_must_be_copied_is_shown_as_well_and_the_reason_told(string name, string options, string reason) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, options);
        guest.AssertShown(isFullscreen: options != Window);
        Assert.Equal(("copy", reason), (guest.Stats.GetProperty("rung").GetString(), guest.Stats.GetProperty("reason").GetString()));
        Assert.InRange(guest.Stats.GetProperty("bytes_copied_per_frame").GetDouble(), 1, double.MaxValue);
        Assert.Equal(0, guest.Stats.GetProperty("zero_copy_presented").GetInt64());
    });

    /// <summary>Its dma-bufs are made by a process that may hardly do anything else, and shown by another one.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [InlineData("weston-drm+feedback/vmm/6.12/flip", Explicit = true)]
    [InlineData("sway-drm/vmm/6.1/damage")]
    public void A_guest_whose_device_is_isolated_is_shown_from_its_own_pages_by_a_viewer(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, $"{Screen} --backend device -- {NestedGuest.KeepsPages}");
        Assert.Contains(" isolated: ", guest["attach.log"], StringComparison.Ordinal);
        guest.AssertShown(isFullscreen: true);
        AssertDirect(guest);
    });

    // (NestedSurvivalTests shows it after kills)
    [Fact(Explicit = true)]
    public void A_guest_that_Westons_module_brings_onto_a_screen_is_scanned_out_of_its_own_pages() => l1.Try(() => AssertScannedOut(NestedGuest.RunUnderModule(l1, 14, "weston-drm+feedback/vmm/6.12/flip", Screen)));

    /// <summary>
    /// The GPU's software twin reads the guest's pages and draws into a buffer of the compositor's own GPU by GBM; where the compositor names none (linux-dmabuf 3), into
    /// a udmabuf.
    /// </summary>
    /// <param name="name">The case.</param>
    /// <param name="options">Of case.sh.</param>
    [Theory]
    [InlineData("weston-drm/vmm/6.12/flip", Explicit = true)]
    [InlineData("weston-drm+feedback/vmm/6.1/flip", Window)]
    [InlineData("sway-drm/vmm/6.12/damage", Explicit = true)]
    public void A_guest_whose_pages_are_drawn_anew_is_shown_pixel_by_pixel(string name, string options = Screen) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, $"{options} -- --convert {NestedGuest.KeepsPages}");
        guest.AssertShown(isFullscreen: options != Window);
        Assert.Equal(("convert", "direct is switched off (--convert)"), (guest.Stats.GetProperty("rung").GetString(), guest.Stats.GetProperty("reason").GetString()));
        Assert.InRange(guest.Stats.GetProperty("frames_presented").GetInt64(), 1, long.MaxValue);
    });

    /// <summary>The framebuffers' pages are PROT_NONE in the back-end's own mapping of guest RAM for as long as they are shown.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [InlineData("weston-drm/vmm/6.12/flip")]
    [InlineData("sway-drm/vmm/6.12/damage", Explicit = true)]
    public void Zero_copies_are_shown_by_a_back_end_that_cannot_touch_the_pages(string name) => l1.Try(() =>
    {
        var guest = NestedGuest.Run(l1, name, "--backend protect:direct");
        guest.AssertShown(isFullscreen: true);
        var shown = ShownLine().Match(guest["attach.log"]);
        Assert.True(shown.Success, guest["attach.log"]);
        Assert.Equal(("Direct", 0L), (shown.Groups["rung"].Value, Number("copied")));
        Assert.InRange(Number("frames"), 1, long.MaxValue);
        Assert.InRange(Number("presented"), 1, long.MaxValue);
        Assert.InRange(Number("bytes"), 1280 * 800 * 4, long.MaxValue);

        long Number(string group) => long.Parse(shown.Groups[group].Value, CultureInfo.InvariantCulture);
    });

    [Fact]
    public void The_control_of_that_which_copies_from_such_pages_is_killed() => l1.Try(() =>
    {
        var control = NestedGuest.Run(l1, "weston-drm/vmm/6.12/flip", "--backend protect:copy");
        Assert.Contains("GS-BOOT", control["serial.log"], StringComparison.Ordinal);
        Assert.Contains("PROTECTED", control["attach.log"], StringComparison.Ordinal);
        Assert.Contains("AccessViolationException", control["attach.log"], StringComparison.Ordinal);
        Assert.Equal($"{128 + 6}", control["status"].Trim()); // the runtime makes an abort of the SIGSEGV
    });

    /// <summary>The whole screen is the guest's picture, some of its frames were scanned out, and none was copied.</summary>
    /// <param name="guest">Whose case has ended.</param>
    internal static void AssertScannedOut(NestedGuest guest)
    {
        guest.AssertShown(isFullscreen: true);
        AssertDirect(guest);
        Assert.InRange(guest.Stats.GetProperty("zero_copy_presented").GetInt64(), 1, long.MaxValue);
    }

    /// <summary>It was shown out of its own pages to the end, and nothing was copied.</summary>
    /// <param name="guest">Whose case has ended.</param>
    internal static void AssertDirect(NestedGuest guest)
    {
        Assert.Equal(("direct", ""), (guest.Stats.GetProperty("rung").GetString(), guest.Stats.GetProperty("reason").GetString()));
        Assert.Equal(0, guest.Stats.GetProperty("bytes_copied_per_frame").GetDouble()); // of the whole run
        Assert.InRange(guest.Stats.GetProperty("frames_presented").GetInt64(), 1, long.MaxValue);
    }

    [GeneratedRegex(@"^SHOWN rung=(?<rung>\w+) buffers=\d+ bytes=(?<bytes>\d+) frames=(?<frames>\d+) presented=(?<presented>\d+) copied=(?<copied>\d+) ", RegexOptions.Multiline)]
    private static partial Regex ShownLine();
}
