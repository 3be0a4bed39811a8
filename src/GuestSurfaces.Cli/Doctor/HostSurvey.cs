// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Diagnostics;
using GuestSurfaces.Transports.Udmabuf;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>Looks at this machine. What can be tried is tried, since what is there may not work. Takes up to some ten seconds.</summary>
internal static partial class HostSurvey
{
    private const int PatienceMs = 10_000;

    /// <summary>QEMU for guests of this machine's own kind.</summary>
    public static string Qemu => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "qemu-system-aarch64" : "qemu-system-x86_64";

    /// <summary>Looks at everything.</summary>
    /// <param name="command">A QEMU command line, whose QEMU is looked at instead of the one in PATH; empty for none.</param>
    public static HostFacts Take(IReadOnlyList<string> command)
    {
        var kernelRelease = TryRead("/proc/sys/kernel/osrelease").Trim();
        var qemu = LookAtQemu(QemuProbe.ProgramOf(command) ?? [Qemu]);
        var (compositor, problem) = CompositorProbe.Run();
        var landlock = LandlockRuleset.GetKernelVersion(out var withoutLandlock);
        _ = SeccompFilter.IsAvailable(out var withoutSeccomp);
        return new HostFacts
        {
            Qemu = qemu,
            OtherVmms = [.. LookAtOtherVmms()],
            Kvm = KvmProbe.Run(qemu?.Command, kernelRelease),
            Udmabuf = LookAtUdmabuf(kernelRelease),
            Landlock = landlock,
            WithoutLandlock = withoutLandlock,
            WithoutSeccomp = withoutSeccomp,
            Compositor = compositor,
            CompositorProblem = problem,
            WaylandSockets = ListWaylandSockets(),
        };
    }

    private static QemuFacts? LookAtQemu(IReadOnlyList<string> qemu)
    {
        if (QemuProbe.TryRun([.. qemu, "--version"], PatienceMs) is not { } text)
            return null;
        var match = VersionNumber().Match(text);
        var devices = QemuProbe.TryRun([.. qemu, "-device", "help"], PatienceMs) ?? "";
        var displays = QemuProbe.TryRun([.. qemu, "-display", "help"], PatienceMs) ?? "";
        return new QemuFacts(
            qemu,
            match.Success ? Version.Parse(match.Value) : null,
            new QemuProbe().Choose(DeviceWish.Auto, qemu).Name,
            devices.Contains("\"vhost-user-input-pci\"", StringComparison.Ordinal),
            displays.Split('\n').Any(static line => line.Trim() == "dbus"));
    }

    private static IEnumerable<OtherVmm> LookAtOtherVmms()
    {
        if (QemuProbe.TryRun(["crosvm", "version"], PatienceMs) is { } crosvm)
            yield return new OtherVmm("crosvm", FirstLine(crosvm), (QemuProbe.TryRun(["crosvm", "run", "--help"], PatienceMs) ?? "").Contains("--vhost-user ", StringComparison.Ordinal));
        if (QemuProbe.TryRun(["cloud-hypervisor", "--version"], PatienceMs) is { } cloud)
        {
            var help = QemuProbe.TryRun(["cloud-hypervisor", "--help"], PatienceMs) ?? "";
            yield return new OtherVmm("cloud-hypervisor", FirstLine(cloud), help.Contains("--generic-vhost-user", StringComparison.Ordinal));
        }
    }

    private static UdmabufFacts LookAtUdmabuf(string kernelRelease)
    {
        const UnixFileMode group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        var page = (ulong)Environment.SystemPageSize;
        using var memory = MemFdHandle.TryCreateSealed("guest-surfaces-doctor", page, out var sealing);
        using var device = UdmabufHandle.TryOpen(out var opened);
        var exported = Errno.None;
        if (device is not null && memory is not null)
            device.TryCreate([new UdmabufItem(memory, 0, page)], out exported)?.Dispose();
        var isThere = File.Exists(UdmabufHandle.DevicePath);
        return new UdmabufFacts(
            opened, isThere && (File.GetUnixFileMode(UdmabufHandle.DevicePath) & group) == group, HasUdmabufModule(kernelRelease), sealing, exported, UdmabufLimits.TryRead());
    }

    private static bool? HasUdmabufModule(string kernelRelease)
    {
        if (Directory.Exists("/sys/module/udmabuf"))
            return true; // loaded: only the device is kept from us, as in a container
        var (loadable, builtIn) = (TryRead($"/lib/modules/{kernelRelease}/modules.dep"), TryRead($"/lib/modules/{kernelRelease}/modules.builtin"));
        return loadable.Length + builtIn.Length == 0 ? null : loadable.Contains("/udmabuf.ko", StringComparison.Ordinal) || builtIn.Contains("/udmabuf.ko", StringComparison.Ordinal);
    }

    private static string[] ListWaylandSockets()
    {
        var folder = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return !Directory.Exists(folder)
            ? []
            : [.. Directory.GetFiles(folder, "wayland-*").Select(static path => Path.GetFileName(path)).Where(static name => !name.EndsWith(".lock", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    private static string TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string FirstLine(string text) => text.Trim().Split('\n')[0];

    [GeneratedRegex(@"(?<=version )\d+\.\d+")]
    private static partial Regex VersionNumber();
}
