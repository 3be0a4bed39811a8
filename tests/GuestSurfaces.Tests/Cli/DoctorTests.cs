// SPDX-License-Identifier: MIT
using System.Text.Json;
using GuestSurfaces.Cli.Doctor;
using GuestSurfaces.Cli.Hosting;
using GuestSurfaces.Cli.Qemu;
using GuestSurfaces.Cli.Status;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;
using GuestSurfaces.Presentation.Diagnostics;
using GuestSurfaces.Transports.Udmabuf;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>A machine that lacks nothing, from which one thing is taken at a time: the doctor names that thing, and nothing else.</summary>
public sealed class DoctorTests
{
    private static readonly Dictionary<string, uint> s_globals = new[]
    {
        "xdg_wm_base", "wl_shm", "zwp_linux_dmabuf_v1", "wp_viewporter", "wp_presentation", "wp_linux_drm_syncobj_manager_v1", "wp_fifo_manager_v1", "wp_commit_timing_manager_v1",
        "wp_fractional_scale_manager_v1", "wl_seat", "zwp_pointer_constraints_v1", "zwp_relative_pointer_manager_v1", "zwp_tablet_manager_v2", "zwp_keyboard_shortcuts_inhibit_manager_v1", "zxdg_decoration_manager_v1",
        "zwlr_layer_shell_v1",
    }.ToDictionary(static name => name, static _ => 5u);

    private static readonly HostFacts s_perfect = new()
    {
        Qemu = new QemuFacts(["qemu-system-x86_64"], new Version(11, 1), QemuDevice.Generic[0], HasInput: true, HasDBus: true),
        Kvm = new KvmFacts(Errno.None, "QEMU's firmware"),
        Udmabuf = new UdmabufFacts(Errno.None, GroupMay: true, HasModule: true, Errno.None, Errno.None, new UdmabufLimits(16384, 127)),
        Landlock = 6,
        Compositor = Offering([]),
    };

    /// <summary>What is taken away; the finding's id; how bad; whether direct; what the reason says; what the fix says.</summary>
    public static TheoryData<string, string, string, string, string, string> Defects => new()
    {
        { "no udmabuf permission", "udmabuf", "slower", "no", "this user may not open /dev/udmabuf", "sudo usermod -aG kvm $USER" },
        { "no udmabuf permission for anybody", "udmabuf", "slower", "no", "this user may not open /dev/udmabuf", "KERNEL==\"udmabuf\", GROUP=\"kvm\"" },
        { "no udmabuf", "udmabuf", "slower", "no", "there is no /dev/udmabuf", "sudo modprobe udmabuf" },
        { "no udmabuf in this kernel", "udmabuf", "slower", "no", "this kernel has no udmabuf", "CONFIG_UDMABUF" },
        { "udmabuf refuses", "udmabuf", "slower", "no", "udmabuf refuses sealed memory (EINVAL)", "4.20" },
        { "no sealing", "udmabuf", "slower", "no", "this kernel seals no memory (ENOSYS)", "CONFIG_MEMFD_CREATE" },
        { "list limit", "udmabuf-limits", "slower", "partly", "in more than 1024 pieces", "echo 16384 | sudo tee /sys/module/udmabuf/parameters/list_limit" },
        { "size limit", "udmabuf-limits", "slower", "partly", "larger than 64 MiB", "echo 127 | sudo tee /sys/module/udmabuf/parameters/size_limit_mb" },
        { "no KVM", "kvm", "slower", "yes", "", "sudo modprobe kvm_intel || sudo modprobe kvm_amd" },
        { "no KVM permission", "kvm", "slower", "yes", "", "sudo usermod -aG kvm $USER" },
        { "KVM hangs", "kvm", "slower", "yes", "", "-accel tcg" },
        { "no Landlock", "isolation", "lesser", "yes", "", "lsm=" },
        { "no seccomp", "isolation", "lesser", "yes", "", "CONFIG_SECCOMP_FILTER" },
        { "no QEMU", "qemu", "slower", "no", "no VMM was found", "sudo apt install qemu-system-x86" },
        { "old QEMU", "qemu", "slower", "no", "QEMU 10.0 has no device that passes blobs on", "trixie-backports" },
        { "QEMU without input", "qemu-input", "lesser", "yes", "", "newer" },
        { "QEMU without D-Bus", "qemu-dbus", "lesser", "yes", "", "qemu-system-modules-opengl" },
        { "no compositor", "compositor", "broken", "no", "there is no compositor", "Wayland session" },
        { "compositor not named", "compositor", "broken", "no", "there is no compositor", "export WAYLAND_DISPLAY=wayland-1" },
        { "no windows", "compositor", "broken", "no", "the compositor shows no windows", "desktop" },
        { "no linux-dmabuf", "linux-dmabuf", "slower", "no", "the compositor offers no linux-dmabuf", "WLR_RENDERER=gles2" },
        { "no XR24 LINEAR", "linux-dmabuf", "slower", "no", "no dma-bufs of guests' layout", "GPU" },
        { "no feedback", "linux-dmabuf", "lesser", "yes", "", "" },
        { "no viewporter", "viewporter", "lesser", "yes", "", "" },
        { "no presentation time", "presentation-time", "lesser", "yes", "", "" },
        { "no explicit sync", "explicit-sync", "lesser", "yes", "", "" },
        { "no fifo", "fifo", "lesser", "yes", "", "" },
        { "no commit timing", "commit-timing", "lesser", "yes", "", "" },
        { "no fractional scale", "fractional-scale", "lesser", "yes", "", "" },
        { "no seat", "seat", "lesser", "yes", "", "" },
        { "no pointer lock", "pointer-constraints", "lesser", "yes", "", "" },
        { "no graphics tablets", "tablet", "lesser", "yes", "", "" },
    };

