// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>A real Linux whose window a real compositor resizes, scales and moves: the guest's modes follow, and the screen shows its pixels one to one.</summary>
[Trait("Tier", "A")]
public sealed partial class ResizeTests
{
    private const int ScreenWidth = 1920;
    private const int ScreenHeight = 1200;

    // Each scale with full screen (the monitor's own pixels) and with a window of its own size.
    [Theory]
    [InlineData("1", "6.12", 1024)]
    [InlineData("1.5", "6.12", 960)]
    [InlineData("2", "6.1", 1280)]
    public void The_guest_has_the_screens_pixels_at_every_scale(string scale, string kernel, int floatingWidth)
    {
        using var bench = new LabBench("sway", shell: "desktop", size: $"{ScreenWidth}x{ScreenHeight}");
        var bridge = bench.StartBridge("guest", "--once", "--verbose");
        bench.Tell($"output * scale {scale}");
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--guest", kernel, "--job", "follow", "--limit", "300");
        bench.WaitFor("vm", "^GS-DONE");
        bench.Tell("fullscreen enable");
        AwaitMode(bench, $"{ScreenWidth}x{ScreenHeight}");
        bench.ShootUntil(picture => picture.Crc == bench.Held("vm")[0]);

        bench.Tell("fullscreen disable");
        var factor = double.Parse(scale, CultureInfo.InvariantCulture);
        bench.Tell(string.Create(CultureInfo.InvariantCulture, $"resize set {(floatingWidth + 20) / factor:F0} {600 / factor:F0}"));
        AwaitMode(bench, $"{floatingWidth}x600");
        bench.Tell("move absolute position 0 0");
        bench.ShootUntil(picture => picture.Crop(0, 0, floatingWidth, 600).Crc == bench.Held("vm")[0]);
        AssertEndsWell(bench, bridge);
    }

    [Fact]
    public void Resizing_without_end_has_one_mode_under_way_at_a_time_and_ends_in_the_right_one()
    {
        var seconds = int.Parse(Environment.GetEnvironmentVariable("GS_RESIZE_SECONDS") ?? "8", CultureInfo.InvariantCulture);
        using var bench = new LabBench("sway", shell: "desktop", size: $"{ScreenWidth}x{ScreenHeight}");
        var bridge = bench.StartBridge("guest", "--once", "--verbose");
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--job", "follow", "--limit", "300");
        bench.WaitFor("vm", "^GS-DONE");
        var end = Environment.TickCount64 + (seconds * 1000L);
        var steps = 0;
        for (; Environment.TickCount64 < end; steps++)
            bench.Tell(string.Create(CultureInfo.InvariantCulture, $"resize set {500 + (steps * 37 % 1200)} {400 + (steps * 23 % 700)}"));
        bench.Tell("resize set 1100 710");
        AwaitMode(bench, "1088x710");
        bench.Tell("move absolute position 0 0");
        bench.ShootUntil(picture => picture.Crop(0, 0, 1088, 710).Crc == bench.Held("vm")[0]);

        // Whatever the guest was told it has shown, one after the other: the next was told only then.
        var shown = ShownLine().Matches(Serial(bench)).Select(static match => match.Groups[1].Value).ToList();
        AssertEndsWell(bench, bridge);
        var all = ToldLine().Matches(bridge.Output).Select(static match => match.Groups[1].Value).ToList();
        var told = all.Where((size, i) => i == 0 || size != all[i - 1]).ToList(); // the same size again is another refresh rate or density
        TestContext.Current.TestOutputHelper?.WriteLine($"{steps} sizes in {seconds} s: {told.Count} modes");
        Assert.Equal(told, shown.Skip(1));
        Assert.True(told.Count >= seconds / 2, $"{told.Count} modes in {seconds} s");
    }

    private static void AwaitMode(LabBench bench, string mode) => LabBench.WaitUntil(
        () => ShownLine().Matches(Serial(bench)).LastOrDefault()?.Groups[1].Value == mode, TimeSpan.FromSeconds(20), $"the guest shows {mode}");

    private static void AssertEndsWell(LabBench bench, LabProcess bridge)
    {
        bench.AssertNoKernelErrors("vm");
        bench.StopGuest("vm");
        Assert.True(bridge.WaitForExit(TimeSpan.FromSeconds(20)), bridge.Output);
        Assert.Equal(0, bridge.ExitCode);
        Assert.DoesNotContain("the display is gone", bridge.Output, StringComparison.Ordinal);
    }

    private static string Serial(LabBench bench) => File.ReadAllText(Path.Combine(bench["vm"], "serial.log"));

    [GeneratedRegex(@"^GS-HOLD job=follow head=0 mode=(\d+x\d+)", RegexOptions.Multiline)]
    private static partial Regex ShownLine();

    [GeneratedRegex(@"head 0: the guest is told (\d+x\d+)")]
    private static partial Regex ToldLine();
}
