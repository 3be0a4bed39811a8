// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli;
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Core.Input;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

public sealed class QemuCommandLineTests
{
    private const string Memory = "-object memory-backend-memfd,id=gs-mem,size=128M,share=on -machine memory-backend=gs-mem";
    private const string Device = "-chardev socket,id=gs-gpu,path=/s -device vhost-user-gpu-pci,chardev=gs-gpu";
    private static readonly Dictionary<InputKind, string> s_noInput = [];

    [Fact]
    public void Bare_command_gets_memory_device_no_card_and_no_window() =>
        Assert.Equal($"{Memory} -vga none -display none {Device}", Added("qemu"));

    [Fact]
    public void Users_words_stay_in_front_unchanged_and_each_addition_says_why()
    {
        var line = new QemuCommandLine(["sudo", "qemu", "-m", "1G"]);
        var additions = line.Complete("/s", 1, new QemuDevice(QemuDevice.Gpu, "a card"), s_noInput);
        Assert.Equal(["sudo", "qemu", "-m", "1G", "-object"], line.With(additions).Take(5));
        Assert.All(additions, static a => Assert.NotEmpty(a.Why));
    }

    [Fact]
    public void Keyboard_pointer_and_the_like_are_devices_of_their_own()
    {
        var inputs = new Dictionary<InputKind, string> { [InputKind.Keyboard] = "/k", [InputKind.Pointer] = "/p", [InputKind.Mouse] = "/m", [InputKind.Touch] = "/t", [InputKind.Tablet] = "/g" };
        var additions = new QemuCommandLine(["qemu"]).Complete("/s", 1, new QemuDevice(QemuDevice.Gpu, "a card"), inputs);
        Assert.Equal(
            $"{Memory} -vga none -display none {Device} -chardev socket,id=gs-keyboard,path=/k -device vhost-user-input-pci,chardev=gs-keyboard"
            + " -chardev socket,id=gs-pointer,path=/p -device vhost-user-input-pci,chardev=gs-pointer"
            + " -chardev socket,id=gs-mouse,path=/m -device vhost-user-input-pci,chardev=gs-mouse"
            + " -chardev socket,id=gs-touchscreen,path=/t -device vhost-user-input-pci,chardev=gs-touchscreen"
            + " -chardev socket,id=gs-tablet,path=/g -device vhost-user-input-pci,chardev=gs-tablet",
            string.Join(' ', additions.SelectMany(static a => a.Arguments)));
    }

    [Fact]
    public void Qemu_that_must_be_told_of_the_windows_size_gets_a_display_that_hears_it_unless_the_user_chose_one()
    {
        string With(string command) => string.Join(
            ' ', new QemuCommandLine(command.Split(' ')).Complete("/s", 1, new QemuDevice(QemuDevice.Gpu, "a card"), s_noInput, "/q").SelectMany(static a => a.Arguments));
        Assert.Equal($"{Memory} -vga none -display dbus,p2p=on -qmp unix:/q,server=on,wait=off {Device}", With("qemu"));
        Assert.Equal($"{Memory} -vga none {Device}", With("qemu -display gtk"));
    }

    [Fact]
    public void Several_heads_are_told_to_the_device() => Assert.EndsWith(",chardev=gs-gpu,max_outputs=3", Added("qemu", outputs: 3));

    [Theory]
    [InlineData("vhost-user-test-device-pci")]
    [InlineData("vhost-user-device-pci")]
    public void Generic_device_is_told_what_a_gpu_needs_and_reads_its_heads_from_ours(string device) =>
        Assert.EndsWith($"-device {device},chardev=gs-gpu,virtio-id=16,num_vqs=2,vq_size=256,config_size=16", Added("qemu", outputs: 3, device));

    [Theory]
    [InlineData("qemu -vga none")]
    [InlineData("qemu --vga none")]
    [InlineData("qemu -nodefaults")]
    [InlineData("qemu --nodefaults")]
    public void Graphics_card_that_is_out_already_is_left_alone(string command) => Assert.Equal($"{Memory} -display none {Device}", Added(command));

    [Theory]
    [InlineData("qemu -display gtk")]
    [InlineData("qemu --display none")]
    [InlineData("qemu -nographic")]
    [InlineData("qemu --nographic")]
    public void Users_display_is_left_alone(string command) => Assert.Equal($"{Memory} -vga none {Device}", Added(command));

