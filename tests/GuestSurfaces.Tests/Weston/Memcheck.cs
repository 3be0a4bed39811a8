// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>Weston with the module under valgrind, with presenters that come, go and misbehave.</summary>
internal static class Memcheck
{
    /// <summary>Fails if there is an error or a leak with a line of the module's in it, or a descriptor that is left.</summary>
    /// <param name="desktop">Not yet started. Is ended.</param>
    public static void Run(ModuleDesktop desktop)
    {
        var log = desktop["valgrind"];
        desktop.Start(
            ["valgrind", "--leak-check=full", "--show-leak-kinds=all", "--track-fds=yes", "--child-silent-after-fork=yes", "--num-callers=30", $"--log-file={log}"],
            $"name=window\ncommand=exec {desktop.Presenter} window\noutput=headless\nlabel-color=0xff0000",
            $"name=fullscreen\ncommand=exec {desktop.Presenter} fullscreen",
            $"name=brief\ncommand={desktop.Presenter} window & p=$!; sleep 2; kill $p; false",
            $"name=requests\ncommand=exec {desktop.Presenter} requests",
            $"name=greedy\ncommand=exec {desktop.Presenter} greedy",
            $"name=deaf\ncommand=exec {desktop.Presenter} deaf",
            "name=wrong");
        foreach (var name in new[] { "brief", "requests", "greedy" })
            desktop.WaitUntil(() => desktop.CountInLog($" {name}: its presenter is gone; another is started") >= 2);
        desktop.End();
        var report = File.ReadAllText(log);
        Assert.Contains("ERROR SUMMARY", report, StringComparison.Ordinal);

        // What Weston itself loses is its own: records with a line of ours in them are ours. Of descriptors all that are left were there before.
        var records = report.Split("\n==").Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]).ToList();
        string[] sources = [.. Directory.EnumerateFiles(Repository.Path("meson-shim"), "*.c").Select(path => Path.GetFileName(path)), "compat.h"];
        Assert.Equal(7, sources.Length);
        Assert.DoesNotContain(records, line => sources.Any(source => line.Contains($"({source}:", StringComparison.Ordinal)));
        Assert.Equal(records.Count(line => line.StartsWith("Open file descriptor", StringComparison.Ordinal)), records.Count(line => line.Contains("<inherited from parent>", StringComparison.Ordinal)));
    }
}
