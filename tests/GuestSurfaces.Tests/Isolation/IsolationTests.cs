// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Interop;
using GuestSurfaces.Tests.Lab;
using Xunit;

namespace GuestSurfaces.Tests.Isolation;

/// <summary>Real processes on this kernel: what isolation denies is tried from inside, and what it must not disturb as well. Which mechanisms there are is for the kernel to say.</summary>
public sealed class IsolationTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-isolation");
    private readonly List<LabProcess> _processes = [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_device_never_needs_is_denied_to_it_and_a_control_can_do_it(bool isControl)
    {
        var check = Start("lab-shot.dll", ["isolation", _folder.FullName, .. isControl ? (string[])["off"] : []]);
        Assert.True(check.WaitForExit(s_patience), check.Output);
        TestContext.Current.TestOutputHelper?.WriteLine(check.Output);
        Assert.True(check.ExitCode == 0, check.Output);
        Assert.Equal(isControl, check.Output.Contains("\nbecame another program", StringComparison.Ordinal));
        Assert.Equal(LandlockRuleset.GetKernelVersion(out _) > 0 && !isControl, check.Output.Contains("reads a file in the home folder: denied", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("isolated: ", "2", "1")]
    [InlineData("not isolated: --no-isolation", "0", "0", "--no-isolation")]
    public void A_device_says_in_log_and_status_what_is_in_force(string says, string seccomp, string privileges, params string[] options)
    {
        if (options is [] && (LandlockRuleset.GetKernelVersion(out _) < LandlockRuleset.NewestVersion || !SeccompFilter.IsAvailable(out _)))
            says = "isolated: "; // with "partly" or "not" before it: the kernel lacks something, which the line then names
        var device = StartDevice([.. options, "--stats", PathOf("stats.json")]);
        var guest = Ask(device);
        Assert.Contains(says, guest.Isolation, StringComparison.Ordinal);
        Assert.Equal(seccomp, StatusOf(device.Id, "Seccomp"));
        Assert.Equal(privileges, StatusOf(device.Id, "NoNewPrivs"));

        // And what it made goes with it; the statistics that it was allowed to write are there.
        device.Signal("TERM");
        Assert.True(device.WaitForExit(s_patience), device.Output);
        Assert.Equal(0, device.ExitCode);
        if (options is [])
            Assert.Contains(guest.Isolation, device.Output, StringComparison.Ordinal); // all of it is read now
        Assert.Equal([PathOf("stats.json")], Directory.GetFiles(_folder.FullName, "*", SearchOption.AllDirectories));
        Assert.Contains("\"schema\": 1", File.ReadAllText(PathOf("stats.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_may_view_is_said_by_the_sockets_mode_and_group()
    {
        // Some group that a user may give files to: one of its own.
        var group = LabProcess.Run("id", ["-G"], s_patience).Trim().Split(' ')[^1];
        _ = StartDevice(["--link", PathOf("a.link"), "--link-group", group]);
        _ = StartDevice(["--link", PathOf("b.link"), "--link-mode", "0606"], "gpu2.sock");
        _ = StartDevice(["--link", PathOf("c.link")], "gpu3.sock");
        Assert.Equal(("660", group), ModeAndGroup("a.link"));
        Assert.Equal("606", ModeAndGroup("b.link").Mode);
        Assert.Equal("600", ModeAndGroup("c.link").Mode);
    }

    public void Dispose()
    {
        foreach (var process in _processes)
            process.Dispose();
        _folder.Delete(recursive: true);
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private LabProcess StartDevice(string[] options, string socket = "gpu.sock")
    {
        var device = Start("guest-surfaces.dll", ["device", "--socket-path", PathOf(socket), .. options]);
        WaitUntil(() => device.Output.Contains("waiting for a VMM", StringComparison.Ordinal), device);
        return device;
    }

    private LabProcess Start(string program, string[] arguments)
    {
        var process = LabProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments], new Dictionary<string, string> { ["XDG_RUNTIME_DIR"] = _folder.FullName });
        _processes.Add(process);
        return process;
    }

    /// <summary>It answers when it is sealed.</summary>
    private StatusSnapshot Ask(LabProcess device)
    {
        StatusSnapshot? guest = null;
        WaitUntil(() => (guest = new StatusFolder(PathOf("guest-surfaces")).Ask(out _).SingleOrDefault()) is not null, device);
        return guest!;
    }

    private (string Mode, string Group) ModeAndGroup(string name)
    {
        var words = LabProcess.Run("stat", ["-c", "%a %g", PathOf(name)], s_patience).Trim().Split(' ');
        return (words[0], words[1]);
    }

    private static string StatusOf(int process, string member) =>
        File.ReadAllLines($"/proc/{process}/status").Single(line => line.StartsWith(member + ":", StringComparison.Ordinal)).Split('\t')[1];

    private static void WaitUntil(Func<bool> isDone, LabProcess process)
    {
        for (var watch = Stopwatch.StartNew(); !isDone(); Thread.Sleep(20)) // another program's doings: nothing here could wake us
        {
            Assert.False(process.HasExited, process.Output);
            Assert.True(watch.Elapsed < s_patience, process.Output);
        }
    }
}
