// SPDX-License-Identifier: MIT
using System.ComponentModel;
using System.Diagnostics;
using GuestSurfaces.Interop;
using GuestSurfaces.Wayland;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>
/// A weston without a screen, in a folder of its own, drawing with the CPU. It ends with the test, and after two minutes in any case. The
/// desktop shell: weston 10's kiosk shell raises nothing where there is no seat.
/// </summary>
public sealed class WestonHost : IDisposable
{
    public const uint Background = 0x204060;

    private static readonly TimeSpan s_startTimeout = TimeSpan.FromSeconds(20);
    private readonly string _folder;
    private Process _process;

    private WestonHost(string folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    public string Display => Path.Combine(_folder, "wayland-test");

    public string Log => File.Exists(LogPath) ? File.ReadAllText(LogPath) : string.Empty;

    private string LogPath => Path.Combine(_folder, "log");

    /// <summary>Null if there is no weston on this machine.</summary>
    public static WestonHost? TryStart(int width, int height)
    {
        var folder = Directory.CreateTempSubdirectory("gs-present").FullName;
        File.WriteAllText(
            Path.Combine(folder, "weston.ini"),
            $"[shell]\nlocking=false\npanel-position=none\nbackground-color=0xff{Background:x6}\nstartup-animation=none\nclose-animation=none\nfocus-animation=none\nanimation=none\n");

        // --debug lets any client take screenshots.
        var start = new ProcessStartInfo(
            "timeout",
            $"-k 2 120 weston --debug --config={folder}/weston.ini --backend=headless-backend.so --use-pixman --idle-time=0 --width={width} --height={height} --socket=wayland-test --log={folder}/log");
        start.Environment["XDG_RUNTIME_DIR"] = folder;
        start.Environment.Remove("WAYLAND_DISPLAY");
        start.Environment.Remove("WAYLAND_SOCKET");
        start.Environment.Remove("DISPLAY");
        if (!IsInstalled())
        {
            Directory.Delete(folder, recursive: true);
            return null;
        }

        return new WestonHost(folder, Process.Start(start)!);
    }

    /// <summary>Kills it.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Starts another one in its place, once it is dead.</summary>
    public void Restart()
    {
        var start = _process.StartInfo;
        _process.Dispose();
        _process = Process.Start(start)!;
    }

    /// <summary>A connection, as soon as weston listens.</summary>
    public WaylandConnection Connect()
    {
        for (var watch = Stopwatch.StartNew(); ; Thread.Sleep(20))
        {
            try
            {
                return WaylandConnection.Connect(Display);
            }
            catch (SyscallException) when (watch.Elapsed < s_startTimeout && !_process.HasExited)
            {
                // It is still starting: there is nothing to wait on but its socket.
            }
        }
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool IsInstalled()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("weston", "--version") { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
