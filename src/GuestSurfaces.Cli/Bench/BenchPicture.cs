// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Interop;

namespace GuestSurfaces.Cli.Bench;

/// <summary>What both runs draw in each frame: one colour into a quarter of the picture, somewhere else each time.</summary>
internal sealed class BenchPicture
{
    private readonly byte[] _row;

    /// <summary>Plans pictures.</summary>
    /// <param name="size">Of the whole.</param>
    public BenchPicture(BufferSize size)
    {
        Size = size;
        _row = new byte[(size.Width / 2) * 4];
    }

    /// <summary>Of the whole.</summary>
    public BufferSize Size { get; }

    /// <summary>From row to row.</summary>
    public int StrideBytes => Size.Width * 4;

    /// <summary>What a frame changes.</summary>
    /// <param name="frame">0 and up; frame 0 is all of it.</param>
    public BufferRect Changes(int frame) => frame == 0
        ? Size.Whole
        : new BufferRect(frame * 16 % (Size.Width - (Size.Width / 2) + 1), frame * 8 % (Size.Height - (Size.Height / 2) + 1), Size.Width / 2, Size.Height / 2);

    /// <summary>Draws a frame's change.</summary>
    /// <param name="pixels">Where to.</param>
    /// <param name="offset">Where the picture starts there.</param>
    /// <param name="frame">Which.</param>
    public void Draw(SharedRegion pixels, ulong offset, int frame)
    {
        var rect = Changes(frame);
        _row.AsSpan().Fill((byte)(frame * 5));
        for (var y = rect.Y; y < rect.Bottom; y++)
        {
            for (var x = rect.X; x < rect.Right; x += _row.Length / 4)
            {
                var width = Math.Min(_row.Length, (rect.Right - x) * 4);
                _ = pixels.TryWrite(offset + ((ulong)y * (uint)StrideBytes) + ((ulong)x * 4), _row.AsSpan(0, width)); // inside: the picture's size is the storage's
            }
        }
    }
}
