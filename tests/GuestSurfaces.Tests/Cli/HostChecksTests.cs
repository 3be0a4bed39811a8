// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.Doctor;
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
}
