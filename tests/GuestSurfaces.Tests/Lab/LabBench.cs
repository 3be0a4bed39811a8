// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// One compositor, one guest-surfaces and one or more real guests, in a folder of their own: the lab's scripts (tests/lab) from C#.
/// Everything that was started is ended by <see cref="Dispose"/>, whatever happened.
/// </summary>
internal sealed partial class LabBench : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(150);

    private static readonly string s_root = Repository.Root;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-lab");
    private readonly Dictionary<string, string> _environment = [];
    private readonly List<string> _guests = [];
    private readonly List<LabProcess> _programs = [];
    private readonly string _size;
    private readonly string _compositorPid = "";

    /// <summary>Starts a compositor. Skips the test outside the lab; in CI the lab is there.</summary>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <param name="shell">kiosk, desktop or tiled.</param>
    /// <param name="size">Of its output.</param>
    public LabBench(string compositor, string shell = "kiosk", string size = "1280x800")
    {
        Require();
        _folder.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Compositor = compositor;
        _size = size;
        _environment["GS_SHELL"] = shell;
        _environment["GS_LIMIT"] = "900";
        Directory.CreateDirectory(RunFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            var answer = Script("compositors.sh", "up", compositor, RunFolder, size);
            _compositorPid = PidLine().Match(answer).Groups[1].Value;
            Display = _environment["WAYLAND_DISPLAY"] = DisplayLine().Match(answer).Groups[1].Value;
            _environment["XDG_RUNTIME_DIR"] = RunFolder;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Skips the test outside the lab.</summary>
    public static void Require()
    {
        if (Environment.GetEnvironmentVariable("GS_LAB") != "1")
            Assert.Skip("needs real guests: ./test.sh --lab");
    }

    /// <summary>The path of one of the lab's scripts.</summary>
    public static string ScriptPath(string name) => Path.Combine(s_root, "tests", "lab", name);

    public string Compositor { get; }

    /// <summary>The compositor's socket.</summary>
    public string Display { get; }

    /// <summary>Whether guest-surfaces is the one that users have, which needn't be compiled while it runs: of the folder GS_PROGRAM, where there is one.</summary>
    public bool IsAsPublished { get; init; }

    private string RunFolder => Path.Combine(_folder.FullName, "run");

    /// <summary>A path in the bench's folder.</summary>
    public string this[string name] => Path.Combine(_folder.FullName, name);

    /// <summary>Starts guest-surfaces, waiting for a VMM at the socket <paramref name="name"/>.sock; its statistics go to <paramref name="name"/>.json.</summary>
    public LabProcess StartBridge(string name, params string[] options) => StartBackend(name, ["attach", "vhost-user", .. options]);

    /// <summary>The same by a device in a process of its own, and a viewer of it that ends with it.</summary>
    public (LabProcess Device, LabProcess Viewer) StartDevice(string name, params string[] options) =>
        (StartDeviceAlone(name, options), StartViewer(name, "--grace", "0"));

    /// <summary>A device that nobody views: viewers connect at <paramref name="name"/>.link.</summary>
    public LabProcess StartDeviceAlone(string name, params string[] options) => StartBackend(name, ["device", "--link", this[$"{name}.link"], .. options]);

    /// <summary>Starts a viewer of the device <paramref name="device"/>.</summary>
    public LabProcess StartViewer(string device, params string[] options) => StartProgram(["present", this[$"{device}.link"], .. options]);

    /// <summary>Starts another program with a window: a new one gets the focus.</summary>
    public LabProcess StartNeighbour() => StartProgram("fake-guest", "solid", "--frames", "1", "--name", "neighbour");

    /// <summary>Boots a guest whose GPU is served at <paramref name="bridge"/>.sock.</summary>
    public void StartGuest(string name, string bridge, params string[] options)
    {
        Directory.CreateDirectory(this[name]);
        if (!_guests.Contains(name))
            _guests.Add(name);
        Script("vm.sh", ["up", this[name], "--gpu", this[$"{bridge}.sock"], "--limit", "300", .. options]);
    }

    /// <summary>Boots a guest by guest-surfaces run: its device and its windows are processes of their own. Its statistics go to <paramref name="name"/>.json.</summary>
    public void RunGuest(string name, string[] runOptions, params string[] options) => RunGuest(name, "generic", "vmm", runOptions, options);

    /// <summary>The same with a device of QEMU's.</summary>
    /// <param name="name">The guest's.</param>
    /// <param name="device">As run takes it.</param>
    /// <param name="qemu">As vm.sh takes it.</param>
    /// <param name="runOptions">More for run.</param>
    /// <param name="options">More for vm.sh.</param>
    public void RunGuest(string name, string device, string qemu, string[] runOptions, string[] options)
    {
        string[] under = [.. Program("run", "--name", name, "--stats", this[$"{name}.json"], "--device", device), .. runOptions, "--"];
        Directory.CreateDirectory(this[name]);
        _guests.Add(name);
        Script("vm.sh", ["up", this[name], .. under.SelectMany(static word => (string[])["--under", word]), "--qemu", qemu, .. options]);
    }

    /// <summary>Kills the presenter of the one guest that runs, and the compositor, as lab-shot does it.</summary>
    /// <returns>What it printed.</returns>
    public string Kill(int presenters, int compositors) => LabProcess.Run(
        "dotnet",
        [
            Path.Combine(AppContext.BaseDirectory, "lab-shot.dll"), "kills", RunFolder, $"{presenters}", $"{compositors}",
            ScriptPath("compositors.sh"), "again", Compositor, RunFolder, _size,
        ],
        TimeSpan.FromSeconds(30 + (10 * (presenters + compositors))),
        _environment);

    /// <summary>Ends a job that goes on until a key is pressed.</summary>
    public void Press(string guest) => Script("vm.sh", "press", this[guest]);

    /// <summary>Waits for a line of the guest's serial log.</summary>
    public string WaitFor(string guest, string pattern) => Script("vm.sh", "wait", this[guest], pattern, "120").Trim();

    /// <summary>The checksums that the guest says its heads show, by head.</summary>
    public IReadOnlyDictionary<int, uint> Held(string guest) => File.ReadAllLines(SerialLog(guest))
        .Select(ParseHold)
        .OfType<(int Head, uint Crc)>()
        .GroupBy(hold => hold.Head)
        .ToDictionary(group => group.Key, group => group.Last().Crc);

    /// <summary>Where a guest's serial line's words are.</summary>
    public string SerialLog(string guest) => Path.Combine(this[guest], "serial.log");

    /// <summary>Fails if the guest's kernel complained.</summary>
    public void AssertNoKernelErrors(string guest) => Script("vm.sh", "errors", this[guest]);

    /// <summary>The VMM's pid.</summary>
    public int GuestPid(string guest) => int.Parse(File.ReadAllText(Path.Combine(this[guest], "qemu.pid")), CultureInfo.InvariantCulture);

    /// <summary>Ends a guest's VMM.</summary>
    public void StopGuest(string guest) => Script("vm.sh", "down", this[guest]);

    /// <summary>Gives sway a command.</summary>
    /// <param name="command">As swaymsg takes it.</param>
    public string Tell(string command) => Script("compositors.sh", "tell", Compositor, RunFolder, command);

    /// <summary>Sends a signal to the compositor, by name.</summary>
    public void SignalCompositor(string name) => LabProcess.Run("kill", ["-s", name, _compositorPid], Patience);

    /// <summary>What a guest's process remembers of its frames, by serial.</summary>
    /// <param name="name">As it was started.</param>
    public IReadOnlyList<FrameRecord> Frames(string name)
    {
        var frames = default(IReadOnlyList<FrameRecord>);
        WaitUntil(() => (frames = TryReadFrames(name)) is not null, TimeSpan.FromSeconds(20), $"{name} can be asked");
        return frames!;
    }

    /// <summary>All outputs in one picture, as they lie.</summary>
    public Picture ShootAll()
    {
        Script("compositors.sh", "shot", Compositor, RunFolder, this["all.png"]);
        return Picture.ReadPng(this["all.png"]);
    }

    public Picture Shoot(int output = 0) => Screenshot.Take(Display, output);

    /// <summary>Takes pictures until one fits: a compositor shows a frame a refresh or two after the guest has drawn it. The last one is kept as shot.png.</summary>
    /// <param name="fits">Whether it is the one.</param>
    /// <param name="output">Of which output, as the compositor lists them.</param>
    public Picture ShootUntil(Func<Picture, bool> fits, int output = 0)
    {
        Picture? picture = null;
        try
        {
            WaitUntil(() => fits(picture = Shoot(output)), TimeSpan.FromSeconds(10), "the screen shows what the guest drew");
        }
        finally
        {
            picture?.WritePng(this["shot.png"]);
        }

        return picture!;
    }

    /// <summary>Reads what a bridge wrote when it ended.</summary>
    public JsonElement Stats(string name) => JsonDocument.Parse(File.ReadAllText(this[$"{name}.json"])).RootElement.Clone();

    public static void WaitUntil(Func<bool> condition, TimeSpan timeout, string what)
    {
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"not within {timeout.TotalSeconds} s: {what}");
            Thread.Sleep(50); // other programs' doings: nothing here could wake us
        }
    }

    public void Dispose()
    {
        foreach (var guest in _guests)
            TryScript("vm.sh", "down", this[guest]);
        foreach (var program in _programs)
            program.Dispose();
        TryScript("compositors.sh", "down", RunFolder);
        var keep = Environment.GetEnvironmentVariable("GS_KEEP");
        if (keep != "1")
            _folder.Delete(recursive: true);
    }

    /// <summary>The checksum that a GS-HOLD line ends with, by head; null for other lines.</summary>
    public static (int Head, uint Crc)? ParseHold(string line) =>
        HoldLine().Match(line) is { Success: true } match
            ? (int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), uint.Parse(match.Groups[2].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            : null;

    private List<FrameRecord>? TryReadFrames(string name)
    {
        var answers = new StatusFolder(Path.Combine(RunFolder, "guest-surfaces")).AskWithTraces(out _);
        try
        {
            return answers.SingleOrDefault(answer => answer.Snapshot.Name == name)?.ReadFrames();
        }
        finally
        {
            foreach (var answer in answers)
                answer.Dispose();
        }
    }

    private string[] Program(params string[] arguments) => IsAsPublished && Environment.GetEnvironmentVariable("GS_PROGRAM") is { } folder
        ? [Path.Combine(folder, "guest-surfaces"), .. arguments]
        : ["dotnet", Path.Combine(AppContext.BaseDirectory, "guest-surfaces.dll"), .. arguments];

    private LabProcess StartProgram(params string[] arguments)
    {
        var command = Program(arguments);
        var program = LabProcess.Start(command[0], command[1..], _environment);
        _programs.Add(program);
        return program;
    }

    private LabProcess StartBackend(string name, string[] arguments)
    {
        var socket = this[$"{name}.sock"];
        File.Delete(socket); // of one that was killed
        var backend = StartProgram([.. arguments, "--socket-path", socket, "--name", name, "--stats", this[$"{name}.json"]]);
        WaitUntil(() => File.Exists(socket) || backend.HasExited, TimeSpan.FromSeconds(30), "guest-surfaces listens");
        Assert.False(backend.HasExited, backend.Output);
        return backend;
    }

    private string Script(string name, params string[] arguments) =>
        LabProcess.Run(ScriptPath(name), arguments, Patience, _environment);

    private void TryScript(string name, params string[] arguments)
    {
        try
        {
            Script(name, arguments);
        }
        catch (InvalidOperationException e)
        {
            // Cleaning up must not hide why the test failed.
            TestContext.Current.TestOutputHelper?.WriteLine(e.Message);
        }
    }

    [GeneratedRegex(@"\bPID=(\d+)")]
    private static partial Regex PidLine();

    [GeneratedRegex(@"WAYLAND_DISPLAY=(\S+)")]
    private static partial Regex DisplayLine();

    [GeneratedRegex(@"\bGS-HOLD .*head=(\d+) .*crc=([0-9a-f]{8})")]
    private static partial Regex HoldLine();
}
