// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Diagnostics;
using GuestSurfaces.Transports.Udmabuf;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>Looks at this machine: what will work, what will be zero-copy, and why not. Each check is independent of the others.</summary>
internal static partial class HostChecks
{
    /// <summary>Runs all checks, in the order in which a frame passes what they look at.</summary>
    /// <param name="report">Called for each finding as it comes: some checks take a moment.</param>
    public static void Run(Action<Finding> report)
    {
        report(CheckQemu());
        report(CheckKvm());
        report(CheckUdmabuf());
        foreach (var finding in CheckCompositor())
            report(finding);
    }

    private static Finding CheckQemu()
    {
        var version = TryRun("qemu-system-x86_64", "--version");
        if (version is null)
            return new Finding("QEMU", Severity.Slower, "no qemu-system-x86_64 in PATH", "apt install qemu-system-x86; other VMMs can attach all the same");
        var match = QemuVersion().Match(version);
        if (!match.Success)
            return new Finding("QEMU", Severity.Slower, $"its version can't be read from: {version.Split('\n')[0]}");
        var major = int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        var minor = int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
        var text = $"{major}.{minor}";
        if (major < 8)
            return new Finding("QEMU", Severity.Slower, $"{text}: vhost-user devices work with KVM only, and guests get 2D resources without blobs or EDID", "QEMU 8.0 or newer also works without KVM");
        return major > 10 || (major == 10 && minor >= 2)
            ? new Finding("QEMU", Severity.Good, $"{text}: guests can have blobs (zero copies) through vhost-user-test-device-pci")
            : new Finding("QEMU", Severity.Slower, $"{text}: vhost-user-gpu-pci never passes blobs on, so its guests use the copy rung", "QEMU 10.2 or newer has a device that does");
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

    private static Finding CheckUdmabuf()
    {
        if (!File.Exists("/dev/udmabuf"))
        {
            return new Finding("/dev/udmabuf", Severity.Slower, "not there: guest pages can't become dma-bufs, so frames are copied", "modprobe udmabuf (kernel option CONFIG_UDMABUF)");
        }

        using var device = UdmabufHandle.TryOpen(out var errno);
        if (device is null)
            return new Finding("/dev/udmabuf", Severity.Slower, $"can't be opened ({errno}), so frames are copied", "add yourself to group kvm, or install a udev rule that gives the seat's user access");
        return UdmabufLimits.TryRead() is { } limits
            ? new Finding("/dev/udmabuf", Severity.Good, $"usable; at most {limits.ListEntries} pieces and {limits.SizeMib} MiB a buffer")
            : new Finding("/dev/udmabuf", Severity.Good, $"usable; its limits can't be read from {UdmabufLimits.ParametersPath}");
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

    private static string? TryRun(string program, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true, RedirectStandardError = true });
            var output = process!.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    [GeneratedRegex(@"version (\d+)\.(\d+)")]
    private static partial Regex QemuVersion();
}
