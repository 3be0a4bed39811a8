// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Tests.Lab;
using GuestSurfaces.Tests.Wayland;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>A headless Weston that loads the module of meson-shim, in a folder of its own: this machine's (10), or one of the lab's roots'.</summary>
internal sealed class ModuleDesktop : IDisposable
{
    public const int Width = 640;
    public const int Height = 480;
    public const uint Background = 0x204060;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly string[] s_knobs = ["weston-knobs.so"];
    private static readonly string[] s_screenshots = ["weston-screenshots.so"];
    private static readonly Dictionary<int, string> s_roots = new() { [14] = "trixie", [16] = "sid" };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-mod");
    private readonly List<LabProcess> _others = [];
    private readonly int _major;
    private readonly string _module;
    private CommandFifo? _knobs;
    private LabProcess? _weston;

    /// <param name="major">Weston's major version.</param>
    /// <param name="isSanitized">Whether the module is built with AddressSanitizer.</param>
    public ModuleDesktop(int major, bool isSanitized = false)
    {
        _major = major;
        if (major == 10)
            RequireWeston10();
        else
            LabBench.Require();
        Presenter = NativePeer.Build("weston-presenter", "client", "linux-dmabuf-v1", "xdg-shell", "guest-surfaces-weston-v1");
        _module = LabProcess.Run(LabBench.ScriptPath("weston-module.sh"), [.. isSanitized ? (string[])["--asan"] : [], $"{major}", Path.Combine(AppContext.BaseDirectory, "weston-module")], s_patience).Trim().Split('\n')[^1];
        Directory.CreateDirectory(this["bin"]);
        File.WriteAllText(this["bin/guest-surfaces"], $"#!/bin/sh\nexec {Program} \"$@\"\n");
        File.SetUnixFileMode(this["bin/guest-surfaces"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    /// <summary>Whether there are a seat and screens that <see cref="Turn"/> drives. Weston 10 only; to be said before <see cref="Start(string[])"/>.</summary>
    public bool HasKnobs { get; set; }

    /// <summary>The size of the screen "second", if it has one of its own, such as 800x608; to be said before <see cref="Start(string[])"/>.</summary>
    public string? SecondSize { get; set; }

    /// <summary>Another shell than desktop-shell; to be said before <see cref="Start(string[])"/>.</summary>
    public string Shell { get; init; } = "desktop-shell.so";

    /// <summary>More sections of weston.ini; to be said before <see cref="Start(string[])"/>.</summary>
    public string Ini { get; init; } = "";

    /// <summary>More modules of Weston's; to be said before <see cref="Start(string[])"/>.</summary>
    public IReadOnlyList<string> Modules { get; init; } = [];

    /// <summary>Whether Weston's screenshots come from a module of the tests': ivi-shell has none. Weston 10 only; to be said before <see cref="Start(string[])"/>.</summary>
    public bool LacksScreenshots { get; init; }

    /// <summary>The C program that stands for a presenter.</summary>
    public string Presenter { get; }

    /// <summary>A path in the desktop's folder.</summary>
    public string this[string name] => Path.Combine(_folder.FullName, name);

    /// <summary>Weston's socket.</summary>
    public string Display => this["wl-module"];

    /// <summary>What Weston and its presenters printed.</summary>
    public string Output => _weston!.Output;

    public string Log => File.Exists(this["log"]) ? File.ReadAllText(this["log"]) : "";

    public bool IsRunning => !_weston!.HasExited;

    private static string Program => $"{Environment.ProcessPath} {Path.Combine(AppContext.BaseDirectory, "guest-surfaces.dll")}";

    /// <summary>Starts Weston with these guests.</summary>
    /// <param name="sections">Each the keys of one [guest-surface].</param>
    public void Start(params string[] sections) => Start([], sections);

    /// <summary>The same under another program, which is given Weston's command line.</summary>
    public void Start(string[] wrapper, params string[] sections)
    {
        var name = $"guest-surfaces-{_major}.so";
        var guests = string.Concat(sections.Select(keys => $"[guest-surface]\n{keys}\n"));
        File.WriteAllText(
            this["weston.ini"],
            $"[core]\nmodules={string.Join(',', (string[])[name, name, .. Modules, .. HasKnobs ? s_knobs : [], .. LacksScreenshots ? s_screenshots : []])}\n[shell]\nlocking=false\npanel-position=none\nbackground-color=0xff{Background:x6}\nstartup-animation=none\nclose-animation=none\nfocus-animation=none\nanimation=none\n[output]\nname=headless\n{(SecondSize is null ? "" : $"mode={Width}x{Height}\n[output]\nname=second\nmode={SecondSize}\n")}{Ini}{guests}");
        string[] renderer = _major == 10 ? ["--backend=headless-backend.so", "--use-pixman"] : ["--backend=headless", "--renderer=pixman"];
        string[] weston =
        [
            "timeout", "-k", "2", "170", .. wrapper, "weston", "--debug", $"--config={this["weston.ini"]}", .. renderer, "--idle-time=0", $"--shell={Shell}",
            .. SecondSize is null ? (string[])[$"--width={Width}", $"--height={Height}"] : [], // (they are for all screens)
            "--socket=wl-module", $"--log={this["log"]}",
        ];
        var map = $"{name}={_module}";
        if (HasKnobs)
        {
            map += $";weston-knobs.so={NativePeer.BuildWestonModule("weston-knobs")}";
            _knobs = new CommandFifo(this["knobs"]);
        }

        if (LacksScreenshots)
            map += $";weston-screenshots.so={NativePeer.BuildWestonModule("weston-screenshots")}";
        string[] environment = [$"PATH={this["bin"]}:/usr/bin:/bin", $"XDG_RUNTIME_DIR={_folder.FullName}", $"WESTON_MODULE_MAP={map}", $"WESTON_KNOBS={this["knobs"]}"];
        string[] arguments = ["-u", "WAYLAND_DISPLAY", "-u", "WAYLAND_SOCKET", .. environment, .. weston];
        if (_major == 10)
            _weston = LabProcess.Start("env", arguments);
        else
            _weston = LabProcess.Start(LabBench.ScriptPath("in-root.sh"), ["-b", Path.GetDirectoryName(Environment.ProcessPath)!, s_roots[_major], "env", .. arguments]);
        WaitUntil(() => CanConnect() || _weston.HasExited);
        Assert.False(_weston.HasExited, Output + Log);
    }

    /// <summary>Kills Weston, and nothing else.</summary>
    public void Kill()
    {
        Signal("KILL", FindProcess(this["weston.ini"], "weston"));
        Assert.True(_weston!.WaitForExit(s_patience));
    }

    /// <summary>Ends Weston as a user would.</summary>
    public void End()
    {
        _weston!.Signal("TERM");
        Assert.True(_weston.WaitForExit(s_patience));
    }

    /// <summary>Turns knobs (tests/native/weston-knobs.c), one after the other, and waits until Weston has heard of the last.</summary>
    public void Turn(params string[] commands)
    {
        var heard = CountInLog("knobs: ");
        _knobs!.Write(commands);
        WaitUntil(() => CountInLog("knobs: ") >= heard + commands.Length, () => $"Weston hasn't heard of {string.Join(", ", commands)}: {Log}");
    }

    /// <summary>Plugs in a screen that is to go again: when Weston's own clients, desktop-shell's, have heard of it. One that has not would bind what isn't there, and Weston ends with it.</summary>
    public void Plug(string screen)
    {
        Turn($"plug {screen}");
        WaitUntil(() =>
        {
            Turn("settled");
            return Log.TrimEnd().EndsWith("knobs: settled", StringComparison.Ordinal);
        });
    }

    /// <summary>How often the log says something.</summary>
    public int CountInLog(string text) => Log.Split(text).Length - 1;

    /// <summary>Runs guest-surfaces in this desktop's session, to its end.</summary>
    /// <returns>What it printed.</returns>
    public string RunProgram(params string[] arguments)
    {
        var process = StartProgram(arguments);
        Assert.True(process.WaitForExit(s_patience));
        return process.Output;
    }

    /// <summary>Starts guest-surfaces, outside of Weston.</summary>
    public LabProcess StartProgram(params string[] arguments)
    {
        var process = LabProcess.Start(this["bin/guest-surfaces"], arguments, new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = _folder.FullName });
        _others.Add(process);
        return process;
    }

    /// <summary>Runs the stand-in as an ordinary client of this Weston.</summary>
    public string RunClient(string scenario) =>
        LabProcess.Run(Presenter, scenario.Split(' '), s_patience, new Dictionary<string, string> { ["WAYLAND_DISPLAY"] = Display, ["XDG_RUNTIME_DIR"] = _folder.FullName });

    /// <summary>Takes a picture of an output.</summary>
    /// <param name="output">Which, as Weston lists them.</param>
    public Picture Shoot(int output = 0) => Screenshot.Take(Display, output);

    /// <summary>Waits until there is exactly this on the desktop: a frame of four pixels around the window's own.</summary>
    public void WaitForFramed(uint color, int width, int height, Func<int, int, uint> pixel)
    {
        var shown = "nothing";
        WaitUntil(
            () =>
            {
                shown = Compare(color, width, height, pixel);
                return shown.Length == 0;
            },
            () => shown);
    }

    /// <summary>Takes pictures while a guest does something, and sees that it has its frame in each that it is in.</summary>
    /// <param name="color">Of the frame.</param>
    /// <param name="content">Of the guest.</param>
    /// <param name="pictures">How many that have it.</param>
    public void WatchFrame(uint color, uint content, int pictures)
    {
        var seen = 0;
        WaitUntil(() =>
        {
            var pixels = Shoot().ToPixels();
            var (left, top, right, bottom) = (Width, Height, -1, -1);
            for (var i = 0; i < pixels.Length; i++)
            {
                if (pixels[i] == color || pixels[i] == content)
                    (left, top, right, bottom) = (Math.Min(left, i % Width), Math.Min(top, i / Width), Math.Max(right, i % Width), Math.Max(bottom, i / Width));
            }

            for (var i = 0; i < pixels.Length; i++)
            {
                var (x, y) = (i % Width, i / Width);
                if (x < left || x > right || y < top || y > bottom)
                    continue;
                var isFrame = x < left + 4 || x > right - 4 || y < top + 4 || y > bottom - 4;
                Assert.True(pixels[i] == (isFrame ? color : content), $"in picture {seen}, where the guest is from ({left},{top}) to ({right},{bottom}), ({x},{y}) is {pixels[i]:x6}");
            }

            return right >= 0 && ++seen == pictures;
        });
    }

    /// <summary>The process with these two texts on its command line; 0: there is none.</summary>
    public static int FindProcess(string text, string program)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) && File.ReadAllText($"{folder}/cmdline") is var line
                    && line.Contains(text, StringComparison.Ordinal) && line.Split('\0').Any(word => Path.GetFileName(word) == program) && !line.StartsWith("timeout", StringComparison.Ordinal))
                    return id;
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return 0;
    }

    public static void Signal(string name, int id)
    {
        Assert.NotEqual(0, id);
        LabProcess.Run("kill", ["-s", name, $"{id}"], s_patience);
    }

    public void WaitUntil(Func<bool> condition, Func<string>? explain = null)
    {
        for (var watch = Stopwatch.StartNew(); !condition(); Thread.Sleep(30))
        {
            if (watch.Elapsed > s_patience)
                Assert.Fail($"it took too long: {explain?.Invoke()}\n{Output}\n{Log}");
        }
    }

    public void Dispose()
    {
        foreach (var process in _others)
            process.Dispose();
        _weston?.Dispose();
        _knobs?.Dispose();
        _folder.Delete(recursive: true);
    }

    private static void RequireWeston10()
    {
        string version;
        try
        {
            version = LabProcess.Run("weston", ["--version"], s_patience);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            version = "no weston";
        }

        if (version.StartsWith("weston 10.", StringComparison.Ordinal))
            return;
        if (Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail($"this needs Weston 10, and here is {version}");
        Assert.Skip($"this needs Weston 10, and here is {version}");
    }

    private bool CanConnect()
    {
        try
        {
            UnixSocketHandle.Connect(Display).Dispose();
            return true;
        }
        catch (SyscallException)
        {
            return false;
        }
    }

    // (empty: it is as it should be)
    private string Compare(uint color, int width, int height, Func<int, int, uint> pixel)
    {
        Picture picture;
        try
        {
            picture = Shoot().WithoutBackground(Background);
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }

        if (picture.Width != width + 8 || picture.Height != height + 8)
            return $"{picture.Width}x{picture.Height} instead of {width + 8}x{height + 8}";
        for (var y = 0; y < picture.Height; y++)
        {
            for (var x = 0; x < picture.Width; x++)
            {
                var isInside = x >= 4 && y >= 4 && x < width + 4 && y < height + 4;
                var expected = isInside ? pixel(x - 4, y - 4) : color;
                if (picture[x, y] != expected)
                    return $"({x},{y}) is {picture[x, y]:x6} instead of {expected:x6}";
            }
        }

        return "";
    }
}
