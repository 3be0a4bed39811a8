// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// Unmodified Debian kernels in unmodified QEMUs, shown by real compositors. The guest says the checksum of what it drew; the compositor's own screenshot
/// must have it, pixel for pixel.
/// </summary>
[Trait("Tier", "A")]
public sealed class RealGuestTests
{
    // Pairwise: each kernel, VMM, compositor and job meets each other's values at least once where both exist.
    [Theory]
    [InlineData("weston10", "6.12", "trixie", "pattern")]
    [InlineData("weston10", "6.1", "trixie", "flip")]
    [InlineData("weston10", "6.1", "vmm", "damage", Explicit = true)]
    [InlineData("weston14", "6.12", "trixie", "damage", Explicit = true)]
    [InlineData("weston14", "6.1", "trixie", "console")]
    [InlineData("weston14", "6.12", "vmm", "flip")]
    [InlineData("weston14-gl", "6.1", "trixie", "pattern", Explicit = true)]
    [InlineData("weston14-gl", "6.12", "trixie", "flip")]
    [InlineData("sway", "6.12", "trixie", "console")]
    [InlineData("sway", "6.1", "trixie", "damage", Explicit = true)]
    [InlineData("sway", "6.12", "vmm", "pattern")]
    public void The_screen_shows_every_pixel_that_the_guest_drew(string compositor, string kernel, string qemu, string job)
    {
        using var bench = new LabBench(compositor);
        var bridge = bench.StartBridge("guest", "--once");
        bench.StartGuest("vm", "guest", "--qemu", qemu, "--guest", kernel, "--job", job, "--frames", "60");
        bench.WaitFor("vm", "^GS-DONE");
        var held = bench.Held("vm");
        bench.ShootUntil(picture => picture.Crc == held[0]);
        bench.AssertNoKernelErrors("vm");

        bench.StopGuest("vm");
        Assert.True(bridge.WaitForExit(TimeSpan.FromSeconds(20)), bridge.Output);
        Assert.Equal(0, bridge.ExitCode);
        var stats = bench.Stats("guest");
        Assert.Equal("copy", stats.GetProperty("rung").GetString());
        Assert.NotEmpty(stats.GetProperty("reason").GetString()!);
        Assert.True(stats.GetProperty("frames_presented").GetInt64() > 0);
    }

