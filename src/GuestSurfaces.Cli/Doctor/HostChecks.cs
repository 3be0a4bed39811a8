// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Cli.Isolation;
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Core;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Diagnostics;
using GuestSurfaces.Transports.Udmabuf;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>Looks at this machine: what will work, what will be zero-copy, and why not. Each check is independent of the others.</summary>
internal static partial class HostChecks
{
    private const int PatienceMs = 10_000;

    /// <summary>A picture's size, and in how many pieces it is at worst: one for each page, up to what a guest may name.</summary>
    private static readonly (string Screen, uint Mib, uint Pages)[] s_screens =
        [("1920x1080", 8, 2025), ("3840x2160", 32, 8100), ("7680x4320", 127, (uint)new Limits().MaxBackingEntries)];

    /// <summary>Runs all checks, in the order in which a frame passes what they look at.</summary>
    /// <param name="report">Called for each finding as it comes: some checks take a moment.</param>
    public static void Run(Action<Finding> report)
    {
        report(CheckQemu());
        report(CheckKvm());
        foreach (var finding in CheckUdmabuf().Concat(CheckCompositor()))
            report(finding);
        report(CheckIsolation());
    }

    /// <summary>What the limits of one udmabuf mean for the usual screens.</summary>
    /// <param name="limits">The running kernel's.</param>
    internal static Finding JudgeLimits(UdmabufLimits limits)
    {
        var few = new List<string>();
        var large = new List<string>();
        foreach (var (screen, mib, pages) in s_screens)
        {
            if (mib > limits.SizeMib)
                large.Add($"{screen} needs {mib} MiB");
            else if (pages > limits.ListEntries)
                few.Add($"{screen} up to {pages}");
        }

        var text = $"at most {limits.ListEntries} pieces of memory and {limits.SizeMib} MiB a buffer";
        if (few.Count == 0 && large.Count == 0)
            return new Finding("udmabuf limits", Severity.Good, $"{text}: enough for every screen up to {s_screens[^1].Screen}");
        var missing = large;
        if (few.Count > 0)
            missing = [.. large, $"a guest's picture can be in more pieces ({string.Join(", ", few)})"];
        var remedies = new List<string>();
        if (few.Count > 0)
            remedies.Add($"echo {s_screens.Max(static s => s.Pages)} > {UdmabufLimits.ParametersPath}/list_limit");
        if (large.Count > 0)
            remedies.Add($"echo {s_screens.Max(static s => s.Mib)} > {UdmabufLimits.ParametersPath}/size_limit_mb");
        return new Finding("udmabuf limits", Severity.Slower, $"{text}: {string.Join("; ", missing)}. What doesn't fit is copied", $"as root: {string.Join("; ", remedies)}");
    }

