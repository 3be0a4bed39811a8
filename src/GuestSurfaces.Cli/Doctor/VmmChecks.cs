// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Cli.Qemu;

namespace GuestSurfaces.Cli.Doctor;

/// <summary>What the VMMs of this machine can do with our devices.</summary>
internal static class VmmChecks
{
    private const string Backports =
        "QEMU 10.2 or newer; on Debian 13: sudo apt install -t trixie-backports qemu-system-x86";

    /// <summary>Judges them.</summary>
    /// <param name="facts">What was seen.</param>
    public static IEnumerable<Finding> Judge(HostFacts facts)
    {
        if (facts.Qemu is { } qemu)
        {
            yield return JudgeDevice(qemu, facts.Kvm);
            yield return qemu.HasInput
                ? Good("qemu-input", "input", "has vhost-user-input-pci: run gives guests a keyboard and a pointer")
                : new Finding("qemu-input", Area.Vmm, Severity.Lesser, "input", "QEMU has no vhost-user-input-pci: guests can be seen, not typed into (run wants --no-input)") { Fix = [Backports] };
            yield return qemu.HasDBus
                ? Good("qemu-dbus", "resize", "has -display dbus, by which a window's size gets to vhost-user-gpu-pci")
                : new Finding("qemu-dbus", Area.Vmm, Severity.Lesser, "resize", "QEMU has no -display dbus: behind vhost-user-gpu-pci guests aren't told when their window changes its size")
                {
                    Fix = ["sudo apt install qemu-system-modules-opengl", "(on Debian 12: sudo apt install qemu-system-common)"],
                };
        }
        else if (!facts.OtherVmms.Any(static vmm => vmm.TakesGpu))
        {
            yield return new Finding("qemu", Area.Vmm, Severity.Slower, "QEMU", $"no {HostSurvey.Qemu} in PATH, nor another VMM that is known here: nothing to run guests with")
            {
                Fix = ["sudo apt install qemu-system-x86"],
                AgainstDirect = "no VMM was found",
            };
        }

        foreach (var vmm in facts.OtherVmms)
            yield return JudgeOther(vmm);
    }

    private static Finding JudgeDevice(QemuFacts qemu, KvmFacts kvm)
    {
        if (qemu.Version is not { } version)
            return new Finding("qemu", Area.Vmm, Severity.Lesser, "QEMU", $"{qemu.Command[^1]} doesn't say which version it is: what it can do isn't known") { Fix = [$"{ShellWords.Join(qemu.Command)} --version"] };
        var text = version.ToString(2);
        if (qemu.Device != QemuDevice.Gpu)
            return Good("qemu", "QEMU", $"{text}: has {qemu.Device}, by which Linux guests share their framebuffers (blobs)");
        if (version.Major < 8 && !KernelChecks.IsUsable(kvm))
        {
            return new Finding("qemu", Area.Vmm, Severity.Broken, "QEMU", $"QEMU {text} takes vhost-user devices with KVM only, and KVM can't be used here: guests don't start")
            {
                Fix = ["QEMU 8.0 or newer; on Debian 12 that of Debian 13 in a chroot, as ./demo.sh does"],
                AgainstDirect = $"QEMU {text} doesn't run vhost-user devices without KVM",
            };
        }

        return new Finding("qemu", Area.Vmm, Severity.Slower, "QEMU", $"{text}: no device that passes blobs on, so what guests change is copied once")
        {
            Fix = [Backports, "or: guest-surfaces run --alias-2d -- …   (shows the pages as they are; may tear)"],
            AgainstDirect = $"QEMU {text} has no device that passes blobs on",
        };
    }

    private static Finding JudgeOther(OtherVmm vmm) => (vmm.Name, vmm.TakesGpu) switch
    {
        ("crosvm", true) => Good("crosvm", "crosvm", string.Create(CultureInfo.InvariantCulture, $"{vmm.Version}: --vhost-user type=gpu; its guests' RAM is sealed, so frames need no copy (untested)")),
        ("cloud-hypervisor", true) => new Finding("cloud-hypervisor", Area.Vmm, Severity.Lesser, "cloud-hypervisor", $"{vmm.Version}: --generic-vhost-user; its guests' RAM isn't sealed and it passes no blobs on, so frames are copied (untested)"),
        _ => new Finding(vmm.Name, Area.Vmm, Severity.Lesser, vmm.Name, $"{vmm.Version}: takes no GPU over vhost-user") { Fix = [$"a newer {vmm.Name}: docs/vmm.md"] },
    };

    private static Finding Good(string id, string subject, string observation) => new(id, Area.Vmm, Severity.Good, subject, observation);
}