    [Theory]
    [InlineData("weston10", "6.12", "trixie", "gpu", "flip")]
    [InlineData("weston14", "6.1", "vmm", "test", "damage")]
    public void A_guest_whose_device_is_isolated_is_shown_by_a_viewer(string compositor, string kernel, string qemu, string device, string job)
    {
        using var bench = new LabBench(compositor);
        var (backend, viewer) = bench.StartDevice("guest");
        bench.StartGuest("vm", "guest", "--qemu", qemu, "--device", device, "--guest", kernel, "--job", job, "--frames", "60");
        bench.WaitFor("vm", "^GS-DONE");
        var held = bench.Held("vm");
        bench.ShootUntil(picture => picture.Crc == held[0]);
        bench.AssertNoKernelErrors("vm");
        bench.StopGuest("vm");
        foreach (var process in (LabProcess[])[backend, viewer])
        {
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(20)), process.Output);
            Assert.Equal(0, process.ExitCode);
        }

        Assert.Contains("isolated: ", backend.Output, StringComparison.Ordinal);
        Assert.True(bench.Stats("guest").GetProperty("frames_presented").GetInt64() > 0);
    }

    [Theory]
    [InlineData("weston10", "6.12", "flip")]
    [InlineData("weston14", "6.1", "flip")]
    [InlineData("sway", "6.12", "damage")]
    public void A_guest_with_blobs_waits_for_the_screen_and_every_frame_is_shown(string compositor, string kernel, string job)
    {
        // QEMU 11.1's generic vhost-user device passes RESOURCE_BLOB on: framebuffers in guest RAM, fenced flushes.
        using var bench = new LabBench(compositor);
        var bridge = bench.StartBridge("guest", "--once");
        bench.StartGuest("vm", "guest", "--qemu", "vmm", "--device", "test", "--guest", kernel, "--job", job, "--frames", "60");
        bench.WaitFor("vm", "^GS-DONE");
        var held = bench.Held("vm");
        bench.ShootUntil(picture => picture.Crc == held[0]);
        bench.AssertNoKernelErrors("vm");
        bench.StopGuest("vm");
        Assert.True(bridge.WaitForExit(TimeSpan.FromSeconds(20)), bridge.Output);
        var stats = bench.Stats("guest");

        // A copy for want of a udmabuf or of a compositor that takes one, not because the resource is a 2D one.
        Assert.Equal("copy", stats.GetProperty("rung").GetString());
        Assert.Contains("dmabuf", stats.GetProperty("reason").GetString()!, StringComparison.Ordinal);
        if (job == "flip")
            Assert.InRange(stats.GetProperty("frames_dropped").GetInt64(), 0, 2 + stats.GetProperty("late_flips").GetInt64());
    }

    [Theory]
    [InlineData("6.1")]
    [InlineData("6.12")]
    public void Two_scanouts_are_two_windows(string kernel)
    {
        using var bench = new LabBench("sway", shell: "tiled");
        bench.StartBridge("guest", "--once", "--outputs", "2", "--size", "640x400", "--no-resize");
        bench.StartGuest("vm", "guest", "--outputs", "2", "--guest", kernel, "--job", "heads");
        bench.WaitFor("vm", "^GS-DONE");
        var held = bench.Held("vm");
        Assert.Equal(2, held.Count);

        // Side by side, each 640 wide and 800 high: the pictures stand in the middle of theirs, at one pixel a pixel.
        bench.ShootUntil(picture =>
            held.Values.Order().SequenceEqual(new[] { picture.Crop(0, 200, 640, 400).Crc, picture.Crop(640, 200, 640, 400).Crc }.Order()));
        bench.AssertNoKernelErrors("vm");
    }

    [Fact]
    public void A_guest_that_reboots_keeps_its_window_and_shows_its_next_picture_in_it()
    {
        using var bench = new LabBench("weston10");
        var bridge = bench.StartBridge("guest");
        bench.StartGuest("vm", "guest", "--job", "reboot", "--frames", "2", "--seconds", "2");
        bench.WaitFor("vm", "^GS-HOLD .*frame=0");
        var first = bench.Held("vm")[0];
        bench.ShootUntil(picture => picture.Crc == first);
        // Between the two boots nothing else than the window covers the screen: the desktop's colour never shows.
        var desktop = 0;
        LabBench.WaitUntil(
            () =>
            {
                desktop += bench.Shoot()[640, 400] == 0x204060 ? 1 : 0;
                return File.ReadAllText(Path.Combine(bench["vm"], "serial.log")).Contains("GS-DONE job=reboot frames=2", StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(90),
            "the guest has rebooted");
        Assert.Equal(0, desktop);
        var second = bench.Held("vm")[0];
        Assert.NotEqual(first, second);
        bench.ShootUntil(picture => picture.Crc == second);
        Assert.False(bridge.HasExited, bridge.Output);
        bench.AssertNoKernelErrors("vm");
    }

    [Fact]
    public void A_killed_VMM_ends_the_device_if_asked_and_else_the_next_one_is_welcome()
    {
        using var bench = new LabBench("weston10");
        var waits = bench.StartBridge("waits");
        for (var round = 0; round < 2; round++)
        {
            bench.StartGuest("vm", "waits", "--job", "flip", "--frames", "1000000");
            bench.WaitFor("vm", "^GS-READY");
            Kill(bench.GuestPid("vm"));
            LabBench.WaitUntil(() => Occurrences(waits.Output, "the VMM is gone") == round + 1, TimeSpan.FromSeconds(20), "the device has seen it");
            bench.StopGuest("vm");
            Assert.False(waits.HasExited, waits.Output);
        }

        var ends = bench.StartBridge("ends", "--once");
        bench.StartGuest("vm", "ends", "--job", "flip", "--frames", "1000000");
        bench.WaitFor("vm", "^GS-READY");
        Kill(bench.GuestPid("vm"));
        Assert.True(ends.WaitForExit(TimeSpan.FromSeconds(20)), ends.Output);
        Assert.Equal(0, ends.ExitCode);
    }

    [Fact]
    public void Twenty_VMMs_in_turn_leave_no_descriptor_mapping_or_thread()
    {
        using var bench = new LabBench("weston10");
        var bridge = bench.StartBridge("guest");
        var after = new List<(int Fds, int Mappings, int Threads)>();
        for (var round = 1; round <= 20; round++)
        {
            bench.StartGuest("vm", "guest", "--job", "pattern");
            bench.WaitFor("vm", "^GS-HOLD");
            bench.StopGuest("vm");
            LabBench.WaitUntil(() => Occurrences(bridge.Output, "the VMM is gone") == round, TimeSpan.FromSeconds(20), "the device has seen it");
            after.Add(Resources(bridge.Id));
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n", after));
        var settled = after[4]; // the runtime has started its threads and compiled its code by then
        Assert.True(after[^1].Fds <= settled.Fds, $"descriptors: {settled.Fds} after 5 rounds, {after[^1].Fds} after 20");
        Assert.True(after[^1].Threads <= settled.Threads + 1, $"threads: {settled.Threads} after 5 rounds, {after[^1].Threads} after 20");
        Assert.Equal(0, GuestMappings(bridge.Id));
    }

    [Theory]
    [InlineData("6.1")]
    [InlineData("6.12")]
    public void Modetest_flips_for_as_long_as_it_runs(string kernel)
    {
        using var bench = new LabBench("weston14");
        bench.StartBridge("guest", "--once");
        bench.StartGuest("vm", "guest", "--guest", kernel, "--job", "modetest", "--seconds", Environment.GetEnvironmentVariable("GS_MODETEST_SECONDS") ?? "15");
        bench.WaitFor("vm", "^GS-DONE");
        bench.AssertNoKernelErrors("vm");
        bench.StopGuest("vm");
    }

    [Theory]
    [InlineData("6.1")]
    [InlineData("6.12")]
    public void A_Weston_inside_the_guest_shows(string kernel)
    {
        using var bench = new LabBench("weston10");
        bench.StartBridge("guest", "--once");
        bench.StartGuest("vm", "guest", "--guest", kernel, "--job", "weston", "--seconds", "10", "--memory", "1024");
        bench.WaitFor("vm", "^GS-READY");

        // Its own background, not ours, and somewhere the client that it runs.
        var picture = bench.ShootUntil(picture => picture[2, 2] == 0x305030);
        Assert.True(Colours(picture) > 16, "the guest's Weston shows its background but no client");
    }

    [Fact]
    public void A_flood_of_flips_stays_within_its_budget_and_slows_no_other_guest()
    {
        using var bench = new LabBench("weston10");
        var flooded = bench.StartBridge("flooded", "--once");
        bench.StartGuest("flood", "flooded", "--job", "flood", "--seconds", "20");
        bench.WaitFor("flood", "^GS-READY");
        var before = CpuSeconds(flooded.Id);
        var start = Environment.TickCount64;

        // Meanwhile another guest draws its picture, exactly.
        bench.StartBridge("calm", "--once");
        bench.StartGuest("vm", "calm", "--job", "damage", "--frames", "100");
        bench.WaitFor("vm", "^GS-DONE");
        var held = bench.Held("vm")[0];
        bench.ShootUntil(picture => picture.Crc == held);
        var wall = (Environment.TickCount64 - start) / 1000.0;
        var share = (CpuSeconds(flooded.Id) - before) / wall;
        TestContext.Current.TestOutputHelper?.WriteLine($"the flooded device used {share:P0} of one core");
        Assert.True(share < 0.75, $"the flooded device used {share:P0} of one core");
    }

    private static int Colours(Picture picture)
    {
        var colours = new HashSet<uint>();
        for (var y = 0; y < picture.Height; y += 2)
        {
            for (var x = 0; x < picture.Width; x += 2)
                colours.Add(picture[x, y]);
        }

        return colours.Count;
    }

    private static void Kill(int pid)
    {
        using var process = System.Diagnostics.Process.GetProcessById(pid);
        process.Kill();
    }

    private static int Occurrences(string text, string part) => text.Split(part).Length - 1;

    private static (int Fds, int Mappings, int Threads) Resources(int pid) =>
        (Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length, File.ReadAllLines($"/proc/{pid}/maps").Length, Directory.GetDirectories($"/proc/{pid}/task").Length);

    private static int GuestMappings(int pid) =>
        File.ReadAllLines($"/proc/{pid}/maps").Count(line => line.Contains("memory-backend-memfd", StringComparison.Ordinal) || line.Contains("guest-surfaces-", StringComparison.Ordinal));

    private static double CpuSeconds(int pid)
    {
        var fields = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100; // USER_HZ is 100 on Linux
    }
}
