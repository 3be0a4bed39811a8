// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// Guests that run by KVM inside the lab's machine, whose kernel emulates it; compositor and guest-surfaces run in there too. The guest says the checksum of
/// what it drew; the compositor's screenshot must have it.
/// </summary>
[Trait("Tier", "D")]
public sealed class NestedGuestTests
{
    // QEMU 7.2, which has vhost-user devices with KVM only, which few build machines have.
    [Theory]
    [InlineData("bookworm", "weston10/host/6.1/flip")]
    [InlineData("bookworm", "weston10/host/6.12/damage", Explicit = true)]
    public void The_screen_shows_every_pixel_that_the_nested_guest_drew(string root, params string[] cases)
    {
        LabBench.Require();
        var folder = Directory.CreateTempSubdirectory("gs-nested");
        try
        {
            var output = LabProcess.Run(
                LabBench.ScriptPath("l1/cases.sh"),
                [folder.FullName, "--root", root, "--program", Environment.GetEnvironmentVariable("GS_PROGRAM") ?? AppContext.BaseDirectory, .. cases],
                TimeSpan.FromMinutes(15));
            TestContext.Current.TestOutputHelper?.WriteLine(output);
            foreach (var name in cases)
            {
                var line = output.Split('\n').Single(l => l.StartsWith($"{name} GS-HOLD", StringComparison.Ordinal));
                var picture = Picture.ReadPng(Path.Combine(folder.FullName, name.Replace('/', '-'), "shot.png"));
                Assert.Equal(LabBench.ParseHold(line)!.Value.Crc, picture.Crc);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
