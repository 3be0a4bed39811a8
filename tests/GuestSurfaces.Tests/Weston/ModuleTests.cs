// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing;
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
            $"name=deaf\ncommand=exec {_desktop.Presenter} deaf",
            "name=silent\ncommand=exec sleep 1000",
            "name=missing\ncommand=exec /nonexistent",
        ];
        _desktop.Start([Window, .. hostile]);
        foreach (var name in new[] { "garbage1", "garbage4", "requests1", "requests4", "greedy", "missing" })
            _desktop.WaitUntil(() => _desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 3);

        WaitForWindow();
        foreach (var name in new[] { "window", "deaf", "silent" })
            Assert.DoesNotContain($" {name}: its presenter is gone", _desktop.Log, StringComparison.Ordinal);
        Assert.True(_desktop.IsRunning);
    }

    [Fact]
    public void Weston_under_valgrind_has_no_error_no_leak_and_no_descriptor_of_the_modules()
    {
        RequireValgrind();
        var log = _desktop["valgrind"];
        _desktop.Start(
            ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,possible", "--track-fds=yes", "--child-silent-after-fork=yes", "--num-callers=30", $"--log-file={log}"],
            Window,
            $"name=fullscreen\ncommand=exec {_desktop.Presenter} fullscreen",
            $"name=brief\ncommand={_desktop.Presenter} window & p=$!; sleep 2; kill $p",
            $"name=requests\ncommand=exec {_desktop.Presenter} requests",
            $"name=greedy\ncommand=exec {_desktop.Presenter} greedy",
            $"name=deaf\ncommand=exec {_desktop.Presenter} deaf",
            "name=wrong");
        foreach (var name in new[] { "brief", "requests", "greedy" })
            _desktop.WaitUntil(() => _desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 2);
        _desktop.End();
        var report = File.ReadAllText(log);
        Assert.Contains("ERROR SUMMARY", report, StringComparison.Ordinal);

        // What Weston itself loses is its own: records with a line of ours in them are ours. Of descriptors all that are left were there before.
        var records = report.Split("\n==").Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]).ToList();
        string[] sources = [.. Directory.EnumerateFiles(Repository.Path("meson-shim"), "*.c").Select(path => Path.GetFileName(path)), "compat.h"];
        Assert.Equal(6, sources.Length);
        Assert.DoesNotContain(records, line => sources.Any(source => line.Contains($"({source}:", StringComparison.Ordinal)));
        Assert.Equal(records.Count(line => line.StartsWith("Open file descriptor", StringComparison.Ordinal)), records.Count(line => line.Contains("<inherited from parent>", StringComparison.Ordinal)));
    }

    [Fact]
    public void Weston_under_AddressSanitizer_has_no_error_and_no_leak_of_the_modules()
    {
        var library = NativePeer.Run("gcc", "-print-file-name=libasan.so").Trim();
        if (!Path.IsPathRooted(library))
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "libasan isn't installed");
            Assert.Skip("libasan isn't installed");
        }

        using var desktop = new ModuleDesktop(10, isSanitized: true) { HasKnobs = true };
        desktop.Start(
            ["env", $"LD_PRELOAD={library}", $"ASAN_OPTIONS=log_path={desktop["asan"]}"],
            $"name=window\ncommand=exec {desktop.Presenter} window",
            $"name=brief\ncommand={desktop.Presenter} window & p=$!; sleep 1; kill $p",
            $"name=requests\ncommand=exec {desktop.Presenter} requests",
            $"name=greedy\ncommand=exec {desktop.Presenter} greedy");
        foreach (var name in new[] { "brief", "requests", "greedy" })
            desktop.WaitUntil(() => desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 2);
        foreach (var state in new[] { 1, 0, 1, 0 })
            desktop.Turn($"key 29 {state}", $"key 56 {state}", $"key 34 {state}");
        desktop.Turn("plug second");
        desktop.Turn("replug second");
        desktop.End();
        Assert.Contains("knobs: replug second", desktop.Log, StringComparison.Ordinal);

        // What Weston itself and its helpers lose is their own.
        var reports = Directory.EnumerateFiles(desktop["."], "asan.*").SelectMany(File.ReadLines).ToList();
        Assert.DoesNotContain(reports, static line => line.Contains("meson-shim/", StringComparison.Ordinal) || line.Contains("ERROR: AddressSanitizer", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_module_is_called_for_frames_only_while_there_is_a_guest_in_a_frame(bool hasGuest)
    {
        RequireValgrind();
        var profile = _desktop["profile"];
        _desktop.Start(["valgrind", "--tool=callgrind", "--child-silent-after-fork=yes", $"--callgrind-out-file={profile}"], hasGuest ? [Window] : []);
        _desktop.WaitUntil(() => _desktop.Log.Contains($"guest-surfaces: {(hasGuest ? 1 : 0)} guests", StringComparison.Ordinal));
        if (hasGuest)
            _desktop.WaitUntil(() => _desktop.Output.Contains("shown", StringComparison.Ordinal));
        _ = _desktop.RunClient("draw");
        _desktop.End();
        var called = File.ReadAllText(profile);
        Assert.Contains("on_surface_created", called, StringComparison.Ordinal);
        foreach (var function in new[] { "on_repainted", "on_committed", "frames_follow" })
            Assert.Equal(hasGuest, called.Contains($" {function}", StringComparison.Ordinal));
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
