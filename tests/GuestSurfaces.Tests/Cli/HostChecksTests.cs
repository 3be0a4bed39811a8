// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Doctor;
using GuestSurfaces.Interop;
using GuestSurfaces.Transports.Udmabuf;
using Xunit;

namespace GuestSurfaces.Tests.Cli;

/// <summary>What the doctor makes of numbers; what it looks at is this machine's.</summary>
public sealed class HostChecksTests
{
    [Fact]
    public void The_kernels_default_limits_are_told_with_what_they_are_too_small_for_and_the_fix()
    {
        var finding = HostChecks.JudgeLimits(UdmabufLimits.Default);
        Assert.Equal(Severity.Slower, finding.Severity);
        Assert.Equal(
            "at most 1024 pieces of memory and 64 MiB a buffer: 7680x4320 needs 127 MiB; a guest's picture can be in more pieces (1920x1080 up to 2025, 3840x2160 up to 8100). What doesn't fit is copied",
            finding.Observation);
        Assert.Equal("as root: echo 16384 > /sys/module/udmabuf/parameters/list_limit; echo 127 > /sys/module/udmabuf/parameters/size_limit_mb", finding.Fix);
    }

    [Theory]
    [InlineData(16384, 127, "")]
    [InlineData(16383, 127, "list_limit")]
    [InlineData(16384, 126, "size_limit_mb")]
    [InlineData(1, 1, "size_limit_mb")]
    public void Only_the_limit_that_is_too_low_is_to_be_raised(uint entries, uint mib, string limit)
    {
        var finding = HostChecks.JudgeLimits(new UdmabufLimits(entries, mib));
        Assert.Equal(limit.Length == 0 ? Severity.Good : Severity.Slower, finding.Severity);
        var named = new[] { "list_limit", "size_limit_mb" }.Where(name => finding.Fix.Contains(name, StringComparison.Ordinal));
        Assert.Equal(limit.Length == 0 ? [] : [limit], named);
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
        var finding = HostChecks.JudgeIsolation(landlock, withoutLandlock, withoutSeccomp);
        Assert.Contains(says, finding.Observation, StringComparison.Ordinal);
        Assert.Equal(fix.Length == 0, finding.Severity == Severity.Good);
        Assert.Contains(fix, finding.Fix, StringComparison.Ordinal);
    }
}
