// SPDX-License-Identifier: MIT
using GuestSurfaces.Conformance;
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Tests.Conformance;

/// <summary>
/// A display that copies what it is shown, damage by damage, as a compositor would: pixels outside the damage stay as they were. Read from another thread
/// than it is shown to.
/// </summary>
internal sealed class RememberingDisplay : IGuestDisplay, IPixelProbe
{
    private readonly Lock _lock = new();
    private readonly byte[]?[] _pixels = new byte[]?[Limits.MaxScanouts];
    private readonly BufferSize[] _sizes = new BufferSize[Limits.MaxScanouts];

    public IDisplayEvents? Events { get; set; }

    public void Present(int scanout, in GuestFrame frame)
    {
        lock (_lock)
        {
            if (_sizes[scanout] != frame.Source.Size || _pixels[scanout] is null)
            {
                _sizes[scanout] = frame.Source.Size;
                _pixels[scanout] = new byte[frame.Source.Area * 4];
            }

            for (var i = 0; i < frame.Damage.Count; i++)
                Copy(in frame, frame.Damage[i].Intersect(frame.Source), _pixels[scanout]!);
        }

        frame.Storage.Unlock();
        Events?.Committed(scanout, frame.Serial);
        Events?.Latched(scanout, frame.Serial, 0);
    }

    public void Disable(int scanout)
    {
        lock (_lock)
            _pixels[scanout] = null;
    }

    public void Blank(int scanout) => Disable(scanout);

    public void SetCursor(int scanout, in CursorImage image, int x, int y) => image.Storage?.Unlock();

    public void MoveCursor(int scanout, int x, int y)
    {
    }

    public bool TryReadScanout(int scanout, Span<byte> xrgb, out int w, out int h)
    {
        lock (_lock)
        {
            (w, h) = (_sizes[scanout].Width, _sizes[scanout].Height);
            _pixels[scanout]?.CopyTo(xrgb);
            return _pixels[scanout] is not null;
        }
    }

    // Where each format keeps B, G and R. Source: drm_fourcc.h; four letters, first byte in memory last.
    private static (int B, int G, int R) Order(DrmFormat format) =>
        format == DrmFormat.Xrgb8888 ? (0, 1, 2)
        : format == DrmFormat.Xbgr8888 ? (2, 1, 0)
        : format == DrmFormat.Bgrx8888 ? (3, 2, 1)
        : format == DrmFormat.Rgbx8888 ? (1, 2, 3)
        : throw new ArgumentException($"a scanout is opaque, and this is {format}");

    private static void Copy(in GuestFrame frame, BufferRect damage, byte[] target)
    {
        var plane = frame.View.Plane(0);
        var (b, g, r) = Order(frame.View.Format);
        var row = new byte[damage.Width * 4];
        for (var y = damage.Y; y < damage.Bottom; y++)
        {
            if (!frame.Storage.Pixels!.TryRead(plane.OffsetBytes + ((ulong)y * plane.StrideBytes) + ((ulong)damage.X * 4), row))
                throw new InvalidOperationException("a frame lies outside its storage");
            for (var x = 0; x < damage.Width; x++)
            {
                var to = (((y - frame.Source.Y) * frame.Source.Width) + damage.X - frame.Source.X + x) * 4;
                (target[to], target[to + 1], target[to + 2], target[to + 3]) = (row[(x * 4) + b], row[(x * 4) + g], row[(x * 4) + r], 0);
            }
        }
    }
}
