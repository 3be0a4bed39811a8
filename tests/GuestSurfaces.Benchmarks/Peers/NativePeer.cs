// SPDX-License-Identifier: MIT
using System.ComponentModel;
using System.Diagnostics;
using GuestSurfaces.Benchmarks.Measuring;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>A C program of tests/native, compiled with gcc, optimised, when a benchmark needs it.</summary>
internal static class NativePeer
{
    /// <summary>Compiles a client of libwayland.</summary>
    /// <param name="name">The C file without its ending.</param>
    /// <param name="protocols">Files of protocol-xml beyond wayland.xml.</param>
    /// <returns>The program, or null and why not.</returns>
    public static string? TryBuild(string name, out string reason, params string[] protocols)
    {
        reason = "";
        try
        {
            var folder = Path.Combine(AppContext.BaseDirectory, "native");
            Directory.CreateDirectory(folder);
            var sources = new List<string> { Path.Combine(Places.Root, $"tests/native/{name}.c") };
            foreach (var protocol in protocols)
            {
                var xml = Path.Combine(Places.Root, $"protocol-xml/{protocol}.xml");
                Run("wayland-scanner", $"client-header {xml} {folder}/{protocol}-client.h");
                Run("wayland-scanner", $"private-code {xml} {folder}/{protocol}.c");
                sources.Add($"{folder}/{protocol}.c");
            }

            var program = Path.Combine(folder, name);
            var flags = Run("pkg-config", "--cflags --libs wayland-client").Trim();
            Run("gcc", $"-Wall -O2 -I{folder} -o {program} {string.Join(' ', sources)} {flags}");
            return program;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            reason = $"the C peer can't be built (gcc, pkg-config, libwayland-dev): {e.Message}";
            return null;
        }
    }

    private static string Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEnd();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {arguments}: {errors}");
    }
}
