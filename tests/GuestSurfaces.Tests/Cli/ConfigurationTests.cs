// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Configuration;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>What a file says counts as if it were typed, unless something else is typed; and what it says wrongly is told with its line.</summary>
public sealed class ConfigurationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-config");

    private string FilePath => Path.Combine(_folder.FullName, "config.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("run -- qemu", "run --size=640x480 --zero-copy=off -- qemu")] // "guest", as --name is by default, has nothing of its own
    [InlineData("run --name work -- qemu --size 1", "run --fullscreen=true --outputs=2 --size=1920x1080 --zero-copy=auto --name work -- qemu --size 1")]
    [InlineData("run --name=work --size 800x600 --fullscreen=false -- qemu", "run --outputs=2 --zero-copy=auto --name=work --size 800x600 --fullscreen=false -- qemu")]
    [InlineData("present work", "present --fullscreen=true work")]
    [InlineData("present work --fullscreen", "present work --fullscreen")]
    [InlineData("present /run/work.link", "present /run/work.link")]
    [InlineData("attach vhost-user --socket-path s -n work", "attach vhost-user --fullscreen=true --outputs=2 --size=1920x1080 --zero-copy=auto --socket-path s -n work")]
    [InlineData("bench", "bench")]
    [InlineData("run --help", "run --help")]
    [InlineData("present work --lifeline 3", "present work --lifeline 3")] // started by run, which has said all
    public void Settings_become_options_that_the_command_has_and_the_user_did_not_type(string typed, string expected)
    {
        Write("""
            // by hand
            {
                "defaults": { "zero-copy": "off", "size": "640x480" },
                "vms": {
                    "work": { "size": "1920x1080", "fullscreen": true, "zero-copy": "auto", "outputs": 2, },
                    "play": { "outputs": 4 },
                },
            }
            """);
        var arguments = typed.Split(' ');
        var parsed = CommandLineProgram.CreateRoot().Parse(arguments);
        Assert.Empty(parsed.Errors);
        Assert.Equal(expected, string.Join(' ', ConfiguredCommandLine.Complete(arguments, parsed, FilePath).Arguments));
    }

    [Fact]
    public void Values_of_options_that_repeat_or_may_stand_alone_are_as_typed()
    {
        Write("""{ "defaults": { "note": ["guest=a b", "vmm=c"], "link": true } }""");
        var parsed = CommandLineProgram.CreateRoot().Parse(["fake-guest"]);
        var complete = ConfiguredCommandLine.Complete(["fake-guest"], parsed, FilePath);
        Assert.Equal(["fake-guest", "--note=guest=a b", "--note=vmm=c", "--link"], complete.Arguments);
        Assert.Empty(CommandLineProgram.CreateRoot().Parse(complete.Arguments).Errors);
    }

    [Fact]
    public void Without_a_file_nothing_changes()
    {
        var parsed = CommandLineProgram.CreateRoot().Parse(["run", "--", "qemu"]);
        Assert.Equal(["run", "--", "qemu"], ConfiguredCommandLine.Complete(["run", "--", "qemu"], parsed, FilePath).Arguments);
        Assert.Equal(["run", "--", "qemu"], ConfiguredCommandLine.Complete(["run", "--", "qemu"], parsed, null).Arguments);
    }

    [Theory]
    [InlineData("""{ "defaults": { "fulscreen": true } }""", 1, "there is no setting \"fulscreen\"", "\"fullscreen\" is probably meant")]
    [InlineData("""{ "defaults": { "--size": "1x1" } }""", 1, "there is no setting \"--size\"", "\"size\"")]
    [InlineData("""{ "defaults": { "dry-run": true } }""", 1, "there is no setting \"dry-run\"", "")]
    [InlineData("""{ "defaults": { "lifeline": 3 } }""", 1, "there is no setting \"lifeline\"", "")]
    [InlineData("""{ "defaults": { "xyzzy-plugh": 1 } }""", 1, "there is no setting", "guest-surfaces config show")]
    [InlineData("{\n \"vm\": {} }", 2, "there is no section \"vm\"", "\"vms\" is probably meant")]
    [InlineData("{\n \"vms\": {\n  \"work\": {\n   \"outputs\": \"many\" } } }", 4, "as a number", "--outputs")]
    [InlineData("{\n \"defaults\": {\n  \"zero-copy\": \"on\" } }", 3, "auto", "--zero-copy")]
    [InlineData("{\n \"defaults\": {\n  \"fullscreen\": 7 } }", 3, "7", "--fullscreen")]
    [InlineData("{\n \"defaults\": {\n  \"size\": null } }", 3, "\"size\" has no value", "a text")]
    [InlineData("{\n \"defaults\": {\n  \"size\": [\"1x1\", \"2x2\"] } }", 3, "--size", "--size")]
    [InlineData("{\n \"defaults\": 1 }", 2, "\"defaults\" isn't an object", "{")]
    [InlineData("{\n \"vms\": { \"work\": true } }", 2, "\"work\" isn't an object", "{")]
    [InlineData("[]", 1, "isn't an object", "config --help")]
    [InlineData("{\n \"defaults\": {\n } ", 3, "isn't JSON", "config --help")]
    [InlineData("", 1, "isn't JSON", "config --help")]
    [InlineData("# text", 1, "isn't JSON", "config --help")]
    public void What_is_wrong_is_told_with_file_line_and_what_was_meant(string text, int line, string problem, string remedy)
    {
        Write(text);
        var e = Assert.Throws<UserErrorException>(() => ConfigurationFile.Read(FilePath, CommandLineProgram.CreateRoot()));
        Assert.StartsWith($"{FilePath}:{line}: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, e.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Every_option_of_commands_about_a_guest_is_a_setting_unless_it_is_for_one_start()
    {
        var keys = SettableOptions.OfAll(CommandLineProgram.CreateRoot()).Select(static o => o.Name).ToList();
        Assert.Equal(keys.Distinct(), keys);
        Assert.All((string[])["--size", "--outputs", "--fullscreen", "--zero-copy", "--alias-2d", "--convert", "--device", "--no-input", "--grace", "--link-mode", "--stats", "--verbose"], key => Assert.Contains(key, keys));
        Assert.All((string[])["--help", "--version", "--name", "--lifeline", "--confined", "--fd", "--json", "--seconds"], key => Assert.DoesNotContain(key, keys));
    }

    private void Write(string text) => File.WriteAllText(FilePath, text);
}

/// <summary>The whole program with a user's file.</summary>
public sealed class ConfiguredProgramTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-config");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Show_names_each_value_and_its_line()
    {
        var lines = Run("""
            {
                "defaults": { "size": "640x480" },
                "vms": { "work": {
                    "outputs": 2 } },
            }
            """, 0, "config", "show", "work").Split('\n');
        Assert.Contains(lines, line => line.StartsWith("size ", StringComparison.Ordinal) && line.Contains(" 640x480 ", StringComparison.Ordinal) && line.EndsWith("config.json:2", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("outputs ", StringComparison.Ordinal) && line.EndsWith("config.json:4", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("zero-copy ", StringComparison.Ordinal) && line.EndsWith(" auto", StringComparison.Ordinal));
    }

    [Fact]
    public void A_value_that_only_the_command_can_judge_is_told_with_its_line_too()
    {
        var printed = Run("{\n \"defaults\": {\n  \"size\": \"1x1\" } }", 2, "run", "--dry-run", "--", "qemu-system-none");
        Assert.Contains("config.json:3: --size 1x1 isn't a size", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_has_what_the_file_says()
    {
        var printed = Run("""{ "vms": { "work": { "outputs": 3, "device": "gpu", "no-input": true } } }""", 0, "run", "--dry-run", "--name", "work", "--", "qemu-system-none");
        Assert.Contains("max_outputs=3", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("vhost-user-input-pci", printed, StringComparison.Ordinal);
    }

    private string Run(string text, int exitCode, params string[] arguments)
    {
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "guest-surfaces"));
        File.WriteAllText(Path.Combine(_folder.FullName, "guest-surfaces", "config.json"), text);
        using var process = Lab.LabProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "guest-surfaces.dll"), .. arguments], new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = _folder.FullName });
        Assert.True(process.WaitForExit(s_patience));
        Assert.True(process.ExitCode == exitCode, process.Output);
        return process.Output;
    }
}
