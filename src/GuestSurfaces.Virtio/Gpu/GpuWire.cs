// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Virtio.Gpu;

// The structs of virtio 1.3 §5.7.6.8, little-endian, as linux/virtio_gpu.h lays them out; sizes and offsets are compared with that header by a test.
// Bodies begin after the 24-byte header. Values are the guest's: checked where they are used, never here.

/// <summary>virtio_gpu_ctrl_hdr's flags.</summary>
[Flags]
internal enum GpuFlags : uint
{
    None = 0,
    Fence = 1,
    InfoRingIndex = 2,
}

/// <summary>virtio_gpu_ctrl_hdr: in front of every request and every reply.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GpuHeader
{
    public const int Bytes = 24;

    public uint Type;
    public GpuFlags Flags;
    public ulong FenceId;
    public uint ContextId;
    public byte RingIndex;
    private readonly byte _pad0;
    private readonly byte _pad1;
    private readonly byte _pad2;

    public readonly bool IsFenced => (Flags & GpuFlags.Fence) != 0;
}

/// <summary>virtio_gpu_rect.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GpuRect
{
    public uint X;
    public uint Y;
    public uint Width;
    public uint Height;

    /// <summary>Whether it lies inside a size; only then does it fit a <see cref="BufferRect"/>.</summary>
    public readonly bool FitsIn(BufferSize size) => (ulong)X + Width <= (ulong)size.Width && (ulong)Y + Height <= (ulong)size.Height;

    /// <summary>The part inside a size.</summary>
    public readonly BufferRect ClipTo(BufferSize size)
    {
        var left = Math.Min(X, (ulong)size.Width);
        var top = Math.Min(Y, (ulong)size.Height);
        var right = Math.Min((ulong)X + Width, (ulong)size.Width);
        var bottom = Math.Min((ulong)Y + Height, (ulong)size.Height);
        return new BufferRect((int)left, (int)top, (int)(right - left), (int)(bottom - top));
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct ResourceCreate2DBody
{
    public uint ResourceId;
    public uint Format;
    public uint Width;
    public uint Height;
}

/// <summary>UNREF, DETACH_BACKING, ASSIGN_UUID: a resource and padding.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ResourceBody
{
    public uint ResourceId;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SetScanoutBody
{
    public GpuRect Rect;
    public uint ScanoutId;
    public uint ResourceId;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ResourceFlushBody
{
    public GpuRect Rect;
    public uint ResourceId;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TransferToHost2DBody
{
    public GpuRect Rect;
    public ulong Offset;
    public uint ResourceId;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct AttachBackingBody
{
    public uint ResourceId;
    public uint EntryCount;
}

/// <summary>virtio_gpu_mem_entry.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MemoryEntry
{
    public const int Bytes = 16;

    public ulong Address;
    public uint Length;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct GetEdidBody
{
    public uint Scanout;
    public uint Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ResourceCreateBlobBody
{
    public const uint MemoryGuest = 1;
    public const uint FlagsKnown = 7;
    public const uint FlagCrossDevice = 4;

    public uint ResourceId;
    public uint BlobMemory;
    public uint BlobFlags;
    public uint EntryCount;
    public ulong BlobId;
    public ulong Size;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SetScanoutBlobBody
{
    public GpuRect Rect;
    public uint ScanoutId;
    public uint ResourceId;
    public uint Width;
    public uint Height;
    public uint Format;
    public uint Padding;
    public uint Stride0;
    public uint Stride1;
    public uint Stride2;
    public uint Stride3;
    public uint Offset0;
    public uint Offset1;
    public uint Offset2;
    public uint Offset3;
}

/// <summary>UPDATE_CURSOR and MOVE_CURSOR. x and y are signed in practice: Linux sends negative places near the left and top edges.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CursorBody
{
    public uint ScanoutId;
    public int X;
    public int Y;
    public uint PositionPadding;
    public uint ResourceId;
    public uint HotX;
    public uint HotY;
    public uint Padding;
}
