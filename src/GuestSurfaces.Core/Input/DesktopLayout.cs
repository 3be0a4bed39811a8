// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;

namespace GuestSurfaces.Core.Input;

/// <summary>
/// Where a guest's pictures lie on its desktop. A user points at a place of one picture, but guests stretch an absolute pointer over all of them together: X, sway
/// and mutter do unless told otherwise. With one picture the place stays as it is.
/// <para>
/// What is known is what each scanout shows. Parts of one large framebuffer lie as they do there (X). Pictures of their own are taken to lie in a row, tops aligned, as
/// desktops begin; where a user has arranged them in another way, or shows one picture twice, the pointer is off.
/// </para>
/// Thread: one; allocates nothing.
/// </summary>
public sealed class DesktopLayout
{
    private const long Scale = InputCodes.AbsoluteMax + 1;

    private readonly BufferRect[] _pictures = new BufferRect[Limits.MaxScanouts];

    /// <summary>A scanout shows something.</summary>
    /// <param name="scanout">0 to 15.</param>
    /// <param name="source">Which part of its framebuffer, in pixels; empty: it is off.</param>
    public void Set(int scanout, BufferRect source) => _pictures[scanout] = source;

    /// <summary>Makes places of one picture places of the desktop.</summary>
    /// <param name="scanout">Whose picture.</param>
    /// <param name="frame">Of an absolute pointer or fingers; changed in place.</param>
    public void Map(int scanout, Span<InputEvent> frame)
    {
        var picture = _pictures[scanout];
        var isOneFramebuffer = false;
        int left = 0, inRow = 0, right = 0, bottom = 0, count = 0;
        for (var i = 0; i < _pictures.Length; i++)
        {
            ref readonly var other = ref _pictures[i];
            if (other.IsEmpty)
                continue;
            count++;
            isOneFramebuffer |= other.X != 0 || other.Y != 0;
            if (i < scanout)
                left += other.Width;
            inRow += other.Width;
            (right, bottom) = (Math.Max(right, other.Right), Math.Max(bottom, other.Bottom));
        }

        if (picture.IsEmpty || count < 2)
            return;
        var (x, y, width) = isOneFramebuffer ? (picture.X, picture.Y, right) : (left, 0, inRow);
        foreach (ref var e in frame)
        {
            if (e.Type != InputEventType.Absolute)
                continue;
            if (e.Code is InputCodes.AbsoluteX or InputCodes.TouchX)
                e = e with { Value = Place(x, e.Value, picture.Width, width) };
            else if (e.Code is InputCodes.AbsoluteY or InputCodes.TouchY)
                e = e with { Value = Place(y, e.Value, picture.Height, bottom) };
        }
    }

    // Rounded up, as the place in the picture is: scaled back to pixels and cut, it is the pixel that was meant.
    private static int Place(int begin, int value, int length, int whole) =>
        (int)Math.Clamp(((begin * Scale) + ((long)value * length) + whole - 1) / whole, 0, InputCodes.AbsoluteMax);
}
