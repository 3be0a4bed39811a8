// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// What the screen shows while a guest flips, refresh by refresh: by the checksums that the lab's display makes of everything it reads out (lab-shot flips and late, which say what is done).
/// Flips are held for as long as it takes: on a machine that is emulated two refreshes are often too short.
/// </summary>
/// <param name="l1">The machine.</param>
public abstract partial class FlipTests(L1Machine l1)
{
    private const string Screen = "320x240"; // the display's driver reads it by CPU, in an emulated machine, at each refresh
    private const string Window = "200x150";
    private const int ControlFlips = 40;
    private const int PatienceMs = 10_000;
    private const double SlowestHz = 10; // two refreshes are 30 Hz

    /// <summary>Each buffer is painted in one colour, as soon as the guest is told that it may: no refresh has two. Control: a guest that doesn't wait for it is seen drawing.</summary>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <param name="mode">How it and the presenter are meant to synchronise, as statistics name it.</param>
    /// <param name="shell">kiosk for the whole screen, desktop for a window on it.</param>
    /// <param name="flips">How many.</param>
    protected void AssertNeverTorn(string compositor, string mode, string shell, int flips)
    {
        var window = WindowOf(shell);
        var output = Run(compositor, shell, $"flips $D {window} {flips} {PatienceMs}", $"flips $D {window} {ControlFlips} {PatienceMs} control || [ $? = 1 ]");
        var lines = FlipsLine().Matches(output);
        Assert.Equal(["no", "yes"], lines.Select(static line => line.Groups["control"].Value));
        Assert.All(lines, line => Assert.Equal((mode, "direct", "0"), (line.Groups["sync"].Value, line.Groups["rung"].Value, line.Groups["copied"].Value)));
        var (honest, control) = (lines[0], lines[1]);
        Assert.Equal((flips, 0, 0), (Number(honest, "flips"), Number(honest, "wrong"), Number(honest, "unprotected")));
        Assert.InRange(Number(honest, "changes"), flips * 9 / 10, flips); // the screen followed
        Assert.InRange(Number(honest, "scanned"), shell == "kiosk" ? flips / 2 : 0, shell == "kiosk" ? flips + 1 : 0);

        // A window is drawn once, at its commit: on an idle machine that is over before even this guest comes back to the buffer.
        if (shell == "kiosk")
            Assert.InRange(Number(control, "wrong"), 1, int.MaxValue);
    }

    /// <summary>A picture whose producer takes 1, 50, 200 ms longer is wrong until then: it isn't shown before. Control: nobody is told of its fence, and it is.</summary>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <param name="mode">How it and the presenter are meant to synchronise, as statistics name it.</param>
    /// <param name="shell">kiosk for the whole screen, desktop for a window on it.</param>
    protected void AssertNeverEarly(string compositor, string mode, string shell)
    {
        var output = Run(compositor, shell, $"late $D {WindowOf(shell)} acquire", $"late $D {WindowOf(shell)} control || [ $? = 1 ]");
        var lines = AcquireLine().Matches(output);
        Assert.Equal(6, lines.Count);
        Assert.All(lines, line => Assert.Equal(mode, line.Groups["sync"].Value));
        Assert.All(lines.Where(static line => line.Groups["control"].Value == "no"), static line => Assert.Equal(0, Number(line, "wrong")));
        Assert.InRange(lines.Where(static line => line.Groups["control"].Value == "yes").Sum(static line => Number(line, "wrong")), 1, int.MaxValue);
    }

    /// <summary>A device that reads the buffer for 1, 50, 200 ms longer: the guest has no answer before it is done, unless its time is up, and that is counted.</summary>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <param name="shell">kiosk for the whole screen, desktop for a window on it.</param>
    protected void AssertReadersAreWaitedFor(string compositor, string shell)
    {
        var lines = ReleaseLine().Matches(Run(compositor, shell, $"late $D {WindowOf(shell)} release"));
        Assert.Equal(6, lines.Count);
        Assert.All(lines, static line => Assert.Equal(("implicit", 0), (line.Groups["sync"].Value, Number(line, "uncounted"))));
        Assert.All(lines, static line => Assert.InRange(Number(line, "early"), 0, Number(line, "unprotected")));
        Assert.All(lines.Where(static line => line.Groups["cap"].Value == "none"), static line => Assert.Equal((0, 0), (Number(line, "early"), Number(line, "unprotected"))));
        Assert.Equal(10, Number(lines[^1], "early")); // 200 ms are more than anybody's two refreshes
    }

