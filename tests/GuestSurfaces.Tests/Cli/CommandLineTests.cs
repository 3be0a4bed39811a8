// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Commands;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>What users are told: help, and one or two lines for everything that is wrong.</summary>
public sealed class CommandLineTests
{
    private static readonly string[] s_commands = ["run", "attach", "device", "present", "fake-guest", "status", "trace", "plugin", "bench", "doctor", "config", "completion", "man"];

    [Fact]
    public void Root_help_has_one_line_for_each_command()
    {
        var lines = Help().Split('\n').SkipWhile(static l => l != "Commands:").Skip(1).Where(static l => l.Trim().Length > 0).ToList();
        Assert.Equal(s_commands, lines.Select(static l => l.Trim().Split(' ')[0]));
        Assert.All(lines, static l => Assert.InRange(l.Length, 20, 100));
    }

    [Theory]
    [InlineData("run", "guest-surfaces run --name work")]
    [InlineData("run", "--device auto takes the generic one")]
    [InlineData("status", "guest-surfaces status work --json")]
    [InlineData("attach vhost-user", "crosvm run")]
    [InlineData("device", "docs/security.md")]
    [InlineData("device", "ends on SIGTERM")]
    [InlineData("device", "guest-surfaces present work")]
    [InlineData("present", "guest-surfaces present work --view-only")]
    [InlineData("present", "guest-surfaces present work --placement background --output DP-1")]
    [InlineData("attach link", "docs/examples/link-source.c")]
    [InlineData("fake-guest", "guest-surfaces fake-guest bars")]
    [InlineData("doctor", "Exit code 0 if nothing is slower or broken, 1 if something is")]
    [InlineData("config", "\"defaults\": { \"zero-copy\": \"auto\" }")]
    [InlineData("completion", "~/.zfunc/_guest-surfaces")]
    [InlineData("man", "man guest-surfaces-run")]
    [InlineData("status", "--watch")]
    public void Commands_own_help_says_more(string command, string text)
    {
        Assert.Contains(text, Help(command.Split(' ')), StringComparison.Ordinal);
        Assert.DoesNotContain(text, Help(command.Split(' ')[..^1]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "command")]
    [InlineData("bogus", "bogus")]
    [InlineData("run", "run --help")]
    [InlineData("run --bogus", "run --help")]
    [InlineData("run -- qemu -vga std", "-vga")]
    [InlineData("run --device best -- qemu", "generic")]
    [InlineData("run --zero-copy on -- qemu", "auto")]
    [InlineData("attach", "attach --help")]
    [InlineData("attach vhost-user", "--socket-path")]
    [InlineData("device", "--socket-path")]
    [InlineData("device --fd 3 --socket-path x", "--socket-path")]
    [InlineData("device --fd x", "as a number")]
    [InlineData("device --socket-path x --window --link", "--window")]
    [InlineData("device --socket-path x --link-mode 66", "0660")]
    [InlineData("device --socket-path x --link-mode 0680", "0660")]
    [InlineData("device --socket-path x --link-mode 4755", "0660")]
    [InlineData("device --socket-path x --link-group no-such-group-here", "no-such-group-here")]
    [InlineData("present", "present --help")]
    [InlineData("present work --grab-chord g", "for example ctrl+alt+g")]
    [InlineData("device --socket-path /tmp/s --grab-chord ctrl+alt+nothing", "--grab-chord ctrl+alt+nothing")]
    [InlineData("present work --placement ceiling", "background")]
    [InlineData("present work --ivi-id radio", "--ivi-id")]
    [InlineData("present work --grace soon", "--grace")]
    [InlineData("present work --grace -1", "86400")]
    [InlineData("present /nowhere/at/all.link --lifeline 999", "EBADF")]
    [InlineData("attach link", "attach link --help")]
    [InlineData("attach link /nowhere/at/all.link", "ENOENT")]
    [InlineData("completion csh", "fish")]
    [InlineData("doctor --vm nobody-here", "nobody-here")]
    [InlineData("fake-guest mona-lisa", "gradient")]
    [InlineData("fake-guest --frames 0", "--frames")]
    [InlineData("fake-guest --rate 0", "--rate")]
    [InlineData("fake-guest --rate 1001", "--rate")]
    [InlineData("fake-guest --outputs 0", "1 to 16")]
    [InlineData("fake-guest --outputs 99", "1 to 16")]
    [InlineData("fake-guest --outputs many", "as a number")]
    [InlineData("fake-guest --size 1920", "1920x1080")]
    [InlineData("fake-guest --size 63x64", "64 to 16384")]
    [InlineData("fake-guest --size 64x16385", "64 to 16384")]
    [InlineData("fake-guest --size -64x64", "64 to 16384")]
    [InlineData("fake-guest --size 64x64x64", "64 to 16384")]
    [InlineData("fake-guest --note guest", "KEY=VALUE")]
    [InlineData("fake-guest --note =x", "KEY=VALUE")]
    [InlineData("fake-guest --note colour=x", "accelerator_reason")]
    [InlineData("fake-guest --stats /nowhere/at/all.json", "/nowhere/at/all.json")]
    [InlineData("fake-guest --stats /tmp", "--stats /tmp")]
    [InlineData("fake-guest --name \u0007", "--name")]
    [InlineData("attach vhost-user --no-display --socket-path /nowhere/at/all.sock", "ENOENT")]
    public void Wrong_use_is_told_in_two_lines_with_what_to_do(string command, string says)
    {
        var (exitCode, errors) = Run(command.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, exitCode);
        var lines = errors.TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("guest-surfaces: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("  ", lines[1], StringComparison.Ordinal);
        Assert.Contains(says, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Socket_path_that_is_too_long_is_told_with_its_length()
    {
        var (exitCode, errors) = Run(["attach", "vhost-user", "--no-display", "--socket-path", "/tmp/" + new string('a', 120)]);
        Assert.Equal(2, exitCode);
        Assert.Contains("107", errors, StringComparison.Ordinal);
        Assert.Contains("125", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_run_is_told_its_device_is_told()
    {
        var options = new HostOptions
        {
            Name = "-x \"y\"=1",
            Outputs = 3,
            Size = new BufferSize(640, 400),
            StatsPath = "/tmp/stats.json",
            Notes = new Dictionary<string, string> { ["guest"] = "a=b", ["vmm"] = "" },
            InputPaths = new Dictionary<InputKind, string> { [InputKind.Keyboard] = "/tmp/k=1", [InputKind.Pointer] = "/tmp/p", [InputKind.Mouse] = "/tmp/m", [InputKind.Touch] = "/tmp/t", [InputKind.Tablet] = "/tmp/g" },
            LinkPath = "/tmp/x.link",
            ServesLink = true,
            ZeroCopy = false,
            Alias2D = true,
            Isolate = false,
            Verbose = true,
        };
        foreach (var given in (HostOptions[])[options, options with { ShowWindows = false, LinkPath = null, ServesLink = false }, new HostOptions { Name = "plain" }])
        {
            var common = new CommonOptions();
            var command = new Command("device")
            {
                new Option<string>("--socket-path"), common.Name, common.Outputs, common.Size, common.Stats, common.Note, common.NoDisplay, common.Link, common.ZeroCopy, common.Alias2D,
                common.Keyboard, common.Pointer, common.Mouse, common.Touch, common.Tablet, common.NoIsolation, common.Verbose,
            };
            var parsed = command.Parse(VmSupervisor.DeviceArguments(given, "/tmp/gpu.sock")[1..]);
            Assert.Empty(parsed.Errors);
            var told = common.Read(parsed);
            Assert.Equal(given.Notes.OrderBy(static n => n.Key), told.Notes.OrderBy(static n => n.Key));
            Assert.Equal(given.InputPaths, told.InputPaths);
            Assert.Equal(given with { Notes = told.Notes, InputPaths = told.InputPaths, ResizeGuest = told.ResizeGuest }, told); // its viewers resize
        }
    }

    [Fact]
    public void Name_that_no_window_could_show_is_refused() => Assert.Equal(2, Run(["fake-guest", "--name", new string('a', 101)]).ExitCode);

    private static string Help(params string[] command)
    {
        var output = new StringWriter();
        Assert.Equal(0, CommandLineProgram.Run([.. command, "--help"], output, TextWriter.Null));
        return output.ToString();
    }

    private static (int ExitCode, string Errors) Run(string[] command)
    {
        var errors = new StringWriter();
        return (CommandLineProgram.Run(command, TextWriter.Null, errors), errors.ToString());
    }
}
