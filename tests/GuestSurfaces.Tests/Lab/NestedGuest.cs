// SPDX-License-Identifier: MIT
using System.Text.Json;
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// A guest inside the lab's machine, by KVM, from its kernel to the compositor's screenshot: one run of tests/lab/l1/case.sh, and what it left.
/// </summary>
internal sealed class NestedGuest
{
    private const int SecondsToBoot = 180;
    private const uint Background = 0x204060; // as compositors.sh sets it

    private readonly Dictionary<string, string> _files = [];

    private NestedGuest(L1Machine l1)
    {
        foreach (var path in Directory.GetFiles(l1["case"]))
        {
            if (Path.GetExtension(path) == ".png")
                Screen = Picture.ReadPng(path);
            else
                _files[Path.GetFileName(path)] = File.ReadAllText(path);
        }
    }

    /// <summary>What the compositor showed in the end; null if the case ended before.</summary>
    public Picture? Screen { get; }

    /// <summary>What guest-surfaces has measured.</summary>
    public JsonElement Stats => JsonDocument.Parse(this["stats.json"]).RootElement;

    /// <summary>For guest-surfaces: emulated machines answer flips by the clock again and again, and are no reason to copy.</summary>
    public const string KeepsPages = "--zero-copy always";

    /// <summary>A text that the run left, as case.sh names it.</summary>
    public string this[string name] => _files[name];

    /// <summary>Runs a case to its end. Fails if the guest didn't do its job, its kernel complained or the back-end ended badly.</summary>
    /// <param name="l1">The machine.</param>
    /// <param name="name">COMPOSITOR/QEMU/GUEST/JOB.</param>
    /// <param name="options">More of case.sh's.</param>
    /// <param name="seconds">How long the guest may take.</param>
    public static NestedGuest Run(L1Machine l1, string name, string options = "", int seconds = SecondsToBoot)
    {
        var output = l1.Run(
            $"""
            set -e
            rm -rf /share/case
            tests/lab/l1/case.sh /share/case {name} --program {l1.Programs} --wait {seconds} {options}
            """,
            seconds + 180);
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        var guest = new NestedGuest(l1);
        TestContext.Current.TestOutputHelper?.WriteLine(guest._files.GetValueOrDefault("stats.json") ?? guest["attach.log"]);
        return guest;
    }

    /// <summary>Runs a case in which Weston's module shows the guest, full screen.</summary>
    /// <param name="l1">The machine.</param>
    /// <param name="major">Its Weston's major version.</param>
    /// <param name="name">COMPOSITOR/QEMU/GUEST/JOB.</param>
    /// <param name="options">More of case.sh's.</param>
    /// <param name="seconds">How long the guest may take.</param>
    public static NestedGuest RunUnderModule(L1Machine l1, int major, string name, string options = "", int seconds = SecondsToBoot)
    {
        var modules = Path.Combine(AppContext.BaseDirectory, "weston-module");
        LabProcess.Run(LabBench.ScriptPath("weston-module.sh"), [$"{major}", modules], LabBench.Patience);
        return Run(l1, name, $"--backend module --modules '{modules}' {options} -- {KeepsPages}", seconds);
    }

    /// <summary>The screen, or the one window on it, has every pixel that the guest says it drew.</summary>
    /// <param name="isFullscreen">Whether that is the whole screen.</param>
    public void AssertShown(bool isFullscreen)
    {
        var hold = this["serial.log"].Split('\n').Select(LabBench.ParseHold).Last(static hold => hold is not null)!.Value;
        var shown = isFullscreen ? Screen! : Screen!.WithoutBackground(Background);
        if (!isFullscreen)
            Assert.True(shown.Width < Screen!.Width && shown.Height < Screen.Height, "the window fills the screen");
        Assert.Equal(hold.Crc, shown.Crc);
    }
}
