// SPDX-License-Identifier: MIT
using System.ComponentModel;
using System.Diagnostics;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Bench;

/// <summary>A weston without a screen, for machines without a session. Ends with this process's use of it.</summary>
internal sealed class HeadlessWeston : IDisposable
{
    private const int StartTimeoutMs = 20_000;

    private readonly Process _process;
    private readonly DirectoryInfo _folder;

    private HeadlessWeston(Process process, DirectoryInfo folder)
    {
        _process = process;
        _folder = folder;
    }

    /// <summary>The socket to connect to.</summary>
    public string Display => Path.Combine(_folder.FullName, "wayland-bench");

    /// <summary>Starts one and waits until it listens.</summary>
    /// <exception cref="UserErrorException">There is none here, or it doesn't start.</exception>
    public static HeadlessWeston Start()
    {
        const string remedy = "run this in a Wayland session, set WAYLAND_DISPLAY, or apt install weston";
        var folder = Directory.CreateTempSubdirectory("gs-bench");
        File.WriteAllText(Path.Combine(folder.FullName, "weston.ini"), "[shell]\nlocking=false\npanel-position=none\nstartup-animation=none\nclose-animation=none\nanimation=none\n");
        var start = new ProcessStartInfo("weston", $"--config={folder.FullName}/weston.ini --backend=headless-backend.so --use-pixman --idle-time=0 --width=1920 --height=1080 --socket=wayland-bench --log={folder.FullName}/log")
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["XDG_RUNTIME_DIR"] = folder.FullName;
        start.Environment.Remove("WAYLAND_SOCKET");
        try
        {
            var weston = new HeadlessWeston(Process.Start(start)!, folder);
            weston.Await(remedy);
            return weston;
        }
        catch (Win32Exception)
        {
            folder.Delete(recursive: true);
            throw new UserErrorException("there is no Wayland session here, and no weston to make one", remedy);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Await(string remedy)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                UnixSocketHandle.Connect(Display).Dispose();
                return;
            }
            catch (SyscallException e)
            {
                if (_process.HasExited || watch.ElapsedMilliseconds > StartTimeoutMs)
                {
                    Dispose();
                    throw new UserErrorException($"weston doesn't start: {e.Message}", remedy);
                }

                Thread.Sleep(20); // it listens when it listens
            }
        }
    }
}
