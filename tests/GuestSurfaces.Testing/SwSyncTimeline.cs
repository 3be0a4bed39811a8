// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing;

/// <summary>Fences that a test signals, from the kernel's own means of testing (sw_sync). Disposing it signals what is left. Source: <c>drivers/dma-buf/sw_sync.c</c>.</summary>
public sealed class SwSyncTimeline : IDisposable
{
    /// <summary>Where it is: in debugfs, in kernels with CONFIG_SW_SYNC.</summary>
    public const string Path = "/sys/kernel/debug/sync/sw_sync";

    private const uint CreateFenceNumber = 0xC028_5700;
    private const uint AdvanceNumber = 0x4004_5701;

    private readonly FileHandle _file;

    private SwSyncTimeline(FileHandle file) => _file = file;

    /// <summary>Null, and why, on a kernel without.</summary>
    public static SwSyncTimeline? TryOpen(out Errno errno) => FileHandle.TryOpen(Path, out errno) is { } file ? new SwSyncTimeline(file) : null;

    /// <summary>A fence that signals when the timeline reaches a value.</summary>
    public unsafe SyncFileHandle CreateFence(uint value)
    {
        var request = new FenceRequest { Value = value, Fence = -1 };
        // SAFETY: a pointer to a local of the layout that the number tells.
        if (LibC.ioctl(_file, CreateFenceNumber, &request) < 0)
            throw new SyscallException("creating a fence", LibC.LastErrno);
        return SyncFileHandle.Adopt(request.Fence);
    }

    /// <summary>Lets the timeline go on by one.</summary>
    public unsafe void Advance()
    {
        uint by = 1;
        // SAFETY: a pointer to a local.
        if (LibC.ioctl(_file, AdvanceNumber, &by) < 0)
            throw new SyscallException("signalling fences", LibC.LastErrno);
    }

    public void Dispose() => _file.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct FenceRequest
    {
        public uint Value;
        public fixed byte Name[32];
        public int Fence;
    }
}
