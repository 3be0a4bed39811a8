// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Runtime.InteropServices;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Conformance;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Interop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Testing.VhostUser;
using GuestSurfaces.Tests.Lab;
using GuestSurfaces.Tests.Presentation;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Link;

/// <summary>A guest's device in this process, <c>guest-surfaces present</c> in others, a real weston: whichever is killed, the others go on.</summary>
[Collection(Alone.Name)]
public sealed class TwoProcessTests : IGuestTransport, IDisposable
{
    private const int Width = 320;
    private const int Height = 200;
    private const int Lives = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-two");
    private readonly EventLoop _loop = new();
    private readonly GuestStatistics _statistics = new();
    private readonly List<LabProcess> _processes = [];
    private readonly TestPicture[] _pictures = [new TestPicture(Width, Height).FillPattern(1), new TestPicture(Width, Height).FillPattern(2)];
    private readonly WestonHost _weston;
    private readonly Session _session;
    private readonly LinkHub _hub;
    private readonly List<string> _refusals = [];
    private LinkListener? _listener;
    private ulong _serial;
    private ulong _settled;
    private long _presentedNs;
    private long _longestNs;
    private bool _isFlipping;

    public TwoProcessTests()
    {
        var weston = WestonHost.TryStart(Width, Height);
        if (weston is null)
            Missing("weston isn't installed");
        _weston = weston!;
        _weston.Connect().Dispose();
        _session = new Session(_loop.Timers, _statistics, new Limits()) { Transport = this };
        _hub = new LinkHub(_loop, _session, "Fedora", _statistics, NullLogger.Instance);
        _session.Display = _hub;
    }

    private string LinkPath => Path.Combine(_folder.FullName, "vm.link");

    [Fact]
    public void Presenter_that_is_killed_again_and_again_leaves_the_guest_flipping_and_its_successor_shows_the_last_picture()
    {
        Listen();
        for (var life = 0; life < Lives; life++)
        {
            var presenter = StartPresenter();
            RunUntil(() => _hub.IsControlled, presenter);
            var shown = _statistics.FramesPresented;
            Flip(() => _statistics.FramesPresented > shown + 10, presenter);
            RunUntilShown(_pictures[_serial % 2], presenter);
            Flip(() => _statistics.FramesPresented > shown + 20, presenter, stops: false);
            presenter.Signal("KILL");
            var alone = _serial + 20;
            Flip(() => _serial > alone, null);
            RunUntil(() => !_hub.IsControlled, null);
        }

        // The timer's 35 ms and what a busy machine adds; a driver's time-out is ten seconds.
        Assert.InRange(_longestNs, 1, 1_000_000_000);
        Assert.Equal(_serial, _settled);
    }

    [Fact]
    public void Window_comes_back_with_the_compositor_and_shows_the_last_picture()
    {
        Listen();
        var presenter = StartPresenter();
        Present(_pictures[0]);
        RunUntilShown(_pictures[0], presenter);
        for (var life = 0; life < 2; life++)
        {
            _weston.Kill();
            RunUntil(() => _hub.ViewerCount == 0, presenter);
            Present(_pictures[1 - (life % 2)]);
            _weston.Restart();
            _weston.Connect().Dispose();
            RunUntilShown(_pictures[1 - (life % 2)], presenter);
        }

        presenter.Signal("TERM");
        Assert.True(presenter.WaitForExit(s_patience), presenter.Output);
        Assert.Equal(128 + 15, presenter.ExitCode); // who started it is to know that nobody closed its window
        RunUntil(() => _hub.ViewerCount == 0 && _serial == _settled, null);
    }

    [Fact]
    public void Windows_of_a_killed_device_stay_dimmed_until_another_takes_them_over_and_close_when_none_does()
    {
        var device = StartProgram("fake-guest", "card", "--size", $"{Width}x{Height}", "--frames", "3", "--link", LinkPath);
        WaitUntil(() => File.Exists(LinkPath), device);
        var presenter = StartPresenter("--grace", "4");
        WaitUntil(() => Shoot().ToPixels().SequenceEqual(s_card), presenter);
        device.Signal("KILL");
        Assert.True(device.WaitForExit(s_patience));
        var disconnected = Veiled.Expect(s_card, Width);
        WaitUntil(() => Shoot().ToPixels().SequenceEqual(disconnected), presenter);

        Listen();
        Present(_pictures[0]);
        RunUntilShown(_pictures[0], presenter);
        _listener!.Dispose();
        _hub.Dispose();
        WaitUntil(() => presenter.Output.Contains("its windows are closed", StringComparison.Ordinal), null);
        Assert.True(presenter.WaitForExit(s_patience), presenter.Output);
        Assert.Equal(0, presenter.ExitCode);
        WaitUntil(IsEmpty, null);
    }

