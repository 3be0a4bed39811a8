// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;
using GuestSurfaces.Presentation.Buffers;

namespace GuestSurfaces.Presentation.Conversion;

/// <summary>Where targets come from. Thread: the helper's.</summary>
internal interface ITargetMemory : IDisposable
{
    /// <summary>Allocates a buffer.</summary>
    /// <param name="size">In pixels.</param>
    /// <param name="choice">What to make.</param>
    /// <param name="view">What was made.</param>
    /// <param name="reason">Why nothing was, without a full stop.</param>
    /// <returns>Its planes (the caller's), or null.</returns>
    DmabufHandle[]? TryAllocate(BufferSize size, DmabufTarget choice, out BufferView? view, out string reason);
}

/// <summary>Buffers as the GPU's driver lays them out. Source: gbm.h.</summary>
/// <param name="gbm">The library.</param>
/// <param name="device">Adopted.</param>
/// <param name="node">Adopted: the device's node.</param>
internal sealed class GbmMemory(Gbm gbm, GbmDevice device, FileHandle node) : ITargetMemory
{
    /// <inheritdoc/>
    public DmabufHandle[]? TryAllocate(BufferSize size, DmabufTarget choice, out BufferView? view, out string reason)
    {
        view = null;

        // A layout that only the driver knows (INVALID) can't be told to the compositor: what it took it for would be a guess.
        var modifiers = choice.Modifiers.Where(static modifier => modifier != DrmModifier.Invalid).Select(static modifier => modifier.Value).ToArray();
        reason = $"the compositor takes {choice.Format} only with a layout of its own";
        if (modifiers.Length == 0)
            return null;
        var buffer = Create(size, choice, modifiers, choice.IsScanout, out var modifier);
        if (buffer == default && choice.IsScanout)
            buffer = Create(size, choice, modifiers, mayScanOut: false, out modifier);
        reason = $"GBM has no {choice.Format} buffer of {size} in a layout that the compositor takes";
        if (buffer == default)
            return null;
        var planes = new DmabufHandle[gbm.GetPlaneCount(buffer)];
        var layouts = new PlaneLayout[planes.Length];
        var count = 0;
        while (count < planes.Length && count < PlaneLayouts.MaxPlanes && gbm.TryGetPlane(buffer, count, out var offset, out var stride) is { } plane)
        {
            planes[count] = plane;
            layouts[count] = new PlaneLayout(count, offset, stride);
            count++;
        }

        gbm.DestroyBuffer(buffer); // the dma-bufs hold its memory
        if (count == planes.Length && count > 0)
        {
            view = new BufferView(size, choice.Format, modifier, layouts);
            return planes;
        }

        foreach (var plane in planes.AsSpan(0, count))
            plane.Dispose();
        reason = "out of file descriptors";
        return null;
    }

    // Drivers that know no modifiers (software ones) don't say which layout they took. One can be asked for without any: rows that follow one another.
    private GbmBuffer Create(BufferSize size, DmabufTarget choice, ReadOnlySpan<ulong> modifiers, bool mayScanOut, out DrmModifier modifier)
    {
        var buffer = gbm.CreateBuffer(device, size.Width, size.Height, choice.Format.Fourcc, modifiers, mayScanOut);
        modifier = buffer == default ? DrmModifier.Invalid : new DrmModifier(gbm.GetModifier(buffer));
        if (modifier != DrmModifier.Invalid)
            return buffer;
        if (buffer != default)
            gbm.DestroyBuffer(buffer);
        modifier = DrmModifier.Linear;
        return choice.Modifiers.Contains(modifier) ? gbm.CreateLinearBuffer(device, size.Width, size.Height, choice.Format.Fourcc, mayScanOut) : default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        gbm.DestroyDevice(device);
        node.Dispose();
    }
}

/// <summary>Buffers of plain memory with rows one after the other: where no DRM device is to be had.</summary>
/// <param name="udmabuf">Makes dma-bufs of memfds; adopted.</param>
internal sealed class UdmabufMemory(IUdmabufDevice udmabuf) : ITargetMemory
{
    // What linear buffers need on the GPUs that are pickiest.
    private const uint StrideAlignment = 256;

    // Rows that no picture has, but memory: renderers write in blocks. Mesa's llvmpipe 25.0 writes 4x4 pixels at a time, beyond an imported buffer's last row.
    private const uint BlockRows = 16;

    /// <summary>Opens the kernel's maker of dma-bufs.</summary>
    public static (IUdmabufDevice? Device, GpuFailure? Missing) OpenDevice()
    {
        var device = UdmabufHandle.TryOpen(out var errno);
        return device is null
            ? (null, new GpuFailure($"{UdmabufHandle.DevicePath} can't be opened: {errno}", $"load the kernel's module udmabuf, and let this user open {UdmabufHandle.DevicePath}"))
            : (device, null);
    }

    /// <inheritdoc/>
    public DmabufHandle[]? TryAllocate(BufferSize size, DmabufTarget choice, out BufferView? view, out string reason)
    {
        view = null;
        reason = $"the compositor doesn't take {choice.Format} with layout {DrmModifier.Linear}";
        if (!choice.Modifiers.Contains(DrmModifier.Linear))
            return null;
        var stride = (((uint)size.Width * sizeof(uint)) + StrideAlignment - 1) & ~(StrideAlignment - 1);
        var page = (ulong)Environment.SystemPageSize;
        var rows = ((uint)size.Height + BlockRows - 1) & ~(BlockRows - 1);
        var bytes = (((ulong)stride * rows) + page - 1) & ~(page - 1);
        using var memory = MemFdHandle.TryCreateSealed("guest-surfaces-converted", bytes, out var errno);
        var dmabuf = memory is null ? null : udmabuf.TryCreate([new UdmabufItem(memory, 0, bytes)], out errno);
        reason = $"{UdmabufHandle.DevicePath} makes no dma-buf of {bytes >> 20} MiB: {errno}";
        if (dmabuf is null)
            return null;
        view = new BufferView(size, choice.Format, DrmModifier.Linear, 0, stride);
        return [dmabuf];
    }

    /// <inheritdoc/>
    public void Dispose() => udmabuf.Dispose();
}
