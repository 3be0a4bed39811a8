// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Tests.Presentation;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>Whatever shows a real guest is killed; and so is what serves it.</summary>
[Trait("Tier", "A")]
public sealed partial class SurvivalTests
{
    [Fact]
    public void A_flipping_guest_survives_a_hundred_presenters_and_twenty_compositors_and_its_window_always_comes_back()
    {
        using var bench = new LabBench("weston10", size: "640x400");
        bench.RunGuest("vm", ["--size", "640x400", "--fullscreen"], "--job", "flip", "--frames", "0", "--limit", "900");
        bench.WaitFor("vm", "^GS-READY");
        TestContext.Current.TestOutputHelper?.WriteLine(bench.Kill(presenters: 100, compositors: 20));
        bench.Press("vm");
        var done = bench.WaitFor("vm", "^GS-DONE");
        var held = bench.Held("vm")[0];
        bench.ShootUntil(picture => picture.Crc == held);
        bench.AssertNoKernelErrors("vm");
        AssertNeverTimedOut(done);

        bench.StopGuest("vm");
        LabBench.WaitUntil(() => File.ReadAllText(bench["vm.json"]).TrimEnd().EndsWith('}'), TimeSpan.FromSeconds(20), "the device has ended with its VM"); // the file is there from its start on
        TestContext.Current.TestOutputHelper?.WriteLine(bench.Stats("vm").ToString());
    }

    [Fact]
    public void Windows_of_a_killed_device_keep_their_picture_dimmed_until_the_next_one_takes_them_over_and_close_if_none_does()
    {
        using var bench = new LabBench("weston10");
        var presenter = default(LabProcess);
        for (var life = 1; life <= 2; life++)
        {
            var device = bench.StartDeviceAlone("guest");
            presenter ??= bench.StartViewer("guest", "--fullscreen", "--grace", "30");
            bench.StartGuest($"vm{life}", "guest", "--qemu", "vmm", "--device", "test", "--job", "flip", "--frames", "20", "--seed", $"{life}");
            bench.WaitFor($"vm{life}", "^GS-DONE");
            var held = bench.Held($"vm{life}")[0];
            var shown = bench.ShootUntil(picture => picture.Crc == held);
            device.Signal("KILL");
            var disconnected = Veiled.Expect(shown.ToPixels(), shown.Width);
            bench.ShootUntil(picture => picture.ToPixels().SequenceEqual(disconnected));
            bench.StopGuest($"vm{life}");
            Assert.False(presenter.HasExited, presenter.Output);
        }

        Assert.True(presenter!.WaitForExit(TimeSpan.FromSeconds(60)), presenter.Output);
        Assert.Equal(0, presenter.ExitCode);
        bench.ShootUntil(static picture => picture[0, 0] == 0x204060 && picture[640, 400] == 0x204060);
    }

    /// <summary>The guest's kernel gives a flip up after ten seconds, and says so; one of more than 50 ms has cost it its patience with the fence, which is no error.</summary>
    /// <param name="done">The guest's GS-DONE line.</param>
    internal static void AssertNeverTimedOut(string done)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(done);
        var match = DoneLine().Match(done);
        Assert.True(match.Success, done);
        Assert.InRange(int.Parse(match.Groups["longest"].Value, CultureInfo.InvariantCulture), 0, 9_999);
    }

    [GeneratedRegex(@"^GS-DONE .*\blongest_ms=(?<longest>\d+) ")]
    private static partial Regex DoneLine();
}