    /// <summary>A guest that is hidden for a while has its answers all the time, is shown by copies meanwhile, so that nobody sees it draw, and by its own pages again afterwards.</summary>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <param name="ways">What each is called, and the commands that hide it and show it again; $PID is the compositor.</param>
    protected void AssertRunsOn(string compositor, params (string Name, string Hide, string Show)[] ways)
    {
        var lines = PauseLine().Matches(Run(compositor, "kiosk", $"pauses $D 5 {string.Join(' ', ways.Select(static way => $"{way.Name} \"{way.Hide}\" \"{way.Show}\""))}"));
        Assert.Equal(ways.Select(static way => way.Name), lines.Select(static line => line.Groups["what"].Value));
        Assert.All(lines, static line => Assert.InRange(Figure(line, "paused"), SlowestHz, double.MaxValue));
        Assert.All(lines, static line => Assert.Equal("Direct,Copy,Direct", line.Groups["rungs"].Value));
    }

    private string Run(string compositor, string shell, params string[] checks)
    {
        var program = $"\"$DOTNET_ROOT/dotnet\" {l1.Programs}/lab-shot.dll";
        // A compositor for each: Weston 16 has ended when the second full-screen client came.
        var output = string.Concat(checks.Select(check => l1.Run(
            $"""
            set -e
            GS_SHELL={shell} tests/lab/compositors.sh up {compositor} /tmp/w {Screen} > /tmp/w.up
            trap 'tests/lab/compositors.sh down /tmp/w' EXIT
            D=$(sed -n 's/^WAYLAND_DISPLAY=//p' /tmp/w.up) PID=$(sed -n 's/^PID=//p' /tmp/w.up)
            {program} {check}
            """ + "\n",
            480)));
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        return output;
    }

    private static string WindowOf(string shell) => shell == "kiosk" ? "full" : Window;

    private static double Figure(Match line, string group) => double.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);

    private static int Number(Match line, string group) => int.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^FLIPS sync=(?<sync>\S+) rung=(?<rung>\w+) window=\S+ control=(?<control>\w+) flips=(?<flips>\d+) seconds=\S+ refreshes=\d+ missed=\d+ changes=(?<changes>\d+) wrong=(?<wrong>\d+) unprotected=(?<unprotected>\d+) scanned_out=(?<scanned>\d+) copied=(?<copied>\d+) ", RegexOptions.Multiline)]
    private static partial Regex FlipsLine();

    [GeneratedRegex(@"^ACQUIRE sync=(?<sync>\S+) window=\S+ late_ms=\d+ control=(?<control>\w+) pictures=\d+ wrong=(?<wrong>\d+) ", RegexOptions.Multiline)]
    private static partial Regex AcquireLine();

    [GeneratedRegex(@"^PAUSE what=(?<what>\S+) sync=\S+ former_hz=\S+ paused_hz=(?<paused>\S+) resumed_hz=\S+ share=\S+ .* rungs=(?<rungs>\S+) ", RegexOptions.Multiline)]
    private static partial Regex PauseLine();

    [GeneratedRegex(@"^RELEASE sync=(?<sync>\S+) window=\S+ late_ms=\d+ cap=(?<cap>\S+) flips=\d+ early=(?<early>\d+) uncounted=(?<uncounted>\d+) unprotected=(?<unprotected>\d+)", RegexOptions.Multiline)]
    private static partial Regex ReleaseLine();
}

/// <summary>Debian 13's compositors: sway has neither protocol, Weston has one where it says which GPU it draws with.</summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "B")]
public sealed class StableFlipTests(StableMachine l1) : FlipTests(l1), IClassFixture<StableMachine>
{
    private readonly L1Machine _l1 = l1;

    [Theory]
    [InlineData("weston-drm", "implicit", "kiosk", 600)]
    [InlineData("weston-drm", "implicit", "desktop", 600)]
    [InlineData("sway-drm", "implicit", "kiosk", 120)]
    [InlineData("sway-drm", "implicit", "desktop", 120, Explicit = true)]
    [InlineData("weston-drm+feedback", "linux-explicit-synchronization", "kiosk", 120, Explicit = true)]
    public void A_screen_never_shows_what_a_guest_still_draws(string compositor, string mode, string shell, int flips) => _l1.Try(() => AssertNeverTorn(compositor, mode, shell, flips));

    [Theory]
    [InlineData("sway-drm", "kiosk")]
    [InlineData("weston-drm", "desktop")]
    public void A_guest_draws_into_no_buffer_that_a_device_reads_unless_its_time_is_up(string compositor, string shell) => _l1.Try(() => AssertReadersAreWaitedFor(compositor, shell));

    [Theory]
    [InlineData("sway-drm", "implicit", "kiosk")]
    public void A_picture_is_not_shown_before_its_fence(string compositor, string mode, string shell) => _l1.Try(() => AssertNeverEarly(compositor, mode, shell));
}

/// <summary>The newest compositors have both protocols.</summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "C")]
public sealed class NewestFlipTests(NewestMachine l1) : FlipTests(l1), IClassFixture<NewestMachine>
{
    private readonly L1Machine _l1 = l1;

    [Theory]
    [InlineData("sway-drm", "linux-drm-syncobj", "kiosk")]
    [InlineData("sway-drm", "linux-drm-syncobj", "desktop")]
    [InlineData("weston-drm+feedback", "linux-explicit-synchronization", "kiosk")]
    [InlineData("weston-drm+feedback", "linux-explicit-synchronization", "desktop")]
    public void A_screen_never_shows_what_a_guest_still_draws_by_either_protocol(string compositor, string mode, string shell) =>
        _l1.Try(() => AssertNeverTorn(compositor, mode, shell, flips: 600));

    [Theory]
    [InlineData("sway-drm", "linux-drm-syncobj", "kiosk")]
    [InlineData("sway-drm", "linux-drm-syncobj", "desktop", Explicit = true)]
    [InlineData("weston-drm+feedback", "linux-explicit-synchronization", "kiosk")]
    [InlineData("weston-drm+feedback", "linux-explicit-synchronization", "desktop", Explicit = true)]
    public void A_picture_is_not_shown_before_its_fence_by_either_protocol(string compositor, string mode, string shell) => _l1.Try(() => AssertNeverEarly(compositor, mode, shell));

    /// <summary>It runs on, answered by its timer, and is shown again. How fast depends on what an emulated machine needs for copies: the figures are in the output.</summary>
    [Fact]
    public void A_guest_that_nobody_sees_runs_on_and_comes_back() => _l1.Try(() => AssertRunsOn(
        "sway-drm", ("workspace", Tell("workspace 2"), Tell("workspace 1")), ("stopped", "kill -STOP $PID", "kill -CONT $PID")));

    private static string Tell(string command) => $"tests/lab/compositors.sh tell sway-drm /tmp/w {command} > /dev/null";
}
