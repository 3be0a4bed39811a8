// SPDX-License-Identifier: MIT
namespace GuestSurfaces.Cli.Hosting;

/// <summary>How this program is started once more.</summary>
internal static class ThisProgram
{
    /// <summary>What it was told: its command line, and what the configuration file adds to that.</summary>
    public static string[] Arguments { get; set; } = Environment.GetCommandLineArgs()[1..];

    /// <summary>A command line, the program first: <c>dotnet guest-surfaces.dll</c> as well as the program itself.</summary>
    /// <param name="arguments">What follows.</param>
    public static string[] CommandLine(IEnumerable<string> arguments) =>
        Path.GetFileName(Environment.ProcessPath!) == "dotnet" ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0], .. arguments] : [Environment.ProcessPath!, .. arguments];
}
