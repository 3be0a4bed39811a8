// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace GuestSurfaces.Benchmarks.Measuring;

/// <summary>Where things lie that a benchmark starts.</summary>
internal static class Places
{
    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>guest-surfaces, built in the same configuration as this program.</summary>
    public static string CommandLineTool => Path.Combine(Root, "src/GuestSurfaces.Cli/bin/Release/net10.0/guest-surfaces.dll");

    /// <summary>QEMU's back-end in C.</summary>
    public static string QemuHelper => "/usr/lib/qemu/vhost-user-gpu";

    /// <summary>This program, for its other roles.</summary>
    public static string Self => Path.Combine(AppContext.BaseDirectory, "GuestSurfaces.Benchmarks.dll");

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (!File.Exists(Path.Combine(folder.FullName, "GuestSurfaces.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("the benchmarks run outside the repository");
        return folder.FullName;
    }
}