    [Theory]
    [InlineData("qemu -machine q35,memory-backend=m -object memory-backend-memfd,id=m,size=1G")]
    [InlineData("qemu -M memory-backend=m -object memory-backend-file,id=m,size=1G,mem-path=/dev/shm/x,share=on")]
    [InlineData("qemu --machine memory-backend=m --object memory-backend-ram,id=m,size=1G,share=yes")]
    [InlineData("qemu -machine memory-backend=elsewhere")]
    [InlineData("qemu -numa node,memdev=m -object memory-backend-memfd,id=m,size=1G")]
    public void Memory_that_is_shared_already_is_left_alone(string command) => Assert.Equal($"-vga none -display none {Device}", Added(command));

    [Theory]
    [InlineData("qemu -machine memory-backend=m -object memory-backend-memfd,id=m,size=1G,share=off", "share=on")]
    [InlineData("qemu -machine memory-backend=m -object memory-backend-ram,id=m,size=1G", "share=on")]
    [InlineData("qemu -numa node,memdev=a -object memory-backend-memfd,id=a -object memory-backend-ram,id=b", "share=on")]
    [InlineData("qemu -vga std", "leave -vga out")]
    [InlineData("qemu -vga none --vga qxl", "leave -vga out")]
    [InlineData("qemu -m lots", "-m 2G")]
    [InlineData("qemu -m 0", "-m 2G")]
    [InlineData("qemu -m -5", "-m 2G")]
    public void What_cannot_work_is_refused_with_what_to_do(string command, string remedy) =>
        Assert.Contains(remedy, Assert.Throws<UserErrorException>(() => Added(command)).Remedy, StringComparison.Ordinal);

    [Theory]
    [InlineData("virtio-gpu-pci")]
    [InlineData("virtio-vga-gl,id=v")]
    [InlineData("vhost-user-gpu-pci,chardev=c")]
    [InlineData("vhost-user-vga")]
    [InlineData("VGA")]
    [InlineData("bochs-display")]
    [InlineData("qxl")]
    [InlineData("qxl-vga")]
    [InlineData("cirrus-vga")]
    [InlineData("ramfb")]
    [InlineData("vhost-user-test-device-pci,chardev=c,virtio-id=16")]
    public void Second_graphics_device_is_refused(string device)
    {
        Assert.Contains(device, Assert.Throws<UserErrorException>(() => Added($"qemu -device {device}")).Message, StringComparison.Ordinal);
        Assert.Throws<UserErrorException>(() => Added($"qemu --device {device}"));
    }

    [Fact]
    public void Other_devices_are_none_of_our_business() => Assert.EndsWith(Device, Added("qemu -device virtio-net-pci -device vhost-user-test-device-pci,virtio-id=18 -device"));

    [Fact]
    public void Empty_command_is_refused() => Assert.Throws<UserErrorException>(static () => new QemuCommandLine([]));

    [Theory]
    [InlineData("qemu", 128)]
    [InlineData("qemu -m 2048", 2048)]
    [InlineData("qemu -m 2G", 2048)]
    [InlineData("qemu -m 2g", 2048)]
    [InlineData("qemu -m 1T", 1024 * 1024)]
    [InlineData("qemu -m 512M", 512)]
    [InlineData("qemu -m 1048576K", 1024)]
    [InlineData("qemu -m 1073741824B", 1024)]
    [InlineData("qemu -m size=3G,slots=2,maxmem=8G", 3072)]
    [InlineData("qemu -m slots=2,maxmem=8G,size=3G", 3072)]
    [InlineData("qemu -m 1G,slots=2", 1024)]
    [InlineData("qemu -m slots=2,maxmem=8G", 128)]
    [InlineData("qemu --m 1G -m 2G", 2048)]
    public void Memory_size_is_read_as_qemu_reads_it(string command, long mib) => Assert.Equal(mib, new QemuCommandLine(command.Split(' ')).MemoryMib);

    [Theory]
    [InlineData("qemu -m 9999999999999999999G")]
    [InlineData("qemu -m 9000000000000000000T")]
    [InlineData("qemu -m 100K")]
    [InlineData("qemu -m 5X")]
    [InlineData("qemu -m G")]
    public void Memory_size_that_makes_no_sense_is_refused(string command) =>
        Assert.Throws<UserErrorException>(() => new QemuCommandLine(command.Split(' ')).MemoryMib);

    private static string Added(string command, int outputs = 1, string device = QemuDevice.Gpu) =>
        string.Join(' ', new QemuCommandLine(command.Split(' ')).Complete("/s", outputs, new QemuDevice(device, "why"), s_noInput).SelectMany(static a => a.Arguments));
}
