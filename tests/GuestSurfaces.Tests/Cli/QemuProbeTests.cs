// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Qemu;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>Which device `run` takes, by what the very QEMU of the command line says.</summary>
public sealed class QemuProbeTests
{
    private const string Devices = "Display devices:\nname \"vhost-user-gpu-pci\", bus PCI\n\nMisc devices:\nname \"{0}\", bus PCI, desc \"x\"\n";
    private const string Options = "  chardev=<str>\n  config_size=<uint32>   - (default: 0)\n  num_vqs=<uint32>\n  virtio-id=<uint16>\n  vq_size=<uint32>\n";

    private readonly List<string> _asked = [];

    [Theory]
    [InlineData("vhost-user-test-device-pci")]
    [InlineData("vhost-user-device-pci")]
    public void A_QEMU_with_a_generic_device_is_given_that(string name)
    {
        var device = Probe(name, Options).Choose(DeviceWish.Auto, ["nice", "qemu-system-x86_64", "-m", "1G"]);
        Assert.Equal(name, device.Name);
        Assert.Contains("without a copy", device.Why, StringComparison.Ordinal);
        Assert.Equal(["nice qemu-system-x86_64 -device help", $"nice qemu-system-x86_64 -device {name},help"], _asked);
    }

    [Theory]
    [InlineData("vhost-user-rng-pci", Options)]
    [InlineData("vhost-user-test-device-pci", "  virtio-id=<uint16>\n  num_vqs=<uint32>\n")] // as in 8.2
    [InlineData("vhost-user-test-device-pci", null)]
    public void A_QEMU_without_a_generic_device_that_fits_copies_and_says_so(string name, string? options)
    {
        var device = Probe(name, options).Choose(DeviceWish.Auto, ["qemu-system-x86_64"]);
        Assert.Equal("vhost-user-gpu-pci", device.Name);
        Assert.Contains("10.2", device.Why, StringComparison.Ordinal);
        Assert.Contains("10.2", Assert.Throws<UserErrorException>(() => Probe(name, options).Choose(DeviceWish.Generic, ["qemu-system-x86_64"])).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_QEMU_that_cannot_be_asked_gets_the_device_that_all_have_unless_the_user_knows_better()
    {
        var deaf = new QemuProbe(static _ => null);
        var device = deaf.Choose(DeviceWish.Auto, ["qemu-system-x86_64"]);
        Assert.Equal("vhost-user-gpu-pci", device.Name);
        Assert.Contains("--device generic", device.Why, StringComparison.Ordinal);
        Assert.Equal("vhost-user-test-device-pci", deaf.Choose(DeviceWish.Generic, ["./my-vm.sh"]).Name);
    }

    [Fact]
    public void What_the_user_wants_needs_no_question()
    {
        Assert.Equal("vhost-user-gpu-pci", Probe("vhost-user-test-device-pci", Options).Choose(DeviceWish.Gpu, ["qemu-system-x86_64"]).Name);
        Assert.Empty(_asked);
    }

    [Theory]
    [InlineData("qemu-system-x86_64 -m 1G", "qemu-system-x86_64")]
    [InlineData("/opt/q/bin/qemu-system-aarch64 -m 1G", "/opt/q/bin/qemu-system-aarch64")]
    [InlineData("env A=b taskset -c 1 qemu-system-x86_64 -m 1G", "env A=b taskset -c 1 qemu-system-x86_64")]
    [InlineData("sudo -u me qemu-kvm -m 1G", "qemu-kvm")] // it would ask for a password
    [InlineData("kvm -name qemu-system-x86_64", "kvm")]
    [InlineData("qemu", "qemu")]
    [InlineData("./my-vm.sh -name kvm", null)] // whatever it does, it does it once
    [InlineData("./qemu-system-x86_64.sh", null)]
    public void Wrappers_are_asked_too_and_scripts_are_not(string command, string? program) =>
        Assert.Equal(program, QemuProbe.ProgramOf(command.Split(' ')) is { } found ? string.Join(' ', found) : null);

    [Fact]
    public void A_program_that_fails_or_is_missing_or_hangs_has_no_answer()
    {
        Assert.Equal("yes\n", QemuProbe.TryRun(["echo", "yes"], 10_000));
        Assert.Null(QemuProbe.TryRun(["false"], 10_000));
        Assert.Null(QemuProbe.TryRun(["/nowhere/qemu-system-x86_64"], 10_000));
        Assert.Null(QemuProbe.TryRun(["sh", "-c", "sleep 1000; true"], 100)); // the child goes with it
        Assert.Equal("", QemuProbe.TryRun(["cat"], 10_000)); // no input to wait for
    }

    private QemuProbe Probe(string device, string? options) => new(command =>
    {
        _asked.Add(string.Join(' ', command));
        return command[^1] == "help" ? Devices.Replace("{0}", device, StringComparison.Ordinal) : options;
    });
}
