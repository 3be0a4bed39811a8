// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using GuestSurfaces.Testing.Screenshots;

namespace GuestSurfaces.Lab;

/// <summary>
/// Kills what shows a flipping guest, again and again: its presenter, which <c>guest-surfaces run</c> or Weston's module starts anew, and the compositor, which is started anew from here.
/// Each time the window must come back; now and then a screenshot must be a picture that the guest has drawn since, pixel by pixel.
/// </summary>
internal sealed class KillCheck
{
    // Descriptors that a device has one moment and hasn't the next: a picture's spare, somebody who asks for its status. What stays of each of a hundred is many more.
    private const int ComeAndGo = 3;

    private const int ShortestPauseMs = 20;
    private const int LongestPauseMs = 1000;
    private const int ShotEvery = 10;
    private const int SettledAfter = 5; // rounds, in which the runtime has started its threads and compiled its code
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly string _folder;
    private readonly string _display;
    private readonly string _status;
    private readonly string[] _again;
    private readonly List<long> _presenterMs = [];
    private readonly List<long> _compositorMs = [];
    private int _frame = -1;

    private KillCheck(string folder, string[] again)
    {
        _folder = folder;
        _display = File.ReadAllText(Path.Combine(folder, "display")).Trim();
        var status = "";
        Wait(() => (status = Directory.GetFiles(Path.Combine(folder, "guest-surfaces"), "*.sock").FirstOrDefault("")).Length > 0, "the guest can be asked");
        _status = status;
        _again = again;
    }

    /// <summary>Kills both so often, in turns.</summary>
    /// <param name="folder">The compositor's (see compositors.sh), which is the guest's XDG_RUNTIME_DIR.</param>
    /// <param name="presenters">How often the presenter.</param>
    /// <param name="compositors">How often the compositor.</param>
    /// <param name="again">What starts the compositor once more.</param>
    /// <returns>
    /// The exit code: 0, and a line <c>KILLED what=… times=… p50_ms=… max_ms=…</c> for each, the time from a compositor that takes connections and a presenter that was
    /// killed to a frame on the screen; 1 if a window didn't come back or something stayed.
    /// </returns>
    public static int Run(string folder, int presenters, int compositors, string[] again)
    {
        try
        {
            var check = new KillCheck(folder, again);
            check.Run(presenters, compositors);
            Tell("presenter", check._presenterMs);
            Tell("compositor", check._compositorMs);
            return 0;
        }
        catch (Exception e) when (e is IOException or TimeoutException or InvalidOperationException or SocketException or JsonException)
        {
            Console.WriteLine($"FAILED {e.Message}");
            return 1;
        }
    }

    private void Run(int presenters, int compositors)
    {
        Wait(() => Ask().Viewer != 0, "the guest's window is there");
        var rounds = presenters + compositors;
        var settled = default(Left);
        for (var round = 0; round < rounds; round++)
        {
            if ((round + 1) * compositors / rounds > round * compositors / rounds)
                KillCompositor();
            else
                KillPresenter();
            if (round % ShotEvery == ShotEvery - 1)
                CheckScreen(); // (after the last it is the caller's, of a guest that has stopped: every pixel)
            if (round == Math.Min(SettledAfter, rounds - 1))
                settled = CountLeft();
        }

        var left = CountLeft();
        Console.WriteLine($"LEFT fds={settled.Descriptors},{left.Descriptors} threads={settled.Threads},{left.Threads} children={settled.Children},{left.Children}");
        if (left.Descriptors > settled.Descriptors + ComeAndGo || left.Threads > settled.Threads + 1 || left.Children > settled.Children)
            throw new InvalidOperationException("something of what was killed has stayed in the device");
    }

    private void KillPresenter()
    {
        var killed = Ask().Viewer;
        var watch = Stopwatch.StartNew();
        Kill(killed);
        WaitForFrame(viewer => viewer != 0 && viewer != killed);
        _presenterMs.Add(watch.ElapsedMilliseconds);
    }

    private void KillCompositor()
    {
        var viewer = Ask().Viewer;
        var compositor = CompositorPid();
        var isCompositors = IsCompositors(viewer);
        Kill(compositor);
        Wait(() => !Directory.Exists($"/proc/{compositor}"), "the compositor is dead");
        Wait(() => Ask().Viewer == 0, "the device knows that nobody looks");
        using var start = Process.Start(new ProcessStartInfo(_again[0], _again[1..]) { RedirectStandardOutput = true })!;
        Wait(
            () =>
            {
                using var socket = TryConnect(_display);
                return socket is not null;
            },
            "the compositor is there again");
        var watch = Stopwatch.StartNew();
        WaitForFrame(viewer => viewer != 0);
        _compositorMs.Add(watch.ElapsedMilliseconds);
        start.WaitForExit();
        if (start.ExitCode != 0)
            throw new InvalidOperationException($"{_again[0]} ended with {start.ExitCode}");
        if ((Ask().Viewer != viewer) != isCompositors)
            throw new InvalidOperationException($"the presenter has {(isCompositors ? "outlived" : "ended with")} the compositor");
    }

