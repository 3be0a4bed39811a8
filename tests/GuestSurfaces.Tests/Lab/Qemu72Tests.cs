// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// Debian 12's QEMU 7.2 has vhost-user devices with KVM only, which few build machines have: these guests run by KVM inside a VM that emulates it.
/// Compositor and guest-surfaces run in that VM too.
/// </summary>
public sealed class Qemu72Tests
{
    [Fact]
    public void The_screen_shows_every_pixel_under_QEMU_7_2_with_KVM()
    {
        LabBench.Require();
        string[] cases = ["6.1/flip", "6.12/damage"];
        var folder = Directory.CreateTempSubdirectory("gs-qemu72");
        try
        {
            var output = LabProcess.Run(
                LabBench.ScriptPath("l1/qemu72.sh"), [folder.FullName, "--program", AppContext.BaseDirectory, .. cases], TimeSpan.FromMinutes(12));
            foreach (var name in cases)
            {
                var line = output.Split('\n').Single(l => l.StartsWith($"{name} GS-HOLD", StringComparison.Ordinal));
                var picture = Picture.ReadPng(Path.Combine(folder.FullName, name.Replace('/', '-'), "shot.png"));
                Assert.Equal(LabBench.ParseHold(line)!.Value.Crc, picture.Crc);
            }

            TestContext.Current.TestOutputHelper?.WriteLine(output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
