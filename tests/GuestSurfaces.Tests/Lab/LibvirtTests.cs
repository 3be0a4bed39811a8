// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What libvirt makes of the documented domain: QEMU, and our device by the convention of JSON files.</summary>
[Trait("Tier", "A")]
public sealed class LibvirtTests
{
    [Fact]
    public void A_vm_that_libvirt_starts_from_the_documented_domain_is_shown_to_who_may_view_it()
    {
        using var bench = new LabBench("weston10");
        var folder = bench["libvirt"];
        using var libvirt = LabProcess.Start(LabBench.ScriptPath("libvirt.sh"), [AppContext.BaseDirectory, folder, "pattern", "100"]);
        LabBench.WaitUntil(() => libvirt.HasExited || Links().Length > 0, LabBench.Patience, "libvirt has started our device");
        Assert.False(libvirt.HasExited, libvirt.Output);
        File.CreateSymbolicLink(bench["guest.link"], Links()[0]);
        bench.StartViewer("guest", "--fullscreen");
        var held = 0u;
        LabBench.WaitUntil(
            () => libvirt.HasExited || (held = File.ReadAllLines(Path.Combine(folder, "serial.log")).Select(LabBench.ParseHold).OfType<(int Head, uint Crc)>().FirstOrDefault().Crc) != 0,
            LabBench.Patience,
            "the guest has drawn");
        Assert.False(libvirt.HasExited, libvirt.Output);
        bench.ShootUntil(picture => picture.Crc == held);
        File.WriteAllText(Path.Combine(folder, "stop"), "");
        Assert.True(libvirt.WaitForExit(TimeSpan.FromSeconds(30)), "libvirt.sh has ended");
        Assert.Equal(0, libvirt.ExitCode);

        string[] Links() => Directory.Exists(Path.Combine(folder, "run")) ? Directory.GetFiles(Path.Combine(folder, "run"), "*.link") : [];
    }
}