    /// <summary>Waits for another frame on the screen after the viewer came into charge.</summary>
    private void WaitForFrame(Func<int, bool> isBack)
    {
        Guest guest = default;
        Wait(() => isBack((guest = Ask()).Viewer), "the viewer is in charge again");
        Wait(() => Ask().Presented > guest.Presented, "a frame is on the screen again");
    }

    private void CheckScreen()
    {
        // Not every one is whole. To take it sway composes what was scanned out until then, which in an emulated machine takes it tenths of a second. A guest isn't kept
        // waiting for more than 35 ms (unprotected_flips), its driver itself waits for 50 (late=): so it draws frame n+2 where n is being read. The next may be whole.
        var before = _frame;
        var shot = default(Picture);
        try
        {
            Wait(() => GuestPicture.FrameOf(shot = Screenshot.Take(_display)) is { } frame && (_frame = frame) > before, $"the screen shows a picture of the guest's newer than frame {before}");
        }
        catch (TimeoutException)
        {
            shot?.WritePng(Path.Combine(_folder, "kills.png"));
            throw;
        }
    }

    private Left CountLeft()
    {
        var (device, viewer) = (Ask().Device, Ask().Viewer);
        var supervisor = StatOf(viewer)![1];
        var children = Directory.GetDirectories("/proc").Count(path => int.TryParse(Path.GetFileName(path), out var pid) && StatOf(pid)?[1] == supervisor);
        return new Left(Directory.GetFileSystemEntries($"/proc/{device}/fd").Length, Directory.GetDirectories($"/proc/{device}/task").Length, children);
    }

    private Guest Ask()
    {
        using var socket = TryConnect(_status) ?? throw new InvalidOperationException("the device doesn't listen any more");
        using var stream = new NetworkStream(socket);
        using var json = JsonDocument.Parse(stream);
        var status = json.RootElement;
        _ = int.TryParse(status.GetProperty("in_charge").GetString()!.Split(' ')[^1], CultureInfo.InvariantCulture, out var viewer); // guest-surfaces present PID
        return new Guest(status.GetProperty("pid").GetInt32(), viewer, status.GetProperty("stats").GetProperty("frames_presented").GetInt64());
    }

    private int CompositorPid()
    {
        using var socket = TryConnect(_display) ?? throw new InvalidOperationException("there is no compositor to kill");
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return BinaryPrimitives.ReadInt32LittleEndian(credentials);
    }

    private static Socket? TryConnect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>What follows the name in /proc/PID/stat: state, parent, …; null without such a process.</summary>
    private static string[]? StatOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    // Whether the compositor's module has brought it.
    private bool IsCompositors(int viewer)
    {
        var compositor = CompositorPid();
        while (viewer > 1 && viewer != compositor)
            viewer = StatOf(viewer) is { } stat ? int.Parse(stat[1], CultureInfo.InvariantCulture) : 0;
        return viewer == compositor;
    }

    private static void Kill(int pid)
    {
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    private static void Wait(Func<bool> condition, string what)
    {
        // Other programs' doings: nothing here could wake us. In an emulated machine a look costs as much as they do: so it gets a tenth of the time.
        for (var watch = Stopwatch.StartNew(); ;)
        {
            var began = watch.ElapsedMilliseconds;
            if (condition())
                return;
            if (watch.Elapsed > s_patience)
                throw new TimeoutException($"not within {s_patience.TotalSeconds} s: {what}");
            Thread.Sleep((int)Math.Clamp(9 * (watch.ElapsedMilliseconds - began), ShortestPauseMs, LongestPauseMs));
        }
    }

    private static void Tell(string what, List<long> ms)
    {
        if (ms.Count == 0)
            return;
        ms.Sort();
        Console.WriteLine($"KILLED what={what} times={ms.Count} p50_ms={ms[ms.Count / 2]} p90_ms={ms[ms.Count * 9 / 10]} max_ms={ms[^1]}");
    }

    /// <summary>What the guest's status says: two processes, 0 without one, and how many frames were on a screen.</summary>
    private readonly record struct Guest(int Device, int Viewer, long Presented);

    /// <summary>What the device and the presenter's parent have.</summary>
    private readonly record struct Left(int Descriptors, int Threads, int Children);
}
