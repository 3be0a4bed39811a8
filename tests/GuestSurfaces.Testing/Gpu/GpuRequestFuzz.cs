// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Virtio.Gpu;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>Takes the input as one request, byte for byte, on both queues of a device that shows a 2D resource (1) and a blob (2).</summary>
public static class GpuRequestFuzz
{
    /// <summary>The longest request: a slot's room.</summary>
    public const int MaxBytes = 4000;

    private static readonly Limits s_limits = new() { MaxHostPixelBytes = 4 << 20 };

    /// <summary>Runs one input.</summary>
    /// <param name="input">Any bytes; the rest of a longer one is ignored.</param>
    public static void Run(ReadOnlySpan<byte> input)
    {
        var request = input[..Math.Min(input.Length, MaxBytes)];
        using var gpu = new GpuHarness(limits: s_limits);
        gpu.Show2D(1, 64, 64);
        gpu.ShowBlob(2, 64, 64, scanout: 1);
        var room = 24 + (request.Length * 7 % 1200);
        var slot = gpu.Control.Post(request, 0, 0, room);
        var cursorSlot = gpu.Cursor.Post(request, 0, 0, 24);
        gpu.Kick();
        gpu.KickCursor();
        gpu.Run(100_000_000);
        gpu.Device.StopQueue(0);
        gpu.Control.Collect();
        if (gpu.Control.IsPending(slot) || gpu.Cursor.IsPending(cursorSlot))
            throw new InvalidOperationException("a request was not answered");
        var length = gpu.Control.UsedLength(slot);
        var answer = gpu.Answer(slot).Type;
        if (length < 24 || length > room || answer is < VirtioGpuResponse.OkNoData or > VirtioGpuResponse.InvalidParameter)
            throw new InvalidOperationException($"an answer of {length} bytes in {room}: {answer}");
        if (gpu.Device.HostPixelBytes > s_limits.MaxHostPixelBytes)
            throw new InvalidOperationException("more host memory than the limit");
    }
}
