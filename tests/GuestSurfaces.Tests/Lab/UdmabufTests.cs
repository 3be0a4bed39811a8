// SPDX-License-Identifier: MIT
using System.Text.RegularExpressions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>The direct rung over a real /dev/udmabuf, which build machines lack: in L1, whose kernel is a stock one. Each rung is taken away in turn.</summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "B")]
public sealed partial class UdmabufTests(StableMachine l1) : IClassFixture<StableMachine>
{
    private const string StockLimits = "echo 1024 > list_limit; echo 64 > size_limit_mb";
    private const string RaisedLimits = "echo 4096 > list_limit; echo 256 > size_limit_mb";
    private const string Unsealed = "guest RAM memfd not sealed against shrinking";

    private const string NoDmabufs = "the compositor offers no linux-dmabuf";

    /// <summary>All shapes of ShapeCheck; those that a rule below doesn't name are on the direct rung.</summary>
    private static readonly string[] s_shapes = ["whole", "offset", "unsealed", "hugetlb", "crop", "fragments", "outputs", "4K", "8K"];

    [Fact]
    public void Guest_pages_are_dma_bufs_of_a_real_kernel_within_its_limits_and_declined_beyond() => l1.Try(() =>
    {
        var stock = Check(StockLimits, "udmabuf");
        Assert.Contains("ok     2000 fragments are too many", stock, StringComparison.Ordinal);
        Assert.Contains("ok     68 MiB are too many", stock, StringComparison.Ordinal);
        var raised = Check(RaisedLimits, "udmabuf");
        Assert.Contains("ok     2000 fragments become a dma-buf", raised, StringComparison.Ordinal);
        Assert.Contains("ok     68 MiB become a dma-buf", raised, StringComparison.Ordinal);
    });

    [Fact]
    public void A_dma_buf_tells_of_every_fence_in_it_and_a_timeline_of_its_points() => l1.Try(() =>
        Assert.Contains("ok     and has with it", Check($"{StockLimits}; modprobe vkms", "fences"), StringComparison.Ordinal));

    /// <summary>A stock kernel has all mechanisms, and /dev/udmabuf: what must be denied, what must not, and a control.</summary>
    [Fact]
    public void A_device_is_denied_what_it_never_needs_and_makes_dma_bufs_all_the_same() => l1.Try(() =>
    {
        const string inFolder = "D=$(mktemp -d /tmp/home.XXXXXX); trap 'rm -rf $D' EXIT; ";
        var isolated = l1.Run(inFolder + Program("isolation") + " $D");
        TestContext.Current.TestOutputHelper?.WriteLine(isolated);
        Assert.Contains("reads a file in the home folder: denied", isolated, StringComparison.Ordinal);
        Assert.Contains("connects by TCP: denied", isolated, StringComparison.Ordinal);
        Assert.Contains("\nisolated: ", isolated, StringComparison.Ordinal);
        Assert.Contains("pages become a dma-buf", isolated, StringComparison.Ordinal);
        var control = l1.Run(inFolder + Program("isolation") + " $D off");
        Assert.DoesNotContain(": denied", control, StringComparison.Ordinal);
        Assert.Contains("became another program", control, StringComparison.Ordinal);
    });

    [Fact]
    public void Within_the_stock_limits_every_shape_is_shown_and_beyond_them_copied() => l1.Try(() => AssertShapes("weston-drm+feedback", StockLimits, new()
    {
        ["unsealed"] = Unsealed,
        ["fragments"] = "udmabuf list limit 1024 < 2025 entries",
        ["8K"] = "udmabuf size limit 64 MiB < 127 MiB",
    }));

    [Fact]
    public void With_raised_limits_thousands_of_fragments_and_8K_need_no_copy() => l1.Try(() => AssertShapes("sway-drm", RaisedLimits, new() { ["unsealed"] = Unsealed }));

    [Fact]
    public void Without_the_device_every_shape_is_copied() => l1.Try(() => AssertShapes(
        "weston-drm",
        "mv /dev/udmabuf /dev/udmabuf.away; trap 'mv /dev/udmabuf.away /dev/udmabuf' EXIT",
        s_shapes.ToDictionary(static shape => shape, static _ => "/dev/udmabuf can't be opened (ENOENT)")));

    [Fact]
    public void Without_a_compositor_that_takes_dma_bufs_every_shape_is_copied() => l1.Try(() => AssertShapes(
        "sway-drm+pixman",
        RaisedLimits,
        s_shapes.ToDictionary(static shape => shape, static shape => shape == "unsealed" ? $"{Unsealed}; also, {NoDmabufs}" : NoDmabufs)));

    private void AssertShapes(string compositor, string setUp, Dictionary<string, string> reasons)
    {
        var output = l1.Run(
            $$"""
            set -e
            ( cd /sys/module/udmabuf/parameters; {{StockLimits}} )
            cd /sys/module/udmabuf/parameters; {{setUp}}; cd - > /dev/null
            echo 48 > /proc/sys/vm/nr_hugepages
            tests/lab/compositors.sh up {{compositor}} /tmp/w 640x480 > /dev/null
            {{Program("shapes")}} "$(cat /tmp/w/display)" || { tail -n 20 /tmp/w/compositor.log; exit 1; }
            """ + "\n",
            480);
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        l1.Run("tests/lab/compositors.sh down /tmp/w; echo 0 > /proc/sys/vm/nr_hugepages");
        var shown = ShapeLine().Matches(output).ToDictionary(static m => m.Groups["name"].Value);
        Assert.Equal(s_shapes, shown.Keys);
        Assert.All(s_shapes, shape =>
        {
            var line = shown[shape];
            var isDirect = !reasons.TryGetValue(shape, out var reason);
            Assert.Equal("right", line.Groups["picture"].Value);
            Assert.Equal((isDirect ? "direct" : "copy", reason ?? ""), (line.Groups["rung"].Value, line.Groups["reason"].Value));
            Assert.Equal(isDirect, line.Groups["copied"].Value == "0");
        });
    }

    /// <summary>Fails unless every check is well.</summary>
    private string Check(string setUp, string what)
    {
        var output = l1.Run($"( cd /sys/module/udmabuf/parameters; {setUp} ); {Program(what)}");
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        return output;
    }

    private string Program(string command) => $"\"$DOTNET_ROOT/dotnet\" {l1.Programs}/lab-shot.dll {command}";

    [GeneratedRegex(@"^SHAPE (?<name>\w+) rung=(?<rung>\w+) copied=(?<copied>\d+) picture=(?<picture>\w+) pinned=\d+ reason=(?<reason>.*?)\r?$", RegexOptions.Multiline)]
    private static partial Regex ShapeLine();
}
