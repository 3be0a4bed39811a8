// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Tests.Lab;
using GuestSurfaces.Tests.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>The module that Weston loads (meson-shim), in a headless Weston 10 with real presenters and hostile ones.</summary>
[Collection(Alone.Name)]
public sealed class ModuleTests : IDisposable
{
    private const uint Red = 0xFF0000;
    private const uint Green = 0x00FF00;
    private const uint Lavender = 0x8080FF;

    private readonly ModuleDesktop _desktop = new(10);

    private string LinkPath => _desktop["vm.link"];

    private string Window => $"name=window\ncommand=exec {_desktop.Presenter} window\noutput=headless\nlabel-color=0xff0000";

    public void Dispose() => _desktop.Dispose();

    [Fact]
    public void A_guest_is_shown_in_its_frame_and_its_window_comes_back_when_the_presenter_is_killed()
    {
        StartGuest();
        _desktop.Start($"name=work\nlink={LinkPath}\nlabel-color=0xff0000");
        WaitForCard();
        var presenter = FindPresenter();
        ModuleDesktop.Signal("KILL", presenter);
        _desktop.WaitUntil(() => FindPresenter() is var next && next != 0 && next != presenter);
        WaitForCard();
        Assert.Contains("work: its presenter is gone; another is started", _desktop.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_killed_Weston_takes_its_presenters_along_and_leaves_the_device_which_the_next_Weston_shows()
    {
        var device = StartGuest();
        var section = $"name=work\nlink={LinkPath}\nlabel-color=0xff0000";
        _desktop.Start(section);
        WaitForCard();
        _desktop.Kill();
        _desktop.WaitUntil(() => FindPresenter() == 0);
        Assert.False(device.HasExited, device.Output);
        _desktop.Start(section);
        var watch = Stopwatch.StartNew();
        WaitForCard();
        TestContext.Current.TestOutputHelper?.WriteLine($"the window was back {watch.Elapsed.TotalSeconds:0.0} s after Weston was");
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
        _desktop.End();
        _desktop.WaitUntil(() => FindPresenter() == 0);
        Assert.False(device.HasExited, device.Output);
    }

    [Fact]
    public void A_wrong_section_is_named_in_the_log_with_its_key_and_the_others_work()
    {
        (string Keys, string Complaint)[] wrong =
        [
            ("link=/a", "key \"name\" is missing"),
            ("name=a b\nlink=/a", "key \"name\" = \"a b\""),
            ($"name={new string('n', 65)}\nlink=/a", "key \"name\""),
            ("name=window\nlink=/a", "key \"name\" = \"window\" is another section's"),
            ("name=none", "key \"link\" is missing"),
            ("name=both\nlink=/a\ncommand=true", "key \"link\" = \"/a\" stands beside a command"),
            ("name=relative\nlink=a.link", "key \"link\" = \"a.link\""),
            ("name=ceiling\nlink=/a\nplacement=ceiling", "key \"placement\" = \"ceiling\""),
            ("name=colour\nlink=/a\nlabel-color=reddish", "key \"label-color\""),
            ("name=frame\nlink=/a\nframe=perhaps", "key \"frame\""),
        ];
        _desktop.Start([Window, .. wrong.Select(w => w.Keys)]);
        WaitForWindow();
        for (var i = 0; i < wrong.Length; i++)
            Assert.Contains($"[guest-surface] number {i + 2} is left out: {wrong[i].Complaint}", _desktop.Log, StringComparison.Ordinal);
        Assert.Contains("guest-surfaces: 1 guests", _desktop.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Sixteen_guests_have_a_presenter_each_and_the_seventeenth_section_is_left_out()
    {
        _desktop.Start([.. Enumerable.Range(1, 17).Select(i => $"name=guest{i}\ncommand=exec {_desktop.Presenter} deaf")]);
        _desktop.WaitUntil(() => Enumerable.Range(1, 16).All(i => _desktop.Log.Contains($" guest{i}: its presenter is process ", StringComparison.Ordinal)));
        _desktop.WaitUntil(() => _desktop.Output.Split("placement 0").Length == 17);
        Assert.Contains("number 17 is left out", _desktop.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("guest17: its presenter", _desktop.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_presenter_is_told_its_place_and_no_other_client_sees_or_binds_the_private_globals()
    {
        _desktop.Start(Window);
        WaitForWindow();
        _desktop.WaitUntil(() => _desktop.Output.Contains("placement 0 \"headless\"\n", StringComparison.Ordinal));
        Assert.DoesNotContain("sees the host's", _desktop.Output, StringComparison.Ordinal);
        var spy = _desktop.RunClient("spy");
        Assert.Contains("doesn't see it", spy, StringComparison.Ordinal);
        Assert.Contains("tried all names", spy, StringComparison.Ordinal);
        Assert.DoesNotContain("bound it", spy, StringComparison.Ordinal);
        Assert.DoesNotContain("sees the host's", spy, StringComparison.Ordinal);
        Assert.DoesNotContain("placement", spy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_presenter_gets_its_connection_and_nothing_else_that_Weston_has()
    {
        _desktop.Start(["env", "SECRET=1", "sh", "-c", "exec 9< /dev/null; exec \"$@\"", "sh"], $"name=work\ncommand=exec {_desktop.Presenter} confess");
        _desktop.WaitUntil(() => _desktop.Output.Contains("confessed", StringComparison.Ordinal));
        var lines = _desktop.Output.Split('\n');
        Assert.Equal(["descriptor 0", "descriptor 1", "descriptor 2"], lines.Where(line => line.StartsWith("descriptor", StringComparison.Ordinal)));
        Assert.Contains($"variable XDG_RUNTIME_DIR={_desktop["."][..^2]}", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("variable SECRET", StringComparison.Ordinal) || line.StartsWith("variable WESTON", StringComparison.Ordinal));
    }

    [Fact]
    public void A_guest_draws_neither_over_its_frame_nor_beyond_it()
    {
        _desktop.Start(Window);
        WaitForWindow();
    }

    [Fact]
    public void A_window_that_gets_a_larger_subsurface_later_shows_nothing_of_it_beyond_its_frame_in_any_refresh()
    {
        _desktop.Start($"name=sly\ncommand=exec {_desktop.Presenter} sneak\nlabel-color=0xff0000");
        _desktop.WatchFrame(Red, Green, 40);
    }

    [Fact]
    public void What_belongs_under_all_windows_has_a_frame_as_a_window()
    {
        _desktop.Start($"{Window}\nplacement=background");
        WaitForWindow();
    }

    [Fact]
    public void A_guest_that_makes_itself_full_screen_keeps_its_frame_and_one_that_weston_ini_makes_so_has_none()
    {
        _desktop.Start($"name=sly\ncommand=exec {_desktop.Presenter} fullscreen\nlabel-color=0xff0000");
        _desktop.WaitUntil(() => _desktop.Shoot().ToPixels().Contains(Red));
        var pixels = _desktop.Shoot();
        Assert.All(Enumerable.Range(0, 400), x => Assert.Equal(Red, pixels[x, 0]));
        Assert.All(Enumerable.Range(0, 400), y => Assert.Equal(Red, pixels[0, y]));
        Assert.Equal(Green, pixels[10, 10]);
        _desktop.End();

        _desktop.Start($"name=placed\ncommand=exec {_desktop.Presenter} fullscreen\nplacement=fullscreen\nlabel-color=0xff0000");
        _desktop.WaitUntil(() => _desktop.Shoot()[10, 10] == Green);
        Assert.DoesNotContain(Red, _desktop.Shoot().ToPixels());
    }

    [Fact]
    public void A_hostile_presenter_loses_its_connection_and_nothing_else_and_is_started_ever_more_slowly()
    {
        string[] hostile =
        [
            .. Enumerable.Range(1, 4).Select(seed => $"name=garbage{seed}\ncommand=exec {_desktop.Presenter} garbage {seed}"),
            .. Enumerable.Range(1, 4).Select(seed => $"name=requests{seed}\ncommand=exec {_desktop.Presenter} requests {seed}"),
            $"name=greedy\ncommand=exec {_desktop.Presenter} greedy",
            $"name=pile\ncommand=exec {_desktop.Presenter} pile\nplacement=background",
            $"name=deaf\ncommand=exec {_desktop.Presenter} deaf",
            "name=silent\ncommand=exec sleep 1000",
            "name=missing\ncommand=exec /nonexistent",
        ];
        _desktop.Start([Window, .. hostile]);
        foreach (var name in new[] { "garbage1", "garbage4", "requests1", "requests4", "greedy", "pile", "missing" })
            _desktop.WaitUntil(() => _desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 3);

        WaitForWindow();
        foreach (var name in new[] { "window", "deaf", "silent" })
            Assert.DoesNotContain($" {name}: its presenter is gone", _desktop.Log, StringComparison.Ordinal);
        Assert.True(_desktop.IsRunning);
    }

    [Fact]
    public void Each_raised_window_is_whole_with_its_frame_and_no_guest_shows_outside_of_its_own()
    {
        using var stack = new WindowStack(_desktop);
        stack.RaiseEach();
        stack.FillScreen(0);
        stack.Minimise(1);
    }

    [Fact]
    public void A_background_fills_its_output_under_windows_and_moves_with_it()
    {
        using var desktop = new ModuleDesktop(10) { HasKnobs = true };
        desktop.HasGuests("2 background second", "0 placed headless");
        desktop.Start("[output]\nname=second\ntransform=rotate-90");

        // Until its output comes it is on the first, under the window, which has its frame.
        desktop.WaitUntil(() => desktop.Output.Contains("background 640x480", StringComparison.Ordinal));
        desktop.WaitUntil(() => desktop.Shoot().ToPixels() is var pixels
            && pixels.Count(static pixel => pixel == Lavender) + pixels.Count(static pixel => pixel is Red or Green) == 640 * 480 && pixels.Contains(Red) && pixels.Contains(Green));
        desktop.Plug("second");
        desktop.WaitUntil(() => desktop.Output.Contains("background 480x640", StringComparison.Ordinal));
        desktop.WaitUntil(() => Screenshot.Take(desktop["wl-module"], 1).ToPixels().All(static pixel => pixel == Lavender));
        Assert.DoesNotContain(Lavender, desktop.Shoot().ToPixels());

        desktop.Turn("connect second 0");
        desktop.WaitUntil(() => desktop.Shoot().ToPixels().Contains(Lavender));
        Assert.EndsWith("background 640x480", desktop.Output.TrimEnd(), StringComparison.Ordinal);
        desktop.Turn("connect second 1");
        desktop.WaitUntil(() => !desktop.Shoot().ToPixels().Contains(Lavender));
        desktop.WaitUntil(() => Screenshot.Take(desktop["wl-module"], 1).ToPixels().All(static pixel => pixel == Lavender));
        Assert.DoesNotContain("disconnected", desktop.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_click_on_a_background_brings_it_the_keyboard()
    {
        using var desktop = new ModuleDesktop(10) { HasKnobs = true };
        desktop.HasGuests("2 background");
        desktop.Start();
        desktop.WaitUntil(() => desktop.Shoot().ToPixels().All(static pixel => pixel == Lavender));
        desktop.Turn("focus");
        Assert.EndsWith("the keyboard is nobody's", desktop.Log.TrimEnd(), StringComparison.Ordinal);
        desktop.Turn("click 320 240", "focus");
        Assert.EndsWith("the keyboard is a client's", desktop.Log.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_background_is_for_those_that_are_placed_so()
    {
        _desktop.HasGuests("0 background", "1 background", "0 window");
        _desktop.Start();
        _desktop.WaitUntil(() => _desktop.Output.Split("this guest is no background").Length == 3 || _desktop.Output.Split("disconnected").Length == 3);
        WaitForWindow();
        Assert.DoesNotContain(Lavender, _desktop.Shoot().ToPixels());
    }

    [Theory]
    [InlineData("headless", 0)]
    [InlineData("second", 1)]
    public void A_window_comes_up_on_the_output_that_its_presenter_has_named(string name, int output)
    {
        using var desktop = new ModuleDesktop(10) { HasKnobs = true };
        desktop.HasHost($"serve \"0 while [ ! -e {desktop["go"]} ]; do sleep 0.1; done; exec {desktop.Presenter} placed {name}\"");
        desktop.Start();
        desktop.Turn("plug second");
        File.WriteAllText(desktop["go"], "");
        desktop.WaitUntil(() => desktop.Output.Contains("shown", StringComparison.Ordinal));
        desktop.WaitUntil(() => Screenshot.Take(desktop["wl-module"], output).ToPixels().Count(static pixel => pixel == Red) == 2 * 4 * (208 + 120));
        var picture = Screenshot.Take(desktop["wl-module"], output);
        Assert.Equal(200 * 120, picture.ToPixels().Count(static pixel => pixel == Green));
        Assert.DoesNotContain(Green, Screenshot.Take(desktop["wl-module"], 1 - output).ToPixels());
        if (output == 1)
            Assert.Equal((Red, Green), (picture[320 - 101, 240 - 61], picture[320 - 100, 240 - 60])); // it was elsewhere, and so is in the middle
    }

    [Fact]
    public void A_host_that_raves_loses_its_connection_and_nothing_else()
    {
        _desktop.HasHost("rave $$");
        _desktop.Start();
        _desktop.WaitUntil(() => _desktop.CountInLog("the guests' host is gone") >= 4);
        _ = _desktop.RunClient("draw"); // it is served still
        Assert.True(_desktop.IsRunning);
    }

    [Fact]
    public void Weston_under_valgrind_has_no_error_no_leak_and_no_descriptor_of_the_modules()
    {
        RequireValgrind();
        Memcheck.Run(_desktop);
    }

    [Fact]
    public void Weston_under_AddressSanitizer_has_no_error_and_no_leak_of_the_modules()
    {
        using var desktop = new ModuleDesktop(10, isSanitized: true) { HasKnobs = true };
        desktop.Start(
            Sanitized(desktop),
            $"name=window\ncommand=exec {desktop.Presenter} window",
            $"name=brief\ncommand={desktop.Presenter} window & p=$!; sleep 1; kill $p; false",
            $"name=requests\ncommand=exec {desktop.Presenter} requests",
            $"name=greedy\ncommand=exec {desktop.Presenter} greedy");
        foreach (var name in new[] { "brief", "requests", "greedy" })
            desktop.WaitUntil(() => desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 2);
        foreach (var state in new[] { 1, 0, 1, 0 })
            desktop.Turn($"key 29 {state}", $"key 56 {state}", $"key 34 {state}");
        desktop.Plug("second");
        desktop.Turn("replug second");
        desktop.End();
        Assert.Contains("knobs: replug second", desktop.Log, StringComparison.Ordinal);

        AssertSane(desktop);
    }

    [Fact]
    public void Backgrounds_come_and_go_in_any_order_under_AddressSanitizer_without_error_or_leak()
    {
        using var desktop = new ModuleDesktop(10, isSanitized: true) { HasKnobs = true };
        desktop.HasGuests("2 fidget", "0 placed second", "2 background second");
        desktop.Start(wrapper: Sanitized(desktop));
        desktop.WaitUntil(() => desktop.Output.Contains("fidgeted", StringComparison.Ordinal) && desktop.Output.Contains("disconnected", StringComparison.Ordinal));
        desktop.Plug("second");
        desktop.Turn("connect second 0");
        desktop.Turn("click 320 240");
        desktop.WaitUntil(() => desktop.Shoot().ToPixels().Contains(Lavender));
        desktop.End();
        AssertSane(desktop);
    }

    [Fact]
    public void A_module_without_guests_is_never_called_for_a_frame()
    {
        _ = CountInstructions("serve", out var few, "draw 30");
        _ = CountInstructions("serve", out var many, "draw 230");
        Assert.Contains("on_surface_created", many.Keys);

        // Clients that come and Weston's own helpers have it called; two hundred more frames don't.
        foreach (var (function, calls) in many)
            Assert.True(calls - few.GetValueOrDefault(function) < 100, $"{function} was called {few.GetValueOrDefault(function)} times, and {calls} times when there were 200 frames more");
    }

    [Fact]
    public void A_flipping_guest_in_its_frame_costs_Weston_hardly_more_than_the_same_client_without()
    {
        // (wl_shm here, as not every machine that runs this has a /dev/udmabuf; the same with dma-bufs: Lab/ModuleCountTests)
        var guest = PerFrame(frames => CountInstructions($"serve \"0 exec {_desktop.Presenter} draw {frames}\"", out _));
        var client = PerFrame(frames => CountInstructions("serve", out _, $"draw {frames}"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{guest} instructions a frame as a guest, {client} as an ordinary client");
        Assert.InRange(guest / client, 0, 1.02);

        static double PerFrame(Func<int, long> count) => (count(230) - count(30)) / 200.0;
    }

    // What Weston executes from its start to its end, and how often each function of the module's is called.
    private long CountInstructions(string host, out SortedDictionary<string, long> calls, string? client = null)
    {
        RequireValgrind();
        using var desktop = new ModuleDesktop(10);
        var profile = desktop["profile"];
        desktop.HasHost(host);
        desktop.Start(wrapper: ["valgrind", "--tool=callgrind", "--child-silent-after-fork=yes", "--compress-strings=no", $"--callgrind-out-file={profile}"]);
        desktop.WaitUntil(() => desktop.Output.Contains("sees the host's", StringComparison.Ordinal));
        if (client is not null)
            desktop.RunClient(client);
        else
            desktop.WaitUntil(() => desktop.Output.Contains("drawn", StringComparison.Ordinal));
        desktop.End();

        calls = [];
        var total = 0L;
        var (name, caller, called) = ("", "", "");
        foreach (var line in File.ReadLines(profile))
        {
            if (line.StartsWith("ob=", StringComparison.Ordinal))
            {
                caller = called = line;
            }
            else if (line.StartsWith("cob=", StringComparison.Ordinal))
            {
                called = line;
            }
            else if (line.StartsWith("cfn=", StringComparison.Ordinal))
            {
                name = line[4..];
            }
            else if (line.StartsWith("calls=", StringComparison.Ordinal))
            {
                // (an object is named only where it is another than the caller's)
                if (called.EndsWith("guest-surfaces-10.so", StringComparison.Ordinal))
                    calls[name] = calls.GetValueOrDefault(name) + long.Parse(line["calls=".Length..line.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
                called = caller;
            }
            else if (line.StartsWith("summary: ", StringComparison.Ordinal))
            {
                total = long.Parse(line["summary: ".Length..], CultureInfo.InvariantCulture);
            }
        }

        return total;
    }

    private static string[] Sanitized(ModuleDesktop desktop)
    {
        var library = NativePeer.Run("gcc", "-print-file-name=libasan.so").Trim();
        if (!Path.IsPathRooted(library))
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "libasan isn't installed");
            Assert.Skip("libasan isn't installed");
        }

        return ["env", $"LD_PRELOAD={library}", $"ASAN_OPTIONS=log_path={desktop["asan"]}"];
    }

    // What Weston itself and its helpers lose is their own.
    private static void AssertSane(ModuleDesktop desktop)
    {
        var reports = Directory.EnumerateFiles(desktop["."], "asan.*").SelectMany(File.ReadLines).ToList();
        Assert.DoesNotContain(reports, static line => line.Contains("meson-shim/", StringComparison.Ordinal) || line.Contains("ERROR: AddressSanitizer", StringComparison.Ordinal));
    }

    private static void RequireValgrind()
    {
        if (File.Exists("/usr/bin/valgrind"))
            return;
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "valgrind isn't installed");
        Assert.Skip("valgrind isn't installed");
    }

    private LabProcess StartGuest()
    {
        var device = _desktop.StartProgram("fake-guest", "card", "--size", "320x200", "--frames", "3", "--link", LinkPath);
        _desktop.WaitUntil(() => File.Exists(LinkPath) || device.HasExited, () => device.Output);
        return device;
    }

    private int FindPresenter() => ModuleDesktop.FindProcess(LinkPath, "present");

    private void WaitForCard() => _desktop.WaitForFramed(Red, 320, 200, static (x, y) => TestPictures.Pixel("card", new BufferSize(320, 200), 0, x, y));

    private void WaitForWindow() => _desktop.WaitForFramed(Red, 200, 120, static (_, _) => Green);
}