    private static Finding CheckQemu()
    {
        const string qemu = "qemu-system-x86_64";
        const string newer = "QEMU 10.2 or newer has one (Debian 13: qemu-system-x86 from trixie-backports)";
        var version = QemuProbe.TryRun([qemu, "--version"], PatienceMs);
        if (version is null)
            return new Finding("QEMU", Severity.Slower, $"no {qemu} in PATH", "apt install qemu-system-x86; other VMMs can attach all the same");
        var match = QemuVersion().Match(version);
        if (!match.Success)
            return new Finding("QEMU", Severity.Slower, $"its version can't be read from: {version.Split('\n')[0]}");
        var text = $"{match.Groups[1].Value}.{match.Groups[2].Value}";
        var device = new QemuProbe().Choose(DeviceWish.Auto, [qemu]).Name;
        if (device != QemuDevice.Gpu)
            return new Finding("QEMU", Severity.Good, $"{text}: has {device}, by which Linux guests share their framebuffers (blobs): run takes it, and zero copies depend on the lines below");
        return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) < 8
            ? new Finding("QEMU", Severity.Slower, $"{text}: vhost-user devices work with KVM only, and no device passes blobs on, so frames are copied", $"QEMU 8.0 or newer also works without KVM; {newer}")
            : new Finding("QEMU", Severity.Slower, $"{text}: no device that passes blobs on, so frames are copied", $"{newer}; or run --alias-2d, which may tear");
    }

    private static Finding CheckKvm()
    {
        if (!File.Exists("/dev/kvm"))
            return new Finding("/dev/kvm", Severity.Slower, "not there: guests run under software emulation", "turn virtualisation on in the firmware, then: modprobe kvm_intel or kvm_amd");
        using var kvm = FileHandle.TryOpen("/dev/kvm", out var errno);
        return kvm is null
            ? new Finding("/dev/kvm", Severity.Slower, $"can't be opened ({errno})", "add yourself to group kvm: usermod -aG kvm $USER, then log in again")
            : new Finding("/dev/kvm", Severity.Good, "can be opened (whether a stock guest boots on it is another matter: tests/lab/accel.sh tries)");
    }

    private static IEnumerable<Finding> CheckUdmabuf()
    {
        if (!File.Exists(UdmabufHandle.DevicePath))
        {
            yield return new Finding("udmabuf", Severity.Slower, $"no {UdmabufHandle.DevicePath}: guest pages can't become dma-bufs, so frames are copied", "modprobe udmabuf (kernel option CONFIG_UDMABUF)");
            yield break;
        }

        using var device = UdmabufHandle.TryOpen(out var errno);
        if (device is null)
        {
            yield return new Finding("udmabuf", Severity.Slower, $"{UdmabufHandle.DevicePath} can't be opened ({errno}), so frames are copied", "add yourself to group kvm, or install a udev rule that gives the seat's user access");
            yield break;
        }

        yield return TryExport(device);
        yield return UdmabufLimits.TryRead() is { } limits
            ? JudgeLimits(limits)
            : new Finding("udmabuf limits", Severity.Slower, $"can't be read from {UdmabufLimits.ParametersPath}: the kernel's defaults are assumed, {UdmabufLimits.Default.ListEntries} pieces and {UdmabufLimits.Default.SizeMib} MiB");
    }

    // Not only looked at: a page of memory, sealed as run has QEMU seal the guest's, becomes a dma-buf or not.
    private static Finding TryExport(UdmabufHandle device)
    {
        var page = (ulong)Environment.SystemPageSize;
        using var memory = MemFdHandle.TryCreateSealed("guest-surfaces-doctor", page, out var errno);
        if (memory is null)
            return new Finding("udmabuf", Severity.Slower, $"no sealed memory can be made to try it with ({errno}): guest RAM of memory-backend-memfd won't do either");
        using var dmabuf = device.TryCreate([new UdmabufItem(memory, 0, page)], out errno);
        return dmabuf is null
            ? new Finding("udmabuf", Severity.Slower, $"this kernel makes no dma-buf of sealed memory ({errno}), so frames are copied", "Linux 4.20 or newer")
            : new Finding("udmabuf", Severity.Good, "makes dma-bufs of sealed memory (tried): run gives QEMU such RAM, crosvm's is so; cloud-hypervisor's and libkrun's isn't, and their frames are copied");
    }

    private static Finding CheckIsolation()
    {
        var version = LandlockRuleset.GetKernelVersion(out var landlock);
        _ = SeccompFilter.IsAvailable(out var seccomp);
        return JudgeIsolation(version, landlock, seccomp);
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
        var text = $"a device's process: {string.Join("; ", has.Concat(lacks))}";
        return lacks.Count > 0
            ? new Finding("isolation", Severity.Slower, text, version > 0 ? "a kernel with CONFIG_SECCOMP_FILTER" : "a kernel with CONFIG_SECURITY_LANDLOCK, and landlock among those of its option lsm=")
            : version < LandlockRuleset.NewestVersion
                ? new Finding("isolation", Severity.Slower, text, "Linux 6.12 or newer also confines TCP, signals and abstract sockets")
                : new Finding("isolation", Severity.Good, text);
    }

    private static IEnumerable<Finding> CheckCompositor()
    {
        var (compositor, problem) = CompositorProbe.Run();
        if (compositor is null)
        {
            yield return new Finding("compositor", Severity.Broken, problem, "run this inside a Wayland session, or set WAYLAND_DISPLAY to its socket");
            yield break;
        }

        yield return compositor.Version("xdg_wm_base") > 0 && compositor.Version("wl_shm") > 0
            ? new Finding("compositor", Severity.Good, $"{compositor.Kind} at {compositor.Display}, {compositor.Globals.Count} interfaces")
            : new Finding("compositor", Severity.Broken, $"{compositor.Kind} at {compositor.Display} lacks xdg_wm_base or wl_shm", "a desktop compositor is needed");
        yield return compositor.Version("zwp_linux_dmabuf_v1") switch
        {
            0 => new Finding("linux-dmabuf", Severity.Slower, "the compositor takes no dma-bufs: every frame is copied into shared memory", "use a compositor with a GL or Vulkan renderer"),
            < 4 => new Finding("linux-dmabuf", Severity.Good, $"version {compositor.Version("zwp_linux_dmabuf_v1")}: dma-bufs, without hints which formats can be scanned out"),
            _ => new Finding("linux-dmabuf", Severity.Good, $"version {compositor.Version("zwp_linux_dmabuf_v1")}: dma-bufs with feedback"),
        };
        yield return compositor.Version("wp_linux_drm_syncobj_manager_v1") > 0 || compositor.Version("zwp_linux_explicit_synchronization_v1") > 0
            ? new Finding("explicit sync", Severity.Good, compositor.Version("wp_linux_drm_syncobj_manager_v1") > 0 ? "linux-drm-syncobj-v1" : "linux-explicit-synchronization-v1")
            : new Finding("explicit sync", Severity.Slower, "not offered: buffers are returned by wl_buffer.release");
        yield return compositor.Version("wp_presentation") > 0
            ? new Finding("presentation time", Severity.Good, "offered: latencies are measured to the screen")
            : new Finding("presentation time", Severity.Slower, "not offered: frame callbacks stand in for it");
        yield return compositor.Version("wp_viewporter") > 0
            ? new Finding("viewporter", Severity.Good, "offered: guests are scaled to the window")
            : new Finding("viewporter", Severity.Slower, "not offered: guests aren't scaled");
    }

    [GeneratedRegex(@"version (\d+)\.(\d+)")]
    private static partial Regex QemuVersion();
}