    [Fact]
    public void A_machine_that_lacks_nothing_is_told_so_and_nothing_else()
    {
        var diagnosis = Diagnosis.Of(s_perfect, []);
        Assert.All(diagnosis.Findings, static f => Assert.Equal((Severity.Good, 0), (f.Severity, f.Fix.Count)));
        Assert.Equal((true, true, DirectVerdict.Yes, 0), (diagnosis.Works, diagnosis.IsFast, diagnosis.Direct, diagnosis.Because.Count));
    }

    [Theory]
    [MemberData(nameof(Defects))]
    public void One_defect_is_named_with_its_fix_and_no_other(string defect, string id, string severity, string direct, string because, string fix)
    {
        var diagnosis = Diagnosis.Of(With(defect), []);
        var finding = Assert.Single(diagnosis.Findings, static f => f.Severity != Severity.Good);
        Assert.Equal((id, severity), (finding.Id, finding.Severity.ToString().ToLowerInvariant()));
        Assert.Contains(fix, string.Join('\n', finding.Fix), StringComparison.Ordinal);
        Assert.Equal(fix.Length == 0, finding.Fix.Count == 0);
        Assert.Equal(direct, diagnosis.Direct.ToString().ToLowerInvariant());
        Assert.Contains(because, string.Join('\n', diagnosis.Because), StringComparison.Ordinal);
        Assert.Equal(because.Length == 0 ? 0 : 1, diagnosis.Because.Count);
        Assert.Equal((severity == "broken", severity is "slower" or "broken"), (!diagnosis.Works, !diagnosis.IsFast));
    }

