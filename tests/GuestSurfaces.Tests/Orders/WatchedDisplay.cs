// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Tests.Orders;

/// <summary>Passes everything on to a display, and remembers every storage that was in it.</summary>
internal sealed class WatchedDisplay(IGuestDisplay inner) : IGuestDisplay
{
    private readonly HashSet<BufferStorage> _storages = [];

    /// <summary>All that the display was ever given.</summary>
    public IReadOnlyCollection<BufferStorage> Storages => _storages;

    /// <summary>Does what a display may never do: keeps a lock of the next frame for itself.</summary>
    public bool KeepsALock { get; set; }

    public void Present(int scanout, in GuestFrame frame)
    {
        _storages.Add(frame.Storage);
        if (KeepsALock)
            frame.Storage.Lock();
        KeepsALock = false;
        inner.Present(scanout, in frame);
    }

    public void Disable(int scanout) => inner.Disable(scanout);

    public void Suspend(int scanout) => inner.Suspend(scanout);

    public void Blank(int scanout) => inner.Blank(scanout);

    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        if (image.Storage is { } storage)
            _storages.Add(storage);
        inner.SetCursor(scanout, in image, x, y);
    }

    public void MoveCursor(int scanout, int x, int y) => inner.MoveCursor(scanout, x, y);
}
