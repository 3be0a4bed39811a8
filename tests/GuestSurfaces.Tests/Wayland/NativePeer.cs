// SPDX-License-Identifier: MIT
using System.Diagnostics;
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Wayland;

/// <summary>A C program of tests/native, compiled with gcc against libwayland when a test first needs it.</summary>
internal static class NativePeer
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "native");

    /// <summary>Compiles a program together with the code that wayland-scanner makes of our own XML.</summary>
    /// <param name="name">The C file without its ending.</param>
    /// <param name="side">client or server.</param>
    /// <param name="protocols">Files of protocol-xml beyond wayland.xml.</param>
    /// <returns>The program's path.</returns>
    internal static string Build(string name, string side, params string[] protocols)
    {
        Directory.CreateDirectory(s_folder);
        var sources = new List<string> { Repository.Path($"tests/native/{name}.c") };
        foreach (var protocol in protocols)
        {
            var xml = Repository.Path($"protocol-xml/{protocol}.xml");
            Run("wayland-scanner", $"{side}-header {xml} {s_folder}/{protocol}-{side}.h");
            Run("wayland-scanner", $"private-code {xml} {s_folder}/{protocol}.c");
            sources.Add($"{s_folder}/{protocol}.c");
        }

        var program = Path.Combine(s_folder, name);
        var flags = Run("pkg-config", $"--cflags --libs wayland-{side}").Trim();
        Run("gcc", $"-Wall -Werror -Wno-unused-variable -O1 -g -I{s_folder} -o {program} {string.Join(' ', sources)} {flags}");
        return program;
    }

    /// <summary>Compiles a module for this machine's Weston 10.</summary>
    /// <param name="name">The C file without its ending.</param>
    /// <returns>The module's path.</returns>
    internal static string BuildWestonModule(string name)
    {
        Directory.CreateDirectory(s_folder);
        var module = Path.Combine(s_folder, $"{name}.so");
        var flags = Run("pkg-config", "--cflags --libs libweston-desktop-10 wayland-server").Trim();
        Run("gcc", $"-Wall -Werror -O1 -g -fPIC -shared -o {module} {Repository.Path($"tests/native/{name}.c")} {flags}");
        return module;
    }

    internal static string Run(string program, string arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEnd();
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{program} {arguments}\n{errors}");
            return output;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} isn't installed");
            throw;
        }
    }
}
