// SPDX-License-Identifier: MIT
using System.CommandLine;
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Commands;
using GuestSurfaces.Cli.Manual;
using GuestSurfaces.Tests.Lab;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>Manual pages say what --help says, and are what man(1) takes them for.</summary>
public sealed class ManPageTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly DateOnly s_date = new(2026, 1, 31);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-man");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void There_is_a_page_for_each_command_that_help_lists() => Assert.Equal(
        Commands(CommandLineProgram.CreateRoot(), ["guest-surfaces"]).Select(static c => $"{string.Join('-', c.Path)}.1"),
        ManPage.Of(CommandLineProgram.CreateRoot()).Select(static page => page.FileName));

    [Fact]
    public void Every_option_description_and_detail_of_help_is_in_the_page()
    {
        var pages = ManPage.Of(CommandLineProgram.CreateRoot()).ToDictionary(static page => page.FileName, static page => Plain(page.Write(s_date)));
        foreach (var (path, command) in Commands(CommandLineProgram.CreateRoot(), ["guest-surfaces"]))
        {
            var page = pages[$"{string.Join('-', path)}.1"];
            foreach (var option in command.Options.Where(static o => !o.Hidden))
            {
                Assert.Contains(option.Name, page, StringComparison.Ordinal);
                Assert.Contains(option.Description!.Split('\n')[0], page, StringComparison.Ordinal);
                Assert.Contains(ManPage.DefaultOf(option), page, StringComparison.Ordinal);
            }

            foreach (var line in (command as DetailedCommand)?.Details.Split('\n') ?? [])
                Assert.Contains(line.StartsWith("  ", StringComparison.Ordinal) ? line[2..] : line, page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Hidden_options_stay_hidden()
    {
        foreach (var page in ManPage.Of(CommandLineProgram.CreateRoot()))
            Assert.DoesNotContain("confined\\fR", page.Write(s_date), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("groff", "-ww", "-man", "-Tutf8", "-z")]
    [InlineData("mandoc", "-Tlint", "-Wwarning")]
    [InlineData("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z")]
    public void Formatters_have_nothing_to_complain_of(string program, params string[] arguments)
    {
        if (!File.Exists($"/usr/bin/{program}"))
            Assert.Skip($"{program} isn't installed");
        foreach (var page in ManPage.Of(CommandLineProgram.CreateRoot()))
        {
            var path = Path.Combine(_folder.FullName, page.FileName);
            File.WriteAllText(path, page.Write(s_date));
            using var process = LabProcess.Start("/bin/sh", ["-c", "\"$@\" 2>&1 > /dev/null", "sh", program, .. arguments, path]);
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal((page.FileName, "", 0), (page.FileName, process.Output, process.ExitCode));
        }
    }

    [Fact]
    public void Man_writes_them_to_a_folder()
    {
        var folder = Path.Combine(_folder.FullName, "man1");
        Assert.Equal(0, CommandLineProgram.Run(["man", "--output", folder], TextWriter.Null, TextWriter.Null));
        Assert.Contains(Path.Combine(folder, "guest-surfaces-attach-link.1"), Directory.GetFiles(folder));
        Assert.Equal(ManPage.Of(CommandLineProgram.CreateRoot()).Count(), Directory.GetFiles(folder).Length);
    }

    private static IEnumerable<(string[] Path, Command Command)> Commands(Command command, string[] path) =>
        command.Subcommands.Where(static c => !c.Hidden).SelectMany(child => Commands(child, [.. path, child.Name])).Prepend((path, command));

    /// <summary>The text in the roff.</summary>
    private static string Plain(string roff) => System.Text.RegularExpressions.Regex.Replace(
            roff.Replace("\\-", "-", StringComparison.Ordinal).Replace("\\(aq", "'", StringComparison.Ordinal).Replace("\\&", "", StringComparison.Ordinal),
            @"\\\[u([0-9A-F]+)\]",
            static match => char.ConvertFromUtf32(Convert.ToInt32(match.Groups[1].Value, 16)))
        .Replace("\\e", "\\", StringComparison.Ordinal);
}
