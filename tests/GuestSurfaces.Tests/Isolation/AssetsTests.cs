// SPDX-License-Identifier: MIT
using System.Text.Json;
using GuestSurfaces.Cli;
using GuestSurfaces.Testing;
using GuestSurfaces.Tests.Lab;
using GuestSurfaces.Transports.VhostUser;
using Xunit;

namespace GuestSurfaces.Tests.Isolation;

/// <summary>What a package installs says the same as the program.</summary>
public sealed class AssetsTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gs-assets");

    private static string PathOf(string name) => Path.Combine(Repository.Root, "assets", name);

    [Fact]
    public void The_program_that_libvirt_is_told_of_is_there_and_says_the_type_that_libvirt_is_told()
    {
        using var json = JsonDocument.Parse(File.ReadAllText(PathOf("vhost-user/50-guest-surfaces.json")));
        Assert.Equal(["description", "type", "binary"], json.RootElement.EnumerateObject().Select(static p => p.Name));
        var binary = json.RootElement.GetProperty("binary").GetString()!;
        Assert.StartsWith("/usr/libexec/", binary, StringComparison.Ordinal);

        // Installed, it finds the program in PATH; so it does here.
        var program = Path.Combine(_folder.FullName, "guest-surfaces");
        File.WriteAllText(program, $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "guest-surfaces.dll")}' \"$@\"\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var environment = new Dictionary<string, string> { ["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}" };
        var printed = LabProcess.Run(PathOf(Path.Combine("vhost-user", Path.GetFileName(binary))), ["--print-capabilities"], s_patience, environment);
        Assert.Equal(VhostUserProgram.Capabilities(VhostUserProgram.GpuDeviceId), printed.Trim());
        using var capabilities = JsonDocument.Parse(printed);
        Assert.Equal(capabilities.RootElement.GetProperty("type").GetString(), json.RootElement.GetProperty("type").GetString());
    }

    [Fact]
    public void Units_are_what_systemd_takes_them_for()
    {
        if (!File.Exists("/usr/bin/systemd-analyze"))
            Assert.Skip("systemd-analyze isn't installed");

        // The program as it will be installed isn't here: anything stands in for it.
        var units = Directory.GetFiles(PathOf("systemd/user"));
        Assert.Equal(3, units.Length);
        foreach (var unit in units)
        {
            var text = File.ReadAllText(unit);
            Assert.Contains("ExecStart=/usr/bin/guest-surfaces ", text, StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(_folder.FullName, Path.GetFileName(unit)), text.Replace("/usr/bin/guest-surfaces", "/bin/true", StringComparison.Ordinal));
        }

        Assert.Equal("", LabProcess.Run("systemd-analyze", ["verify", .. Directory.GetFiles(_folder.FullName, "*.service")], s_patience).Trim());
    }

    [Theory]
    [InlineData("desktop-file-validate", "applications/org.guestsurfaces.GuestSurfaces.desktop")]
    [InlineData("virt-xml-validate", "../docs/examples/libvirt-domain.xml")]
    public void Files_for_other_programs_are_what_those_take_them_for(string check, string file)
    {
        if (!File.Exists($"/usr/bin/{check}"))
            Assert.Skip($"{check} isn't installed");
        var output = LabProcess.Run(check, [PathOf(file)], s_patience);
        Assert.DoesNotContain("error", output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void The_rule_is_what_udev_takes_it_for()
    {
        LabBench.Require(); // Debian 12's udevadm can't tell, Debian 13's can
        var rule = PathOf("udev/70-guest-surfaces.rules");
        Assert.Contains("Success: 1", LabProcess.Run(LabBench.ScriptPath("in-root.sh"), ["kernel", "udevadm", "verify", rule], s_patience), StringComparison.Ordinal);
    }

    [Fact]
    public void The_desktop_file_starts_commands_that_there_are_and_has_its_icon()
    {
        var lines = File.ReadAllLines(PathOf("applications/org.guestsurfaces.GuestSurfaces.desktop"));
        Assert.Contains("Icon=org.guestsurfaces.GuestSurfaces", lines);
        Assert.Equal("svg", System.Xml.Linq.XDocument.Load(PathOf("icons/org.guestsurfaces.GuestSurfaces.svg")).Root!.Name.LocalName);
        foreach (var line in lines.Where(static l => l.StartsWith("Exec=guest-surfaces ", StringComparison.Ordinal)))
            Assert.Equal(0, CommandLineProgram.Run([.. line["Exec=guest-surfaces ".Length..].Split(' '), "--help"], TextWriter.Null, TextWriter.Null));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