    [Fact]
    public void Viewer_that_only_looks_is_never_in_charge_and_holds_nothing_back()
    {
        Listen();
        var looker = StartPresenter("--view-only");
        RunUntil(() => _hub.ViewerCount == 1, looker);
        Present(_pictures[0]);
        RunUntilShown(_pictures[0], looker);
        Assert.False(_hub.IsControlled);
        Flip(() => _serial > 60, looker);
        RunUntilShown(_pictures[_serial % 2], looker);
        var first = StartPresenter();
        RunUntil(() => _hub.IsControlled, first);
        Assert.Equal(2, _hub.ViewerCount);
        Assert.Equal($"guest-surfaces present {first.Id}", _hub.InChargeName);
        first.Signal("KILL");
        RunUntil(() => _hub.ViewerCount == 1, looker);
        Assert.False(_hub.IsControlled);
    }

    [Fact]
    public void Run_shows_its_vm_by_a_viewer_that_is_started_again_when_it_is_killed_and_ends_with_the_vm()
    {
        var run = StartProgram("run", "--name", "vm", "--device", "gpu", "--", "sh", "-c", "sleep 9; exit 7");
        var first = WaitForChild(run, 0);
        Kill(first);
        var second = WaitForChild(run, first);
        Assert.True(run.WaitForExit(s_patience), run.Output);
        Assert.Equal(7, run.ExitCode);
        Assert.Contains("has ended (signal 9)", run.Output, StringComparison.Ordinal);
        WaitUntil(() => !Directory.Exists($"/proc/{second}"), null);
        Assert.Empty(Directory.GetFiles(_folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Viewer_and_device_of_a_run_that_is_killed_end_too()
    {
        var run = StartProgram("run", "--name", "vm", "--device", "gpu", "--", "sh", "-c", "sleep 9");
        var viewer = WaitForChild(run, 0);
        var device = FindChild(run, "device", 0);
        run.Signal("KILL");
        WaitUntil(() => !Directory.Exists($"/proc/{viewer}") && !Directory.Exists($"/proc/{device}"), null);
    }

    [Fact]
    public void Device_of_a_run_that_is_killed_takes_nothing_with_it_and_that_is_told_once()
    {
        var run = StartProgram("run", "--name", "vm", "--device", "gpu", "--stats", Path.Combine(_folder.FullName, "stats.json"), "--", "sh", "-c", "sleep 9; exit 7");
        _ = WaitForChild(run, 0);
        Kill(FindChild(run, "device", 0));
        Assert.True(run.WaitForExit(s_patience), run.Output);
        Assert.Equal(7, run.ExitCode);
        Assert.Single(run.Output.Split('\n'), static line => line.Contains("without a screen", StringComparison.Ordinal));
    }

    [Fact]
    public void Window_that_is_closed_asks_the_vm_of_a_run_to_end()
    {
        var run = StartProgram("run", "--name", "vm", "--device", "gpu", "--", "sh", "-c", "trap 'kill $!; exit 5' TERM; sleep 60 & wait");
        var presenter = WaitForChild(run, 0);
        using var viewer = new LinkViewer(_loop, new LinkViewerOptions { Name = "tester", WantsControl = true }, new GuestStatistics(), NullLogger.Instance);
        viewer.Connect(Path.Combine(_folder.FullName, "guest-surfaces", "vm.link"));
        RunUntil(() => viewer.SourceName == "vm", run);
        Kill(presenter);
        RunUntil(() => viewer.IsInCharge, run);
        viewer.CloseWanted(0);
        RunUntil(() => run.HasExited, null);
        Assert.Equal(5, run.ExitCode);
    }

    [Theory]
    [InlineData("--one-process")]
    [InlineData("--no-display")]
    [InlineData("--no-isolation")]
    public void Run_ends_as_its_vm_does_and_leaves_the_statistics(string option)
    {
        var stats = Path.Combine(_folder.FullName, "stats.json");
        var run = StartProgram("run", option, "--name", "vm", "--device", "gpu", "--stats", stats, "--note", "guest=none", "--", "sh", "-c", "sleep 1; exit 7");
        Assert.True(run.WaitForExit(s_patience), run.Output);
        Assert.Equal(7, run.ExitCode);
        Assert.Contains("\"guest\": \"none\"", File.ReadAllText(stats), StringComparison.Ordinal);
        Assert.Equal([stats], Directory.GetFiles(_folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Run_ends_with_what_its_device_says_when_that_cannot_start()
    {
        var run = StartProgram("run", "--name", "vm", "--device", "gpu", "--stats", "/proc/stats.json", "--", "sh", "-c", "echo the VM runs");
        Assert.True(run.WaitForExit(s_patience), run.Output);
        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("/proc/stats.json", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("the VM runs", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_is_cut_while_it_is_shown_kills_no_process_and_the_reason_says_so()
    {
        Listen();
        var presenter = StartPresenter();
        RunUntil(() => _hub.IsControlled, presenter);
        const ulong bytes = Width * Height * 4;
        var memory = MemFdHandle.TryCreate("open-picture", bytes, FileSeals.None, out _)!;
        using var scissors = memory.Duplicate<MemFdHandle>();
        var storage = BufferStorage.TryAdopt(memory, null, out _)!;
        for (var at = 0UL; at < bytes; at += 4)
            storage.Pixels!.TryWrite(at, in _gray);
        var view = new BufferView(new BufferSize(Width, Height), DrmFormat.Xrgb8888, DrmModifier.Linear, 0, Width * 4);
        Present(storage, view);
        RunUntil(() => _weston is not null && Shoot().ToPixels().All(static pixel => pixel == 0x808080), presenter);
        RunUntil(() => _statistics.Rung.Reason.Contains("sealed", StringComparison.Ordinal), presenter);

        Assert.Equal(Errno.None, scissors.Truncate(4096));
        Present(storage, view);
        RunUntil(() => _refusals.Count > 0, presenter);
        Assert.Contains("has cut its memory", _refusals[0], StringComparison.Ordinal);
        Present(_pictures[0]);
        RunUntilShown(_pictures[0], presenter);
        storage.Drop();
    }

    [Fact]
    public void Guest_RAM_that_its_VMM_cuts_while_it_is_shown_kills_no_process_and_the_reason_says_so()
    {
        var socket = Path.Combine(_folder.FullName, "vm.sock");
        var device = StartProgram("device", "--name", "vm", "--socket-path", socket, "--link", LinkPath);
        WaitUntil(() => File.Exists(socket) && File.Exists(LinkPath), device);
        var presenter = StartPresenter();
        using var vmm = new ScriptedFrontend(UnixSocketHandle.Connect(socket), new FrontendOptions { Memory = new() { Sealed = false }, Display = null });
        var guest = vmm.Boot();
        var end = vmm.Memory.Regions[0].SizeBytes;
        var pages = Show(guest, 1, end - (1 << 20), _gray);
        WaitUntil(() => Array.TrueForAll(Shoot().ToPixels(), static pixel => pixel == _gray), presenter);
        WaitUntil(() => device.Output.Contains("sealed against shrinking", StringComparison.Ordinal), device);

        Assert.Equal(Errno.None, vmm.Memory.File.Truncate(end / 2));
        Assert.NotEqual(GpuResponse.OkNoData, guest.Send(Request.Flush(1, pages)).Response);
        Assert.Contains("VMM has cut", Reason(), StringComparison.Ordinal);
        Assert.All(Shoot().ToPixels(), static pixel => Assert.Equal(_gray, pixel));

        Show(guest, 2, end / 4, 0x20_4020);
        WaitUntil(() => Array.TrueForAll(Shoot().ToPixels(), static pixel => pixel == 0x20_4020), presenter);
        Assert.False(device.HasExited, device.Output);
        Assert.DoesNotContain("cut", Reason(), StringComparison.Ordinal);

        string Reason() => Assert.Single(new StatusFolder(Path.Combine(_folder.FullName, "guest-surfaces")).Ask(out _)).Stats.Reason;

        static GpuRect Show(GuestDriver guest, uint blob, ulong address, uint colour)
        {
            const uint bytes = Width * Height * 4;
            var pixels = new uint[Width * Height];
            Array.Fill(pixels, colour);
            guest.Memory.Write(address, MemoryMarshal.AsBytes<uint>(pixels));
            var whole = GpuRect.Of(Width, Height);
            foreach (var request in (byte[][])[
                Request.CreateBlob(blob, GpuBlobMemory.Guest, 2, bytes, new GpuMemoryEntry(address, bytes)),
                Request.SetScanoutBlob(0, blob, whole, Width, Height, GpuFormat.B8G8R8X8, Width * 4), Request.Flush(blob, whole)])
                Assert.Equal(GpuResponse.OkNoData, guest.Send(request).Response);
            return whole;
        }
    }

    void IGuestTransport.FrameSettled(int scanout, ulong serial)
    {
        _settled = serial;
        _longestNs = Math.Max(_longestNs, _loop.Timers.Clock.NowNs - _presentedNs);
        if (_isFlipping && serial == _serial)
            Present(_pictures[(_serial + 1) % 2]);
    }

    void IGuestTransport.SetMode(int scanout, in OutputMode mode)
    {
    }

    void IGuestTransport.BufferRefused(int scanout, BufferStorage storage, string reason) => _refusals.Add(reason);

    public void Dispose()
    {
        _listener?.Dispose();
        _hub.Dispose();
        foreach (var process in _processes)
            process.Dispose();
        _weston.Dispose();
        _loop.Dispose();
        foreach (var picture in _pictures)
            picture.Dispose();
        _folder.Delete(recursive: true);
    }

    private static readonly uint _gray = 0x80_8080;

    private static readonly uint[] s_card =
        [.. Enumerable.Range(0, Width * Height).Select(static i => TestPictures.Pixel("card", new BufferSize(Width, Height), 0, i % Width, i / Width))];

    /// <summary>The viewer that a run has started; not <paramref name="old"/>, which was there before.</summary>
    private static int WaitForChild(LabProcess run, int old)
    {
        var found = 0;
        WaitUntil(() => (found = FindChild(run, "present", old)) != 0 && run.Output.Split("has connected").Length > (old == 0 ? 1 : 2), run);
        return found;
    }

    private static int FindChild(LabProcess run, string command, int old)
    {
        var found = 0;
        foreach (var child in File.ReadAllText($"/proc/{run.Id}/task/{run.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (child != $"{old}" && File.ReadAllText($"/proc/{child}/cmdline").Contains($"\0{command}\0", StringComparison.Ordinal))
                found = int.Parse(child, System.Globalization.CultureInfo.InvariantCulture);
        }

        return found;
    }

    private static void Kill(int process)
    {
        using var kill = Process.Start("kill", ["-s", "KILL", $"{process}"]);
        kill.WaitForExit();
    }

    private static void Missing(string what)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
            Assert.Fail(what);
        Assert.Skip(what);
    }

    private void Listen() => _listener = LinkListener.Open(_loop, _hub, LinkPath, LinkListener.OwnerOnly, NullLogger.Instance);

    private LabProcess StartPresenter(params string[] options) => StartProgram(["present", LinkPath, "--fullscreen", .. options]);

    private LabProcess StartProgram(params string[] arguments)
    {
        var process = LabProcess.Start(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "guest-surfaces.dll"), .. arguments],
            new Dictionary<string, string> { ["WAYLAND_DISPLAY"] = _weston.Display, ["XDG_RUNTIME_DIR"] = _folder.FullName });
        _processes.Add(process);
        return process;
    }

    private void Present(TestPicture picture) => Present(picture.Storage, picture.View);

    private void Present(BufferStorage storage, BufferView view)
    {
        storage.Lock();
        _presentedNs = _loop.Timers.Clock.NowNs;
        _session.Present(0, new GuestFrame
        {
            Storage = storage,
            View = view,
            Source = view.Size.Whole,
            Damage = DamageList.Of(view.Size.Whole),
            Serial = ++_serial,
            PoppedNs = _presentedNs,
            Awaited = true,
        });
    }

    /// <summary>The guest shows a picture as soon as the one before is answered.</summary>
    private void Flip(Func<bool> isDone, LabProcess? process, bool stops = true)
    {
        if (!_isFlipping)
        {
            _isFlipping = true;
            Present(_pictures[(_serial + 1) % 2]);
        }

        RunUntil(isDone, process);
        _isFlipping = !stops;
        if (stops)
            RunUntil(() => _settled == _serial, process);
    }

    private Picture Shoot() => Screenshot.Take(_weston.Display);

    private bool IsEmpty() => Array.TrueForAll(Shoot().ToPixels(), static pixel => pixel is WestonHost.Background or 0);

    private void RunUntilShown(TestPicture picture, LabProcess process) => RunUntil(() => Shows(Shoot(), picture), process);

    private static bool Shows(Picture screen, TestPicture picture)
    {
        for (var i = 0; i < Width * Height; i++)
        {
            if (screen[i % Width, i / Width] != (picture.Get(i % Width, i / Width) & 0xff_ffff))
                return false;
        }

        return true;
    }

    private void RunUntil(Func<bool> isDone, LabProcess? process)
    {
        for (var watch = Stopwatch.StartNew(); !isDone();)
        {
            Fail(watch, process);
            _loop.RunOnce(10);
        }
    }

    /// <summary>The same while this process has no part in it.</summary>
    private static void WaitUntil(Func<bool> isDone, LabProcess? process)
    {
        for (var watch = Stopwatch.StartNew(); !isDone(); Thread.Sleep(20)) // other programs' doings: nothing here could wake us
            Fail(watch, process);
    }

    private static void Fail(Stopwatch watch, LabProcess? process)
    {
        Assert.False(process?.HasExited == true, process?.Output);
        Assert.True(watch.Elapsed < s_patience, $"waited in vain; the other process says: {process?.Output}");
    }
}
