// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Isolation;
using GuestSurfaces.Core;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.Udmabuf;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>What the host's kernel allows this user.</summary>
internal static class KernelChecks
{
    private const string JoinKvm = "sudo usermod -aG kvm $USER   (then log in again)";

    /// <summary>What assets/udev has, for those who don't.</summary>
    private static readonly string[] s_installRule =
    [
        "echo 'KERNEL==\"udmabuf\", GROUP=\"kvm\", MODE=\"0660\", TAG+=\"uaccess\"' | sudo tee /etc/udev/rules.d/70-guest-surfaces.rules",
        "sudo udevadm control --reload && sudo udevadm trigger --name-match=udmabuf",
        JoinKvm,
    ];

    /// <summary>A picture's size, and in how many pieces it is at worst: one for each page, up to what a guest may name.</summary>
    private static readonly (string Screen, uint Mib, uint Pages)[] s_screens =
        [("1920x1080", 8, 2025), ("3840x2160", 32, 8100), ("7680x4320", 127, (uint)new Limits().MaxBackingEntries)];

    /// <summary>Judges it.</summary>
    /// <param name="facts">What was seen.</param>
    public static IEnumerable<Finding> Judge(HostFacts facts)
    {
        yield return JudgeKvm(facts.Kvm);
        yield return JudgeUdmabuf(facts.Udmabuf);
        if (facts.Udmabuf is { Opened: Errno.None, Sealing: Errno.None, Exported: Errno.None })
            yield return JudgeLimits(facts.Udmabuf.Limits);
        yield return JudgeIsolation(facts.Landlock, facts.WithoutLandlock, facts.WithoutSeccomp);
    }

    /// <summary>Whether guests run on it.</summary>
    /// <param name="kvm">What was seen of it.</param>
    public static bool IsUsable(KvmFacts kvm) => kvm is { Opened: Errno.None, Failure: "" };

    private static Finding JudgeKvm(KvmFacts kvm)
    {
        const string id = "kvm", subject = "/dev/kvm";
        return kvm switch
        {
            { Opened: Errno.ENOENT or Errno.ENODEV } => new Finding(id, Area.Kernel, Severity.Slower, subject, "not there: guests run under software emulation, many times slower")
            {
                Fix = ["sudo modprobe kvm_intel || sudo modprobe kvm_amd", "if neither loads: turn virtualisation on in the firmware's settings"],
            },
            { Opened: not Errno.None } => new Finding(id, Area.Kernel, Severity.Slower, subject, $"can't be opened ({kvm.Opened}): guests run under software emulation, many times slower") { Fix = [JoinKvm] },
            { Failure.Length: > 0 } => new Finding(id, Area.Kernel, Severity.Slower, subject, $"is there, but {kvm.Tried} doesn't come up on it: {kvm.Failure}")
            {
                Fix = ["guest-surfaces run -- qemu-system-x86_64 -accel tcg …", "in a VM: give it nested virtualisation"],
            },
            { Tried: "" } => new Finding(id, Area.Kernel, Severity.Good, subject, "can be opened; nothing was there to try it with"),
            _ => new Finding(id, Area.Kernel, Severity.Good, subject, $"works: {kvm.Tried} was booted on it"),
        };
    }

    private static Finding JudgeUdmabuf(UdmabufFacts udmabuf)
    {
        const string path = UdmabufHandle.DevicePath;
        Finding Bad(string observation, string against, params string[] fix) =>
            new("udmabuf", Area.Kernel, Severity.Slower, path, observation) { Fix = fix, AgainstDirect = against };
        return udmabuf switch
        {
            { Sealing: not Errno.None } => Bad(
                $"no sealed memory can be made to try it with ({udmabuf.Sealing}): guest RAM can't be shared safely", $"this kernel seals no memory ({udmabuf.Sealing})", "a kernel with CONFIG_MEMFD_CREATE"),
            { Opened: Errno.EACCES or Errno.EPERM } => Bad(
                $"this user may not open it ({udmabuf.Opened}), so guests' frames are copied", $"this user may not open {path}", udmabuf.GroupMay ? [JoinKvm] : s_installRule),
            { Opened: not Errno.None, HasModule: false } => Bad(
                "not there, and this kernel has no udmabuf module: guest pages can't become dma-bufs, so frames are copied", $"this kernel has no udmabuf", "a kernel with CONFIG_UDMABUF=m, such as Debian's linux-image-amd64"),
            { Opened: not Errno.None } => Bad(
                $"not there ({udmabuf.Opened}): guest pages can't become dma-bufs, so frames are copied",
                $"there is no {path}",
                "sudo modprobe udmabuf", "echo udmabuf | sudo tee /etc/modules-load.d/udmabuf.conf   (for the next boots)", "in a container: give it the device"),
            { Exported: not Errno.None } => Bad(
                $"makes no dma-buf of sealed memory ({udmabuf.Exported}), so frames are copied", $"udmabuf refuses sealed memory ({udmabuf.Exported})", "Linux 4.20 or newer"),
            _ => new Finding("udmabuf", Area.Kernel, Severity.Good, path, "makes dma-bufs of sealed memory (tried)"),
        };
    }

