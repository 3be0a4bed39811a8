// SPDX-License-Identifier: MIT
using System.Text.Json;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>
/// The doctor on a machine with udmabuf, KVM, QEMU 11.1 and a compositor on a display, and on the same machine with one thing really taken away: L1, whose administrator the tests are.
/// </summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "D")]
public sealed class DoctorTests(StableMachine l1) : IClassFixture<StableMachine>
{
    private const string Weston = "weston-drm+feedback";

    [Fact]
    public void Nothing_slows_down_a_machine_that_has_everything() => l1.Try(() =>
    {
        var (exitCode, report) = Examine();
        Assert.Equal((0, "yes", true), (exitCode, report.GetProperty("direct").GetString(), report.GetProperty("works").GetBoolean()));
        Assert.Empty(Slow(report));
        Assert.Contains("was booted on it", Find(report, "kvm").GetProperty("observation").GetString(), StringComparison.Ordinal);
    });

    /// <summary>How it is taken away, in a shell of L1's; the finding; whether pictures are still shown without a copy; its fix.</summary>
    [Theory]
    [InlineData("forbid 600", "udmabuf", "no", "may not open", "70-guest-surfaces.rules")]
    [InlineData("forbid 660", "udmabuf", "no", "may not open", "usermod -aG kvm", Explicit = true)]
    [InlineData("mv /dev/udmabuf /dev/udmabuf.away", "udmabuf", "no", "not there (ENOENT)", "modprobe udmabuf")]
    [InlineData("echo 1024 > /sys/module/udmabuf/parameters/list_limit", "udmabuf-limits", "partly", "at most 1024 pieces", "echo 16384 | sudo tee /sys/module/udmabuf/parameters/list_limit")]
    [InlineData("echo 64 > /sys/module/udmabuf/parameters/size_limit_mb", "udmabuf-limits", "partly", "64 MiB a buffer", "echo 127 | sudo tee /sys/module/udmabuf/parameters/size_limit_mb", Explicit = true)]
    [InlineData("mv /dev/kvm /dev/kvm.away", "kvm", "yes", "software emulation", "modprobe")]
    [InlineData("PATH=${PATH#*:}", "qemu", "no", "10.0: no device that passes blobs on", "trixie-backports")]
    [InlineData("unset WAYLAND_DISPLAY", "compositor", "no", "WAYLAND_DISPLAY isn't set", "Wayland session")]
    [InlineData("WAYLAND_DISPLAY=nobody", "compositor", "no", "nobody", "Wayland session", Explicit = true)]
    [InlineData("vm='-accel kvm -m 1G -object memory-backend-memfd,id=m,size=1G,share=on,seal=off -machine q35,memory-backend=m'", "vm-memory", "no", "unsealed", "-object memory-backend-memfd,id=m,size=1G,share=on")]
    public void What_is_taken_away_is_named_with_its_fix_and_nothing_else(string defect, string id, string direct, string says, string fix) => l1.Try(() => AssertNamed(Examine(defect), id, direct, says, fix));

    [Fact]
    public void A_compositor_without_dma_bufs_is_named_with_its_fix_and_nothing_else() => l1.Try(() =>
        AssertNamed(Examine("", "weston-drm+pixman"), "linux-dmabuf", "no", "takes no dma-bufs", "weston --renderer=gl"));

    private static void AssertNamed((int ExitCode, JsonElement Report) seen, string id, string direct, string says, string fix)
    {
        Assert.Equal(1, seen.ExitCode);
        Assert.Equal([id], Slow(seen.Report));
        Assert.Equal(direct, seen.Report.GetProperty("direct").GetString());
        var finding = Find(seen.Report, id);
        Assert.Contains(says, finding.GetProperty("observation").GetString(), StringComparison.Ordinal);
        Assert.Contains(finding.GetProperty("fix").EnumerateArray(), step => step.GetString()!.Contains(fix, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Slow(JsonElement report) => report.GetProperty("findings").EnumerateArray()
        .Where(static f => f.GetProperty("severity").GetString() is "slower" or "broken").Select(static f => f.GetProperty("id").GetString()!);

    private static JsonElement Find(JsonElement report, string id) => report.GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("id").GetString() == id);

    private (int ExitCode, JsonElement Report) Examine(string defect = "", string compositor = Weston)
    {
        // A QEMU of another root in front of the machine's own, as an administrator has it who compiled one.
        var output = l1.Run(
            $$"""
            set -e
            [ -e /dev/kvm ] || modprobe kvm_amd
            mkdir -p /tmp/bin
            printf '#!/bin/sh\nexec %s/tests/lab/in-root.sh vmm qemu-system-x86_64 "$@"\n' "$PWD" > /tmp/bin/qemu-system-x86_64
            chmod +x /tmp/bin/qemu-system-x86_64
            tests/lab/compositors.sh up {{compositor}} /tmp/w 640x480 > /dev/null
            echo 16384 > /sys/module/udmabuf/parameters/list_limit; echo 127 > /sys/module/udmabuf/parameters/size_limit_mb
            export XDG_RUNTIME_DIR=/tmp/w WAYLAND_DISPLAY="$(cat /tmp/w/display)" PATH="/tmp/bin:$PATH"
            repair() {
                for device in kvm udmabuf; do [ ! -e /dev/$device.away ] || mv /dev/$device.away /dev/$device; done
                [ ! -e /tmp/nodev ] || { umount /dev/udmabuf /tmp/nodev; rmdir /tmp/nodev; }
                tests/lab/compositors.sh down /tmp/w
            }
            # Nobody may open a device on such a file system, not even root, who needs the rest of the machine for QEMU's root.
            forbid() {
                mkdir /tmp/nodev
                mount -t tmpfs -o nodev tmpfs /tmp/nodev
                mknod -m "$1" /tmp/nodev/udmabuf c $(stat -c '0x%t 0x%T' /dev/udmabuf)
                mount --bind /tmp/nodev/udmabuf /dev/udmabuf
            }
            trap repair EXIT
            vm=''
            {{defect}}
            code=0
            {{l1.Programs}}/guest-surfaces doctor --json ${vm:+-- qemu-system-x86_64 $vm} > /share/doctor.json 2> /tmp/doctor.err || code=$?
            cat /tmp/doctor.err
            echo "EXIT $code"
            """ + "\n",
            240);
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        var text = File.ReadAllText(l1["doctor.json"]);
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        return (int.Parse(output[(output.LastIndexOf("EXIT ", StringComparison.Ordinal) + 5)..].Trim(), System.Globalization.CultureInfo.InvariantCulture), JsonDocument.Parse(text).RootElement);
    }
}
