// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Testing.Gpu;

/// <summary>One picture as a display got it.</summary>
public sealed record ShownFrame(int Scanout, ulong Serial, BufferStorage Storage, BufferView View, BufferRect Source, DamageList Damage, bool Awaited, long PoppedNs, uint[] Pixels);

/// <summary>One cursor as a display got it; no pixels when it was hidden.</summary>
public sealed record ShownCursor(int Scanout, CursorImage Image, int X, int Y, uint[] Pixels);

/// <summary>A display that keeps what it is given. By default it reads a frame at once and lets go; a test may let it hold on, or settle.</summary>
public sealed class RecordingDisplay : IGuestDisplay
{
    public List<ShownFrame> Frames { get; } = [];

    public List<ShownCursor> Cursors { get; } = [];

    public List<(int Scanout, int X, int Y)> Moves { get; } = [];

    public List<int> Disabled { get; } = [];

    /// <summary>Keeps locks until <see cref="Release"/>.</summary>
    public bool Holds { get; set; }

    /// <summary>Counts and unlocks, and nothing else: for tests that count allocations.</summary>
    public bool OnlyCounts { get; set; }

    public long FrameCount { get; private set; }

    public BufferStorage? LastStorage { get; private set; }

    public ulong LastSerial { get; private set; }

    /// <summary>Told of each frame after it was recorded.</summary>
    public Action<int, ulong>? Presented { get; set; }

    public ShownFrame Last => Frames[^1];

    public void Present(int scanout, in GuestFrame frame)
    {
        FrameCount++;
        LastStorage = frame.Storage;
        LastSerial = frame.Serial;
        if (!OnlyCounts)
            Frames.Add(new ShownFrame(scanout, frame.Serial, frame.Storage, frame.View, frame.Source, frame.Damage, frame.Awaited, frame.PoppedNs, ReadPixels(frame.Storage, frame.View, frame.Source)));
        if (!Holds)
            frame.Storage.Unlock();
        Presented?.Invoke(scanout, frame.Serial);
    }

    public void Disable(int scanout) => Disabled.Add(scanout);

    public void Blank(int scanout) => Disabled.Add(scanout);

    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        var pixels = image.Storage is { } storage
            ? ReadPixels(storage, new BufferView(image.Size, DrmFormat.Argb8888, DrmModifier.Linear, 0, (uint)image.Size.Width * 4), image.Size.Whole)
            : [];
        Cursors.Add(new ShownCursor(scanout, image, x, y, pixels));
        if (!Holds)
            image.Storage?.Unlock();
    }

    public void MoveCursor(int scanout, int x, int y) => Moves.Add((scanout, x, y));

    /// <summary>Lets go of a frame that it holds.</summary>
    public static void Release(ShownFrame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        frame.Storage.Unlock();
    }

    /// <summary>The pixels of a part of a view, row by row without gaps.</summary>
    public static uint[] ReadPixels(BufferStorage storage, BufferView view, BufferRect source)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentNullException.ThrowIfNull(view);
        if (storage.Pixels is not { } bytes)
            return [];
        var pixels = new uint[source.Width * source.Height];
        var plane = view.Plane(0);
        for (var y = 0; y < source.Height; y++)
        {
            var row = System.Runtime.InteropServices.MemoryMarshal.AsBytes(pixels.AsSpan(y * source.Width, source.Width));
            var offset = plane.OffsetBytes + ((ulong)(source.Y + y) * plane.StrideBytes) + ((ulong)source.X * 4);
            if (!bytes.TryRead(offset, row))
                throw new InvalidOperationException("the view reaches beyond its storage");
        }

        return pixels;
    }
}
