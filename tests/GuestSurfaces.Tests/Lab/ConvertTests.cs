// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>The convert rung's GPU side by a real Mesa that imports dma-bufs without a DRM device, which build machines' is too old for: in the Debian 13 root.</summary>
public sealed class ConvertTests
{
    [Fact]
    public void Every_format_is_drawn_in_software_as_the_CPU_computes_it()
    {
        LabBench.Require();
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        var check = Path.Combine(AppContext.BaseDirectory, "lab-shot.dll");
        var output = LabProcess.Run(
            LabBench.ScriptPath("in-root.sh"), ["-b", dotnet, "trixie", Path.Combine(dotnet, "dotnet"), check, "convert"], TimeSpan.FromMinutes(4)); // may have to unpack it
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        Assert.Contains("llvmpipe", output, StringComparison.Ordinal);
        foreach (var format in (string[])["XR24", "AR24", "XB24", "AB24", "RX24", "RA24", "BX24", "BA24", "NV12", "P010"])
            Assert.Contains($"ok     {format} ", output, StringComparison.Ordinal);
        Assert.Contains("ok     damage is drawn, and nothing else", output, StringComparison.Ordinal);
        Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
        Assert.Contains("all is well", output, StringComparison.Ordinal);
    }
}
