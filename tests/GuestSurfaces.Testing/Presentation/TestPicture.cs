// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Testing.Presentation;

/// <summary>A guest's framebuffer: storage, view, and pixels that a test draws.</summary>
public sealed class TestPicture : IBufferProducer, IDisposable
{
    public TestPicture(int width, int height, DrmFormat? format = null, bool isDmabuf = false, uint offsetBytes = 0, uint extraStride = 0, uint extraBytes = 0)
    {
        var stride = ((uint)width * 4) + extraStride;
        var bytes = offsetBytes + (stride * (ulong)height) + extraBytes;
        if (isDmabuf)
        {
            // The fake compositor takes any file for a dma-buf; so does a real one, until it looks.
            var memory = MemFdHandle.TryCreateSealed("test-picture", bytes, out _)!;
            Storage = BufferStorage.FromDmabufs([memory.Duplicate<DmabufHandle>()], this);
            Memory = SharedRegion.TryOpen(memory, 0, bytes, mayMap: true, out _)!;
        }
        else
        {
            Storage = BufferStorage.TryAllocate("test-picture", bytes, this, out _)!;
            Memory = Storage.Pixels!;
        }

        View = new BufferView(new BufferSize(width, height), format ?? DrmFormat.Xrgb8888, DrmModifier.Linear, offsetBytes, stride);
    }

    public BufferStorage Storage { get; }

    public BufferView View { get; }

    public SharedRegion Memory { get; }

    public int Unlocks { get; private set; }

    public BufferRect Whole => View.Size.Whole;

    public void OnUnlocked(BufferStorage storage) => Unlocks++;

    public void Set(int x, int y, uint pixel)
    {
        var plane = View.Plane(0);
        Memory.TryWrite(plane.OffsetBytes + ((ulong)y * plane.StrideBytes) + ((ulong)x * 4), in pixel);
    }

    public uint Get(int x, int y)
    {
        var plane = View.Plane(0);
        return Memory.TryRead(plane.OffsetBytes + ((ulong)y * plane.StrideBytes) + ((ulong)x * 4), out uint pixel) ? pixel : throw new InvalidOperationException();
    }

    public TestPicture Fill(BufferRect rect, Func<int, int, uint> pixel)
    {
        for (var y = rect.Y; y < rect.Bottom; y++)
        {
            for (var x = rect.X; x < rect.Right; x++)
                Set(x, y, pixel(x, y));
        }

        return this;
    }

    public void Dispose()
    {
        Storage.Drop();
        Memory.Dispose();
    }

    /// <summary>No two neighbours alike, garbage in alpha.</summary>
    public TestPicture FillPattern(uint seed = 0) => Fill(Whole, (x, y) => Pattern(x, y, seed));

    public static uint Pattern(int x, int y, uint seed = 0) => unchecked((uint)((x * 73_856_093) ^ (y * 19_349_663)) + (seed * 2_654_435_761u)) | 0x5a00_0000;
}
