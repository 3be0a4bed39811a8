// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Text.Json;
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Interop;
using Spectre.Console;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>Running guests are asked over their sockets; whoever asks can't hold them up.</summary>
public sealed class StatusTests : IDisposable
{
    private readonly DirectoryInfo _runtime = Directory.CreateTempSubdirectory("gs-status");
    private readonly EventLoop _loop = new();
    private readonly string _path;
    private readonly StatusFolder _folder;
    private int _asked;

    public StatusTests()
    {
        _path = Path.Combine(_runtime.FullName, "guest-surfaces");
        _folder = new StatusFolder(_path);
    }

    public void Dispose()
    {
        _loop.Dispose();
        _runtime.Delete(recursive: true);
    }

    [Fact]
    public async Task A_guest_is_asked_over_its_socket_which_is_for_its_user_alone_and_goes_with_it()
    {
        var socketPath = _folder.CreateSocketPath("work", 42);
        Assert.Equal(Path.Combine(_path, "work-42.sock"), socketPath);
        using (Open(socketPath))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_path));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socketPath));
            var guest = Assert.Single(await Ask());
            Assert.Equal(("work", "connected", "udmabuf list limit 1024 < 2025 entries"), (guest.Name, guest.Frontend, guest.Stats.Reason));
        }

        Assert.Empty(Directory.GetFiles(_path));
    }

    [Fact]
    public void A_client_that_never_reads_and_one_that_is_gone_cost_one_answer_each()
    {
        using var status = Open(_folder.CreateSocketPath("work", 42));
        _asked = 0;
        var deaf = new List<UnixSocketHandle>();
        for (var i = 0; i < 12; i++)
            deaf.Add(UnixSocketHandle.Connect(Path.Combine(_path, "work-42.sock")));
        deaf[3].Dispose();
        var watch = Stopwatch.StartNew();
        while (_asked < 12)
            _loop.RunOnce(1000);
        Assert.InRange(watch.ElapsedMilliseconds, 0, 5000);
        var bytes = new byte[64 << 10];
        Assert.Equal(Errno.None, deaf[0].Receive(bytes, new ReceivedFd?[1], out var received, out _));
        Assert.NotNull(StatusSnapshot.TryParse(bytes.AsSpan(0, received))); // it is all there, for whenever it reads
        Assert.Equal((Errno.None, 0), (deaf[0].Receive(bytes, new ReceivedFd?[1], out received, out _), received));
        deaf.ForEach(static d => d.Dispose());
    }

    [Fact]
    public void Sockets_that_dead_processes_left_are_removed_and_what_does_not_answer_is_told()
    {
        UnixSocketHandle.Listen(_folder.CreateSocketPath("dead", 7)).Dispose();
        var silent = _folder.CreateSocketPath("other", 8);
        using var other = UnixSocketHandle.Listen(silent);
        Assert.Empty(new StatusFolder(_path, TimeSpan.FromMilliseconds(50)).Ask(out var withoutAnswer));
        Assert.Equal(["other-8"], withoutAnswer);
        Assert.Equal([silent], Directory.GetFiles(_path));
    }

    [Theory]
    [InlineData("../../etc/passwd", ".._.._etc_passwd-1.sock")]
    [InlineData("größe 1", "gr__e_1-1.sock")]
    public void Names_become_file_names_without_surprises(string name, string file) => Assert.Equal(Path.Combine(_path, file), _folder.CreateSocketPath(name, 1));

    [Fact]
    public void A_long_name_is_cut_to_what_a_sockets_path_holds()
    {
        using var status = Open(_folder.CreateSocketPath(new string('n', 100), int.MaxValue));
        var deep = Path.Combine(_runtime.FullName, new string('d', 107 - 20 - _runtime.FullName.Length));
        Assert.InRange(new StatusFolder(deep).CreateSocketPath("name", 4_000_000).Length, 1, 107);
    }

    [Fact]
    public void Json_has_the_names_that_stats_files_have()
    {
        using var json = JsonDocument.Parse(Snapshot().ToJson());
        Assert.Equal(["schema", "name", "pid", "transport", "frontend", "shown", "viewers", "in_charge", "isolation", "lamps", "uptime_s", "stats"], json.RootElement.EnumerateObject().Select(static p => p.Name));
        Assert.Equal("fix it", json.RootElement.GetProperty("stats").GetProperty("remedy").GetString());
        Assert.Equal(31, json.RootElement.GetProperty("stats").GetProperty("pinned_bytes").GetInt32());
        Assert.InRange(Snapshot().ToJson().Length, 1, 16 << 10);
        Assert.Equal(["num", "scroll"], StatusSnapshot.LampNames(0b101));
        Assert.Null(StatusSnapshot.TryParse("{\"schema\":1}"u8));
        Assert.Null(StatusSnapshot.TryParse("not json"u8));
    }

    [Fact]
    public void A_block_for_people_is_80_columns_wide_and_says_rung_reason_and_fix()
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = StatusView.Columns;
        var reason = "2D resource: the guest may draw into its pages at any time, so rows are copied when it says TRANSFER; also, the compositor takes no dma-bufs";
        StatusView.Print(console, Snapshot() with { Name = "[work]", Stats = Snapshot().Stats with { Reason = reason } });
        var lines = text.ToString().TrimEnd('\n').Split('\n').Select(static l => l.TrimEnd()).ToList();
        Assert.All(lines, static l => Assert.InRange(l.Length, 1, 80));
        Assert.Equal("[work] (pid 42)", lines[0]);
        var all = string.Join(' ', lines.Select(static l => l.Trim()));
        Assert.Contains($"why       {reason}", all, StringComparison.Ordinal);
        Assert.Contains("fix       fix it", all, StringComparison.Ordinal);
        Assert.Contains("copied    1.5 MiB a frame", all, StringComparison.Ordinal);
        Assert.Contains("viewers   2, present 7 in charge", all, StringComparison.Ordinal);
        Assert.Contains("7 answered by the clock", all, StringComparison.Ordinal);
        Assert.Contains("mailbox: the compositor doesn't offer fifo", all, StringComparison.Ordinal);
        Assert.Contains("process   isolated: all of it", all, StringComparison.Ordinal);
        Assert.Contains("for 3 min", all, StringComparison.Ordinal);
        Assert.Contains("0.25 ms", all, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("direct", 5, "", "scan-out  5 frames read by the screen itself")]
    [InlineData("direct", 0, "the window isn't full screen", "scan-out  none: the window isn't full screen")]
    [InlineData("direct", 0, "", null)]
    [InlineData("copy", 0, "shared memory is never scanned out", null)]
    public void A_block_for_people_says_whether_the_screen_reads_the_guests_pages_itself(string rung, long zeroCopies, string because, string? expected)
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = StatusView.Columns;
        StatusView.Print(console, Snapshot() with { Stats = Snapshot().Stats with { Rung = rung, ZeroCopyPresented = zeroCopies, CompositedBecause = because } });
        var line = text.ToString().Split('\n').SingleOrDefault(static l => l.Contains("scan-out", StringComparison.Ordinal))?.Trim();
        Assert.Equal(expected, line);
    }

    [Theory]
    [InlineData("direct", "linux-drm-syncobj", "", "sync      linux-drm-syncobj")]
    [InlineData("convert", "implicit", "the kernel is old", "sync      implicit: the kernel is old")]
    [InlineData("copy", "implicit", "the kernel is old", null)]
    [InlineData("direct", "", "", null)]
    public void A_block_for_people_says_how_dma_bufs_are_synchronised(string rung, string mode, string reason, string? expected)
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = StatusView.Columns;
        StatusView.Print(console, Snapshot() with { Stats = Snapshot().Stats with { Rung = rung, SyncMode = mode, SyncReason = reason } });
        Assert.Equal(expected, text.ToString().Split('\n').SingleOrDefault(static l => l.TrimStart().StartsWith("sync ", StringComparison.Ordinal))?.Trim());
    }

    [Theory]
    [InlineData("background", "", "shown as  background")]
    [InlineData("window", "it has no zwlr_layer_shell_v1", "shown as  window: it has no zwlr_layer_shell_v1")]
    [InlineData("window", "", null)]
    public void A_block_for_people_says_what_windows_are_unless_they_are_just_windows(string placement, string reason, string? expected)
    {
        var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = StatusView.Columns;
        StatusView.Print(console, Snapshot() with { Stats = Snapshot().Stats with { Placement = placement, PlacementReason = reason } });
        Assert.Equal(expected, text.ToString().Split('\n').SingleOrDefault(static l => l.TrimStart().StartsWith("shown as", StringComparison.Ordinal))?.Trim());
    }

    private static StatusSnapshot Snapshot() => new()
    {
        Name = "work",
        Pid = 42,
        Transport = "vhost-user",
        Frontend = "connected",
        Shown = true,
        Viewers = 2,
        InCharge = "present 7",
        Isolation = "isolated: all of it",
        UptimeS = 200,
        Stats = new StatsReport
        {
            Rung = "copy",
            Reason = "udmabuf list limit 1024 < 2025 entries",
            Remedy = "fix it",
            FramesReceived = 12,
            Policy = "mailbox",
            PolicyReason = "the compositor doesn't offer fifo",
            LateFlips = 7,
            UnprotectedFlips = 3,
            BytesCopiedPerFrame = 1.5 * (1 << 20),
            PinnedBytes = 31,
            PinnedBuffers = 1,
            FlushToCommitUs = new Percentiles(250, 300, 1000),
            FlushToGuestUs = new Percentiles(1, 2, 3),
        },
    };

    private StatusSocket Open(string path) => new(_loop, path, () =>
    {
        _asked++;
        return Snapshot();
    });

    // The client waits, so it has a thread of its own.
    private async Task<IReadOnlyList<StatusSnapshot>> Ask()
    {
        var asking = Task.Run(() => _folder.Ask(out _));
        while (!asking.IsCompleted)
            _loop.RunOnce(20);
        return await asking;
    }
}
