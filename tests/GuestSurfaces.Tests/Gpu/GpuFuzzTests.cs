// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.Fuzzing;
using GuestSurfaces.Testing.Gpu;
using Xunit;

namespace GuestSurfaces.Tests.Gpu;

public sealed class GpuFuzzTests
{
    [Fact]
    public void Requests_of_any_bytes_are_answered_once() =>
        Assert.InRange(FuzzRun.Run("virtio-gpu", GpuRequestFuzz.MaxBytes, GpuRequestFuzz.Run), 10, int.MaxValue);

    [Fact]
    public void Whole_lives_of_a_device_stay_within_its_limits_and_leave_nothing_behind()
    {
        long frames = 0;
        Assert.InRange(FuzzRun.Run("virtio-gpu-life", 4000, input => frames += GpuCommandFuzz.Run(input)), 10, int.MaxValue);
        Assert.True(frames > 50, "the corpus doesn't get as far as the display");
    }
}
