// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Isolation;

/// <summary>
/// What a device's process has given up before the guest's first byte, and what of that is in force.
/// <para>
/// It happens in two steps. Files, network and privileges are given up by one thread, and a runtime has many: so the thread that does it starts the program anew in its place, and all of
/// the new one is confined from its first instruction (<see cref="Confine"/>; the process id and inherited descriptors stay). System calls are refused to all threads at once, when
/// everything listens that is to (<see cref="Seal"/>).
/// </para>
/// What can't be in force is told, and the device works all the same. Thread: the main thread's.
/// </summary>
internal sealed class DeviceIsolation
{
    /// <summary>The hidden option that the new program is given: the first step is done, and this is what came of it.</summary>
    public const string MarkerOption = "--confined";

    private readonly List<string> _inForce = [];
    private readonly List<string> _missing = [];

    private DeviceIsolation(bool isWanted) => IsWanted = isWanted;

    /// <summary>Whether any is.</summary>
    public bool IsWanted { get; }

    /// <summary>What is in force and why the rest isn't, as one line for users.</summary>
    public string Summary => (IsWanted, _inForce, _missing) switch
    {
        (false, _, _) => $"not isolated: {_missing[0]}",
        (_, _, []) => $"isolated: {string.Join("; ", _inForce)}",
        (_, [], _) => $"not isolated: {string.Join("; ", _missing)}",
        _ => $"partly isolated: {string.Join("; ", _inForce)}. Not in force: {string.Join("; ", _missing)}",
    };

    /// <summary>None is wanted.</summary>
    /// <param name="why">By whom, or for what.</param>
    public static DeviceIsolation Off(string why)
    {
        var isolation = new DeviceIsolation(isWanted: false);
        isolation._missing.Add(why);
        return isolation;
    }

    /// <summary>The first step: gives up privileges, files and network, and starts this program anew.</summary>
    /// <param name="files">What it needs all the same.</param>
    /// <param name="arguments">Its command line, to which the marker is added.</param>
    /// <returns>Only if the program can't be started anew.</returns>
    public static DeviceIsolation Confine(ReachableFiles files, IEnumerable<string> arguments)
    {
        _ = ThisProcess.TryForbidCoreDumps(); // lowering a limit can't fail
        var landlock = ConfineThread(files);

        // A way in for every process of this user, with a socket in the temporary folder: nobody debugs a confined device.
        Environment.SetEnvironmentVariable("DOTNET_EnableDiagnostics", "0");
        var errno = ThisProcess.Become([.. ThisProgram.CommandLine(arguments), $"{MarkerOption}={landlock}"]);
        var isolation = new DeviceIsolation(isWanted: true);
        isolation._missing.Add($"files, network and privileges, since this program can't be started anew ({errno})");
        return isolation;
    }

    /// <summary>After the first step.</summary>
    /// <param name="landlock">The marker's value.</param>
    public static DeviceIsolation Confined(string landlock)
    {
        var isolation = new DeviceIsolation(isWanted: true);
        isolation._inForce.Add("no new privileges, no core dumps");
        if (int.TryParse(landlock, out var version) && version > 0)
            isolation._inForce.Add(DescribeLandlock(version));
        else
            isolation._missing.Add($"files and network ({landlock})");
        return isolation;
    }

    /// <summary>The second step: nothing more is opened to the outside from now on. Nothing to do where none is wanted.</summary>
    public void Seal()
    {
        if (!IsWanted)
            return;
        var errno = ThisProcess.TryForbidDebuggers();
        if (errno == Errno.None)
            _inForce.Add("no debuggers");
        else
            _missing.Add($"debuggers ({errno})");
        errno = SyscallArchitecture.Current is { } architecture ? SeccompFilter.TryInstall(RefusedSyscalls.CreateFilter(architecture, Environment.ProcessId)) : Errno.ENOSYS;
        if (errno == Errno.None)
            _inForce.Add($"{RefusedSyscalls.Count} system calls refused (seccomp)");
        else
            _missing.Add($"system calls (seccomp: {DescribeError(errno)})");
    }

    /// <summary>What Landlock of a version keeps a device from.</summary>
    /// <param name="version">The kernel's.</param>
    public static string DescribeLandlock(int version) =>
        $"files{(version >= 4 ? ", TCP" : "")}{(version >= 6 ? ", signals and abstract sockets" : "")} confined (Landlock {version})";

    /// <summary>Why a kernel hasn't got something.</summary>
    /// <param name="errno">What it said.</param>
    public static string DescribeError(Errno errno) => errno switch
    {
        Errno.ENOSYS => "this kernel was built without it",
        Errno.EOPNOTSUPP => "this kernel was started without it",
        _ => errno.ToString(),
    };

    /// <returns>The version in force, or why there is none.</returns>
    private static string ConfineThread(ReachableFiles files)
    {
        var errno = ThisProcess.TryForbidNewPrivileges();
        if (errno != Errno.None)
            return $"privileges can't be given up: {errno}";
        using var ruleset = LandlockRuleset.TryCreate(out errno);
        if (ruleset is null)
            return $"Landlock: {DescribeError(errno)}";
        files.AddTo(ruleset);
        errno = ruleset.TryConfineThread();
        return errno == Errno.None ? ruleset.Version.ToString(System.Globalization.CultureInfo.InvariantCulture) : $"Landlock: {errno}";
    }
}
