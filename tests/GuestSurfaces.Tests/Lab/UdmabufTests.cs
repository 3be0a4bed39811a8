// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>The direct rung's source side over a real /dev/udmabuf, which build machines lack: in L1, whose kernel is a stock one.</summary>
[Trait("Tier", "B")]
public sealed class UdmabufTests
{
    [Fact]
    public void Guest_pages_are_dma_bufs_of_a_real_kernel_within_its_limits_and_declined_beyond()
    {
        LabBench.Require();
        var l1 = LabBench.ScriptPath("l1.sh");
        var folder = Directory.CreateTempSubdirectory("gs-udmabuf");
        try
        {
            LabProcess.Run(l1, ["up", folder.FullName, "--limit", "300", "--share", AppContext.BaseDirectory], TimeSpan.FromMinutes(8)); // may have to build it
            var check = $"\"$DOTNET_ROOT/dotnet\" '{Path.Combine(AppContext.BaseDirectory, "lab-shot.dll")}' udmabuf";
            var stock = InL1(check);
            Assert.Contains("ok     2000 fragments are too many", stock, StringComparison.Ordinal);
            Assert.Contains("ok     68 MiB are too many", stock, StringComparison.Ordinal);
            var raised = InL1($"cd /sys/module/udmabuf/parameters && echo 4096 > list_limit && echo 256 > size_limit_mb && {check}");
            Assert.Contains("ok     2000 fragments become a dma-buf", raised, StringComparison.Ordinal);
            Assert.Contains("ok     68 MiB become a dma-buf", raised, StringComparison.Ordinal);
        }
        finally
        {
            LabProcess.Run(l1, ["down", folder.FullName], TimeSpan.FromMinutes(1));
            folder.Delete(recursive: true);
        }

        // Fails unless every check is well.
        string InL1(string command)
        {
            var output = LabProcess.Run(l1, ["run", folder.FullName, command, "120"], TimeSpan.FromMinutes(3));
            TestContext.Current.TestOutputHelper?.WriteLine(output);
            return output;
        }
    }
}