    [Theory]
    [InlineData("", "vm-memory", "good", "")]
    [InlineData("-object memory-backend-memfd,id=m,size=4G,share=on -machine q35,memory-backend=m", "vm-memory", "good", "")]
    [InlineData("-object memory-backend-memfd,id=m,size=4G,seal=off -machine q35,memory-backend=m", "vm-memory", "slower", "-object memory-backend-memfd,id=m,size=4G")]
    [InlineData("-object memory-backend-file,id=m,size=4G,mem-path=/dev/shm/x,share=on -machine memory-backend=m", "vm-memory", "slower", "memory-backend-memfd,id=m,size=4G,share=on")]
    [InlineData("-object memory-backend-file,id=m,size=4G,mem-path=/dev/shm/x,share=on -numa node,memdev=m", "vm-memory", "slower", "memory-backend-memfd,id=m,size=4G,share=on")]
    [InlineData("-object memory-backend-ram,id=m,size=4G -machine memory-backend=m", "vm-command", "broken", "share=on")]
    [InlineData("-vga std", "vm-command", "broken", "leave -vga out")]
    public void A_command_line_is_judged_too(string options, string id, string severity, string fix)
    {
        var diagnosis = Diagnosis.Of(s_perfect, ["qemu-system-x86_64", "-accel", "kvm", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        var finding = Assert.Single(diagnosis.Findings, f => f.Id == id);
        Assert.Equal(severity, finding.Severity.ToString().ToLowerInvariant());
        Assert.Contains(fix, string.Join('\n', finding.Fix), StringComparison.Ordinal);
        Assert.Equal(severity == "good" ? DirectVerdict.Yes : DirectVerdict.No, diagnosis.Direct);
        Assert.Equal(severity == "good" ? 0 : 1, diagnosis.Findings.Count(static f => f.Severity != Severity.Good));
    }

    [Theory]
    [InlineData("qemu-system-x86_64 -m 1G", "-accel kvm")]
    [InlineData("qemu-system-x86_64 -accel tcg", "-accel kvm")]
    [InlineData("qemu-system-x86_64 -enable-kvm", "")]
    [InlineData("qemu-system-x86_64 -machine q35,accel=kvm", "")]
    [InlineData("kvm -m 1G", "")]
    public void Emulation_where_there_is_KVM_is_told(string command, string fix)
    {
        var finding = Assert.Single(Diagnosis.Of(s_perfect, command.Split(' ')).Findings, static f => f.Id == "vm-accelerator");
        Assert.Contains(fix, string.Join('\n', finding.Fix), StringComparison.Ordinal);
        Assert.Equal(fix.Length == 0, finding.Severity == Severity.Good);
        Assert.DoesNotContain(Diagnosis.Of(With("no KVM"), command.Split(' ')).Findings, static f => f.Id == "vm-accelerator");
    }

    [Fact]
    public void An_old_QEMU_without_KVM_runs_no_guests_at_all()
    {
        var old = s_perfect with { Qemu = s_perfect.Qemu! with { Version = new Version(7, 2), Device = QemuDevice.Gpu } };
        Assert.True(Diagnosis.Of(old, []).Works);
        var diagnosis = Diagnosis.Of(old with { Kvm = With("KVM hangs").Kvm }, []);
        Assert.False(diagnosis.Works);
        Assert.Contains("KVM only", diagnosis.Findings.Single(static f => f.Severity == Severity.Broken).Observation, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_VMMs_are_told_of_where_they_are()
    {
        var facts = s_perfect with { Qemu = null, OtherVmms = [new OtherVmm("crosvm", "crosvm 0.1", TakesGpu: true), new OtherVmm("cloud-hypervisor", "cloud-hypervisor v40", TakesGpu: false)] };
        var diagnosis = Diagnosis.Of(facts, []);
        Assert.Equal(["crosvm", "cloud-hypervisor"], diagnosis.Findings.Where(static f => f.Area == Area.Vmm).Select(static f => f.Id));
        Assert.Equal(DirectVerdict.Yes, diagnosis.Direct);
    }

    [Fact]
    public void A_running_guest_says_its_own_reason()
    {
        var stats = new StatsReport { Rung = "copy", Reason = "udmabuf list limit 1024 < 2025 entries", Remedy = "raise it", FlushToCommitUs = new(0, 0, 0), FlushToGuestUs = new(0, 0, 0) };
        var finding = GuestChecks.Judge(new StatusSnapshot { Name = "work", Transport = "vhost-user", Frontend = "connected", Stats = stats });
        Assert.Equal((Severity.Slower, "copy: udmabuf list limit 1024 < 2025 entries", "raise it"), (finding.Severity, finding.Observation, Assert.Single(finding.Fix)));
    }

    [Theory]
    [InlineData(1024, 64, "7680x4320 needs 127 MiB; a guest's picture can be in more pieces (1920x1080 up to 2025, 3840x2160 up to 8100). What doesn't fit is copied", "list_limit size_limit_mb")]
    [InlineData(16384, 127, "enough for every screen up to 7680x4320", "")]
    [InlineData(16383, 127, "16384", "list_limit")]
    [InlineData(16384, 126, "126 MiB", "size_limit_mb")]
    [InlineData(1, 1, "1920x1080 needs 8 MiB", "size_limit_mb")]
    public void Only_the_limit_that_is_too_low_is_to_be_raised(uint entries, uint mib, string says, string limits)
    {
        var finding = KernelChecks.JudgeLimits(new UdmabufLimits(entries, mib));
        Assert.Equal(limits.Length == 0 ? Severity.Good : Severity.Slower, finding.Severity);
        Assert.Contains(says, finding.Observation, StringComparison.Ordinal);
        var named = new[] { "list_limit", "size_limit_mb" }.Where(name => finding.Fix.Any(step => step.EndsWith(name, StringComparison.Ordinal)));
        Assert.Equal(limits.Split(' ', StringSplitOptions.RemoveEmptyEntries), named);
    }

    [Theory]
    [InlineData(6, Errno.None, Errno.None, "files, TCP, signals and abstract sockets confined (Landlock 6)", "")]
    [InlineData(9, Errno.None, Errno.None, "(Landlock 9)", "")]
    [InlineData(4, Errno.None, Errno.None, "files, TCP confined (Landlock 4)", "6.12")]
    [InlineData(1, Errno.None, Errno.None, "files confined (Landlock 1)", "6.12")]
    [InlineData(0, Errno.EOPNOTSUPP, Errno.None, "Landlock: this kernel was started without it", "lsm=")]
    [InlineData(6, Errno.None, Errno.ENOSYS, "seccomp: this kernel was built without it", "CONFIG_SECCOMP_FILTER")]
    public void What_a_device_can_give_up_on_this_kernel_is_told(int landlock, Errno withoutLandlock, Errno withoutSeccomp, string says, string fix)
    {
        var finding = KernelChecks.JudgeIsolation(landlock, withoutLandlock, withoutSeccomp);
        Assert.Contains(says, finding.Observation, StringComparison.Ordinal);
        Assert.Equal(fix.Length == 0, finding.Severity == Severity.Good);
        Assert.Contains(fix, string.Join('\n', finding.Fix), StringComparison.Ordinal);
    }

    [Fact]
    public void People_read_the_verdict_first_and_only_commands_are_wider_than_80_columns()
    {
        var text = new StringWriter();
        DiagnosisView.Print(text, Diagnosis.Of(With("no udmabuf permission for anybody") with { Compositor = Offering(["zwp_linux_dmabuf_v1"]) }, ["qemu-system-x86_64"]));
        var lines = text.ToString().TrimEnd('\n').Split('\n').Select(static l => l.TrimEnd()).ToList();
        Assert.Equal("direct  no, because this user may not open /dev/udmabuf; the compositor offers", lines[0]);
        Assert.Equal("        no linux-dmabuf", lines[1]);
        Assert.All(lines.Where(static l => !l.StartsWith("             ", StringComparison.Ordinal) && !l.Contains("fix: ", StringComparison.Ordinal)), static l => Assert.InRange(l.Length, 0, 80));
        Assert.Contains("        fix: echo 'KERNEL==\"udmabuf\", GROUP=\"kvm\", MODE=\"0660\", TAG+=\"uaccess\"' | sudo tee /etc/udev/rules.d/70-guest-surfaces.rules", lines);
        Assert.DoesNotContain('\u001b', text.ToString());
        Assert.Equal(["This VM", "VMM", "Kernel", "Compositor"], lines.Where(static l => l.Length > 0 && !l.StartsWith(' ') && !l.Contains("  ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Json_has_the_keys_that_help_promises()
    {
        using var json = JsonDocument.Parse(Diagnosis.Of(With("list limit"), []).ToJson());
        var root = json.RootElement;
        Assert.Equal(["schema", "works", "direct", "because", "findings"], root.EnumerateObject().Select(static p => p.Name));
        Assert.Equal((1, true, "partly"), (root.GetProperty("schema").GetInt32(), root.GetProperty("works").GetBoolean(), root.GetProperty("direct").GetString()));
        var finding = root.GetProperty("findings").EnumerateArray().Single(static f => f.GetProperty("id").GetString() == "udmabuf-limits");
        Assert.Equal(["id", "area", "severity", "subject", "observation", "fix"], finding.EnumerateObject().Select(static p => p.Name));
        Assert.Equal(("kernel", "slower"), (finding.GetProperty("area").GetString(), finding.GetProperty("severity").GetString()));
        Assert.Equal(2, finding.GetProperty("fix").GetArrayLength());
    }

    [Fact]
    public void Ids_are_unique()
    {
        var ids = Diagnosis.Of(s_perfect, ["qemu-system-x86_64"]).Findings.Select(static f => f.Id).ToList();
        Assert.Equal(ids.Distinct(), ids);
    }

    private static HostFacts With(string defect) => defect switch
    {
        "no udmabuf permission" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Opened = Errno.EACCES } },
        "no udmabuf permission for anybody" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Opened = Errno.EACCES, GroupMay = false } },
        "no udmabuf" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Opened = Errno.ENOENT } },
        "no udmabuf in this kernel" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Opened = Errno.ENOENT, HasModule = false } },
        "udmabuf refuses" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Exported = Errno.EINVAL } },
        "no sealing" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Sealing = Errno.ENOSYS } },
        "list limit" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Limits = new UdmabufLimits(1024, 127) } },
        "size limit" => s_perfect with { Udmabuf = s_perfect.Udmabuf with { Limits = new UdmabufLimits(16384, 64) } },
        "no KVM" => s_perfect with { Kvm = new KvmFacts(Errno.ENOENT) },
        "no KVM permission" => s_perfect with { Kvm = new KvmFacts(Errno.EACCES) },
        "KVM hangs" => s_perfect with { Kvm = new KvmFacts(Errno.None, "QEMU's firmware", "hangs: nothing within 15 s") },
        "no Landlock" => s_perfect with { Landlock = 0, WithoutLandlock = Errno.EOPNOTSUPP },
        "no seccomp" => s_perfect with { WithoutSeccomp = Errno.ENOSYS },
        "no QEMU" => s_perfect with { Qemu = null },
        "old QEMU" => s_perfect with { Qemu = s_perfect.Qemu! with { Version = new Version(10, 0), Device = QemuDevice.Gpu } },
        "QEMU without input" => s_perfect with { Qemu = s_perfect.Qemu! with { HasInput = false } },
        "QEMU without D-Bus" => s_perfect with { Qemu = s_perfect.Qemu! with { HasDBus = false } },
        "no compositor" => s_perfect with { Compositor = null, CompositorProblem = "WAYLAND_DISPLAY isn't set: this isn't a Wayland session" },
        "compositor not named" => s_perfect with { Compositor = null, CompositorProblem = "WAYLAND_DISPLAY isn't set: this isn't a Wayland session", WaylandSockets = ["wayland-1"] },
        "no windows" => s_perfect with { Compositor = Offering(["xdg_wm_base"]) },
        "no linux-dmabuf" => s_perfect with { Compositor = Offering(["zwp_linux_dmabuf_v1"]) },
        "no XR24 LINEAR" => s_perfect with { Compositor = Offering([]) with { Dmabufs = DmabufFeedback.None } },
        "no feedback" => s_perfect with { Compositor = Offering([], dmabufVersion: 3) },
        "no viewporter" => s_perfect with { Compositor = Offering(["wp_viewporter"]) },
        "no presentation time" => s_perfect with { Compositor = Offering(["wp_presentation"]) },
        "no explicit sync" => s_perfect with { Compositor = Offering(["wp_linux_drm_syncobj_manager_v1"]) },
        "no fifo" => s_perfect with { Compositor = Offering(["wp_fifo_manager_v1"]) },
        "no commit timing" => s_perfect with { Compositor = Offering(["wp_commit_timing_manager_v1"]) },
        "no fractional scale" => s_perfect with { Compositor = Offering(["wp_fractional_scale_manager_v1"]) },
        "no seat" => s_perfect with { Compositor = Offering(["wl_seat"]) },
        "no pointer lock" => s_perfect with { Compositor = Offering(["zwp_pointer_constraints_v1"]) },
        "no graphics tablets" => s_perfect with { Compositor = Offering(["zwp_tablet_manager_v2"]) },
        _ => throw new ArgumentOutOfRangeException(nameof(defect), defect, "not known"),
    };

    private static CompositorReport Offering(string[] lacks, uint dmabufVersion = 5)
    {
        var globals = s_globals.Where(global => !lacks.Contains(global.Key)).ToDictionary();
        if (globals.ContainsKey("zwp_linux_dmabuf_v1"))
            globals["zwp_linux_dmabuf_v1"] = dmabufVersion;
        var pairs = new HashSet<DmabufPair> { new(DrmFormat.Xrgb8888, DrmModifier.Linear) };
        return new CompositorReport("wayland-1", globals, new DmabufFeedback(1, [new DmabufTranche(1, IsScanout: false, pairs)]));
    }
}
