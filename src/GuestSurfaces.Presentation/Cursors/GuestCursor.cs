// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Presentation.Cursors;

/// <summary>A scanout's cursor as the guest last set it. Holds the image's lock until the next image comes.</summary>
internal sealed class GuestCursor
{
    private CursorImage _image;

    /// <summary>How to read the image; another one for each. Null while the cursor is hidden.</summary>
    public BufferView? View { get; private set; }

    /// <summary>The image's pixels; locked while there is a <see cref="View"/>.</summary>
    public BufferStorage? Storage => _image.Storage;

    /// <summary>The image in scanout pixels.</summary>
    public BufferRect Place => new(X - _image.HotX, Y - _image.HotY, _image.Size.Width, _image.Size.Height);

    /// <summary>The hotspot in the image, from the left.</summary>
    public int HotX => _image.HotX;

    /// <summary>From the top.</summary>
    public int HotY => _image.HotY;

    private int X { get; set; }

    private int Y { get; set; }

    /// <summary>Another image and place.</summary>
    /// <param name="image">Taken over.</param>
    /// <param name="x">Of the hotspot, in scanout pixels.</param>
    /// <param name="y">Likewise.</param>
    public void Set(in CursorImage image, int x, int y)
    {
        var old = _image.Storage;
        _image = image;
        View = image.Storage is null ? null : new BufferView(image.Size, DrmFormat.Argb8888, DrmModifier.Linear, 0, (uint)image.Size.Width * sizeof(uint));
        MoveTo(x, y);
        old?.Unlock();
    }

    /// <summary>Another place.</summary>
    /// <param name="x">Of the hotspot, in scanout pixels.</param>
    /// <param name="y">Likewise.</param>
    public void MoveTo(int x, int y) => (X, Y) = (x, y);

    /// <summary>No cursor; the lock goes back.</summary>
    public void Clear() => Set(default, 0, 0);
}
