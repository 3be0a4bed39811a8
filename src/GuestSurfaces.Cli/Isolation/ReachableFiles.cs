// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Isolation;

/// <summary>The files that a confined process can use: its program and what that runs on, and those that are named here. No home folder, unless one of these is in it.</summary>
internal sealed class ReachableFiles
{
    private const LandlockAccess Read = LandlockAccess.ReadFile | LandlockAccess.ReadDirectory;
    private const LandlockAccess Use = Read | LandlockAccess.Execute;

    // Where Unix systems keep code and what is the same for everybody; what the runtime and the C library look up when they start.
    private static readonly string[] s_code = ["/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/lib", "/lib64", "/nix/store", "/gnu/store"];

    private static readonly string[] s_facts =
    [
        "/usr/share/zoneinfo", "/usr/share/terminfo", "/etc/localtime", "/etc/terminfo", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/group", "/etc/passwd",
        "/proc", "/sys/devices/system", "/sys/fs/cgroup", "/sys/module/udmabuf", "/dev/urandom",
    ];

    private readonly List<(string Path, LandlockAccess Access)> _rules = [];

    /// <summary>Those that this program needs.</summary>
    public ReachableFiles()
    {
        Add(Use, [.. s_code, .. OwnCode()]);
        Add(Read, s_facts);
        Add(LandlockAccess.ReadFile | LandlockAccess.WriteFile, "/dev/null");
    }

    /// <summary>A folder where sockets are made and removed.</summary>
    /// <param name="path">Of it.</param>
    public ReachableFiles WithSocketsIn(string path) => Add(LandlockAccess.MakeSocket | LandlockAccess.RemoveFile, path);

    /// <summary>A file that is written. It is made if it isn't there, so that its folder is none of the process's business.</summary>
    /// <param name="path">Of it.</param>
    /// <exception cref="IOException">It can't be made.</exception>
    public ReachableFiles WithWritten(string path)
    {
        File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        return Add(LandlockAccess.WriteFile | LandlockAccess.Truncate, path);
    }

    /// <summary>A device node.</summary>
    /// <param name="path">Of it.</param>
    public ReachableFiles WithDevice(string path) => Add(LandlockAccess.ReadFile | LandlockAccess.WriteFile | LandlockAccess.ControlDevice, path);

    /// <summary>Allows them; what isn't there can't be reached later either.</summary>
    /// <param name="ruleset">Where.</param>
    public void AddTo(LandlockRuleset ruleset)
    {
        foreach (var (path, access) in _rules)
            _ = ruleset.TryAllow(path, access);
    }

    // The program's folder, the runtime's (beside which its host and the shared frameworks are), and those of all that is loaded: no system is like another.
    private static IEnumerable<string> OwnCode()
    {
        yield return AppContext.BaseDirectory;
        yield return Environment.ProcessPath!;
        var runtime = RuntimeEnvironment.GetRuntimeDirectory();
        var shared = runtime.IndexOf("/shared/", StringComparison.Ordinal);
        yield return shared > 0 ? runtime[..shared] : runtime;
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            if (line.IndexOf('/', StringComparison.Ordinal) is > 0 and var at && line.Contains(" r-xp ", StringComparison.Ordinal))
                yield return line[at..];
        }
    }

    private ReachableFiles Add(LandlockAccess access, params string[] paths)
    {
        foreach (var path in paths)
            _rules.Add((path, access));
        return this;
    }
}
