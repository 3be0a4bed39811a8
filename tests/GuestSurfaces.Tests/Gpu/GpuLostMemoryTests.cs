// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Memory;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Gpu;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Virtio.Gpu;
using Xunit;
using static GuestSurfaces.Virtio.Gpu.VirtioGpuResponse;

namespace GuestSurfaces.Tests.Gpu;

/// <summary>Guest RAM that isn't sealed, and that its VMM cuts while it is shown.</summary>
public sealed class GpuLostMemoryTests
{
    private static readonly WireRect s_whole = new(0, 0, 64, 64);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_last_picture_stays_and_the_reason_tells_until_the_memory_is_back(bool isBlob)
    {
        using var file = FakeRam.Create(GpuHarness.RamBytes, FileSeals.None);
        var memory = new GuestMemory();
        Assert.True(memory.TryAdd(FakeRam.Region(file, 0, GpuHarness.RamBytes)));
        using var gpu = new GpuHarness(new VirtioGpuOptions { ScanoutCount = 1 }, new Limits(), new TimerQueue(new VirtualClock()), memory);
        gpu.Session!.Display = gpu.Display;
        var picture = Picture.Make(64, 64);
        gpu.Draw(GpuHarness.Pixels, picture);
        if (isBlob)
            gpu.ShowBlob(1, 64, 64);
        else
            gpu.Show2D(1, 64, 64);
        Assert.Equal((OkNoData, OkNoData), (Copy(), gpu.Flush(1, s_whole)));
        var reason = gpu.Statistics.SourceRung;

        Assert.Equal(Errno.None, file.Truncate(GpuHarness.Pixels + 4096));
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(isBlob ? OkNoData : InvalidParameter, Copy());
            Assert.Equal(isBlob ? InvalidParameter : OkNoData, gpu.Flush(1, s_whole));
            Assert.Contains("cut", gpu.Statistics.SourceRung.Reason, StringComparison.Ordinal);
            Assert.NotEmpty(gpu.Statistics.SourceRung.Remedy);
        }

        Assert.Equal(isBlob ? 1 : 3, gpu.Display.Frames.Count);

        Assert.Equal(Errno.None, file.Truncate(GpuHarness.RamBytes));
        Assert.Equal((OkNoData, OkNoData), (Copy(), gpu.Flush(1, s_whole)));
        Assert.Equal(reason, gpu.Statistics.SourceRung);

        VirtioGpuResponse Copy() => gpu.Transfer(1, s_whole, 0);
    }
}