    /// <summary>What the limits of one udmabuf mean for the usual screens.</summary>
    /// <param name="given">The running kernel's; null if it doesn't show them.</param>
    internal static Finding JudgeLimits(UdmabufLimits? given)
    {
        var limits = given ?? UdmabufLimits.Default;
        var few = new List<string>();
        var large = new List<string>();
        foreach (var (screen, mib, pages) in s_screens)
        {
            if (mib > limits.SizeMib)
                large.Add($"{screen} needs {mib} MiB");
            else if (pages > limits.ListEntries)
                few.Add($"{screen} up to {pages}");
        }

        var text = $"{(given is null ? "unknown, so the kernel's defaults: " : "")}at most {limits.ListEntries} pieces of memory and {limits.SizeMib} MiB a buffer";
        const string id = "udmabuf-limits", subject = "udmabuf limits";
        if (few.Count == 0 && large.Count == 0)
            return new Finding(id, Area.Kernel, Severity.Good, subject, $"{text}: enough for every screen up to {s_screens[^1].Screen}");
        var missing = large;
        if (few.Count > 0)
            missing = [.. large, $"a guest's picture can be in more pieces ({string.Join(", ", few)})"];
        var (settings, reasons) = (new List<string>(), new List<string>());
        if (few.Count > 0)
        {
            settings.Add($"list_limit={s_screens.Max(static s => s.Pages)}");
            reasons.Add($"in more than {limits.ListEntries} pieces");
        }

        if (large.Count > 0)
        {
            settings.Add($"size_limit_mb={s_screens.Max(static s => s.Mib)}");
            reasons.Add($"larger than {limits.SizeMib} MiB");
        }

        return new Finding(id, Area.Kernel, Severity.Slower, subject, $"{text}: {string.Join("; ", missing)}. What doesn't fit is copied")
        {
            Fix =
            [
                .. settings.Select(static setting => $"echo {setting.Split('=')[1]} | sudo tee {UdmabufLimits.ParametersPath}/{setting.Split('=')[0]}"),
                $"echo options udmabuf {string.Join(' ', settings)} | sudo tee /etc/modprobe.d/udmabuf.conf   (for the next boots)",
            ],
            AgainstSomeDirect = $"udmabuf takes no picture {string.Join(" or ", reasons)}",
        };
    }

    /// <summary>What a device's process can give up on a kernel.</summary>
    /// <param name="version">Landlock's.</param>
    /// <param name="landlock">Why there is no Landlock.</param>
    /// <param name="seccomp">Why there is no seccomp.</param>
    internal static Finding JudgeIsolation(int version, Errno landlock, Errno seccomp)
    {
        var (has, lacks) = (new List<string>(), new List<string>());
        (version > 0 ? has : lacks).Add(version > 0 ? DeviceIsolation.DescribeLandlock(version) : $"Landlock: {DeviceIsolation.DescribeError(landlock)}");
        (seccomp == Errno.None ? has : lacks).Add(seccomp == Errno.None ? $"{RefusedSyscalls.Count} system calls refused (seccomp)" : $"seccomp: {DeviceIsolation.DescribeError(seccomp)}");
        var finding = new Finding("isolation", Area.Kernel, Severity.Lesser, "isolation", $"a device's process: {string.Join("; ", has.Concat(lacks))}");
        return lacks.Count > 0
            ? finding with { Fix = [version > 0 ? "a kernel with CONFIG_SECCOMP_FILTER" : "a kernel with CONFIG_SECURITY_LANDLOCK, and landlock among those of its option lsm="] }
            : version < LandlockRuleset.NewestVersion
                ? finding with { Fix = ["Linux 6.12 or newer also confines TCP, signals and abstract sockets"] }
                : finding with { Severity = Severity.Good };
    }
}
