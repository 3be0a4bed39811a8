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
    private static readonly string[] s_scales = ["1", "2", "1.5"];

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
    public void A_flipping_guest_that_wanders_between_outputs_of_different_scale_is_shown_one_to_one_on_each()
    {
        using var bench = new LabBench("sway", size: "1280x800");
        PlugOutputs(bench);
        var bridge = bench.StartBridge("guest", "--once", "--verbose");
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--job", "flip", "--frames", "0", "--limit", "300");
        bench.WaitFor("vm", "^GS-READY");
        for (var step = 1; step <= 4 * s_scales.Length; step++)
            MoveTo(step % s_scales.Length);
        bench.Press("vm");
        bench.WaitFor("vm", "^GS-DONE");
        for (var output = s_scales.Length - 1; output >= 0; output--)
        {
            MoveTo(output);
            bench.ShootUntil(picture => picture.Crc == bench.Held("vm")[0], output);
        }

        AssertEndsWell(bench, bridge);

        void MoveTo(int output) => bench.Tell($"[app_id=\".*\"] move container to output HEADLESS-{output + 1}");
    }

    [Fact]
    public void A_window_that_wanders_between_outputs_of_different_scale_has_the_pixels_of_each()
    {
        using var bench = new LabBench("sway", shell: "desktop", size: "1280x800");
        PlugOutputs(bench);
        var bridge = bench.StartBridge("guest", "--once", "--verbose");
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--job", "follow", "--limit", "300");
        bench.WaitFor("vm", "^GS-DONE");
        bench.Tell("resize set 640 400");
        foreach (var output in (int[])[0, 1, 2, 1, 0])
        {
            var scale = double.Parse(s_scales[output], CultureInfo.InvariantCulture);
            var (width, height) = ((int)(640 * scale), (int)(400 * scale));
            bench.Tell($"move absolute position {output * 1280} 0");
            AwaitMode(bench, $"{width}x{height}");
            bench.ShootUntil(picture => picture.Crop(0, 0, width, height).Crc == bench.Held("vm")[0], output);
        }

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

    [Fact]
    public void Qemu_that_owns_the_configuration_space_is_told_by_its_display_and_tells_the_guest()
    {
        using var bench = new LabBench("sway", shell: "desktop", size: $"{ScreenWidth}x{ScreenHeight}");
        bench.RunGuest("vm", "gpu", "trixie", [], ["--job", "follow", "--limit", "300"]);
        bench.WaitFor("vm", "^GS-DONE");
        foreach (var (asked, mode) in (ReadOnlySpan<(string, string)>)[("1000 700", "960x700"), ("1100 710", "1088x710")])
        {
            bench.Tell($"resize set {asked}");
            AwaitMode(bench, mode);
        }

        bench.Tell("move absolute position 0 0");
        bench.ShootUntil(picture => picture.Crop(0, 0, 1088, 710).Crc == bench.Held("vm")[0]);
        bench.AssertNoKernelErrors("vm");
    }

    // Outputs are plugged in by swaymsg create_output, and out by output NAME unplug. (A headless one that is disabled and enabled again never draws any more.)
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Heads_on_two_outputs_have_the_sizes_of_their_windows_also_when_an_output_goes_and_comes_back(int heads)
    {
        using var bench = new LabBench("sway", shell: "tiled", size: "1280x800");
        bench.Tell("create_output");
        bench.Tell("output HEADLESS-2 mode --custom 1280x800@60Hz position 1280 0");
        var bridge = bench.StartBridge("guest", "--once", "--verbose", "--outputs", $"{heads}");
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--outputs", $"{heads}", "--job", "follow", "--limit", "300", "--memory", "768");
        bench.WaitFor("vm", "^GS-DONE");
        for (var head = (heads / 2) + 1; head <= heads; head++)
            bench.Tell($"[title=\"guest \\({head}\\)\"] move container to output HEADLESS-2");
        AwaitHeads();

        // sway takes what was on the other output along as a workspace of its own.
        bench.Tell("output HEADLESS-2 unplug");
        AwaitOutput(firstHead: 0);
        bench.Tell("workspace 2");
        AwaitOutput(firstHead: heads / 2);
        bench.Tell("create_output");
        bench.Tell("output HEADLESS-3 mode --custom 1280x800@60Hz position 1280 0");
        bench.Tell("move workspace to output HEADLESS-3");
        bench.Tell("workspace 1");
        AwaitHeads();
        AssertEndsWell(bench, bridge);

        void AwaitOutput(int firstHead) => bench.ShootUntil(picture =>
        {
            var width = 2560 / heads;
            return Enumerable.Range(0, heads / 2).Select(i => picture.Crop(i * width, 0, width, 800).Crc).Order()
                .SequenceEqual(Enumerable.Range(firstHead, heads / 2).Select(head => bench.Held("vm")[head]).Order());
        });

        void AwaitHeads()
        {
            var width = 2560 / heads;
            AwaitModes(width);
            var places = Enumerable.Range(0, heads).Select(i => i * width).ToArray();
            LabBench.WaitUntil(
                () => bench.ShootAll() is { Width: 2560 } all && places.Select(x => all.Crop(x, 0, width, 800).Crc).Order().SequenceEqual(bench.Held("vm").Values.Order()),
                TimeSpan.FromSeconds(20),
                "both outputs show what the heads hold");
        }

        void AwaitModes(int width) => LabBench.WaitUntil(
            () => Enumerable.Range(0, heads).All(head => Regex.Matches(Serial(bench), $@"GS-HOLD job=follow head={head} mode=(\S+)").LastOrDefault()?.Groups[1].Value == $"{width}x800"),
            TimeSpan.FromSeconds(30),
            $"each head is {width} wide");
    }

    // Of the same pixels, side by side.
    private static void PlugOutputs(LabBench bench)
    {
        for (var i = 0; i < s_scales.Length; i++)
        {
            if (i > 0)
                bench.Tell("create_output");
            bench.Tell($"output HEADLESS-{i + 1} mode --custom 1280x800@60Hz position {i * 1280} 0 scale {s_scales[i]}");
        }
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

    private static string Serial(LabBench bench) => File.ReadAllText(bench.SerialLog("vm"));

    [GeneratedRegex(@"^GS-HOLD job=follow head=0 mode=(\d+x\d+)", RegexOptions.Multiline)]
    private static partial Regex ShownLine();

    [GeneratedRegex(@"head 0: the guest is told (\d+x\d+)")]
    private static partial Regex ToldLine();
}
