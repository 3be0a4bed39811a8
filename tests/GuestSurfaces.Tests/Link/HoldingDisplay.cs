// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Sessions;

namespace GuestSurfaces.Tests.Link;

/// <summary>A frame that a display has, by reference.</summary>
internal sealed class HeldFrame(int scanout, GuestFrame frame)
{
    public int Scanout { get; } = scanout;

    public GuestFrame Frame { get; } = frame;
}

/// <summary>A display whose compositor is the test: it holds what it is given until told to answer and to let go.</summary>
internal sealed class HoldingDisplay(IDisplayEvents events) : IGuestDisplay
{
    public List<HeldFrame> Held { get; } = [];

    public Dictionary<int, (CursorImage Image, int X, int Y)> Cursors { get; } = [];

    public Dictionary<int, string> Shows { get; } = [];

    public GuestFrame Last => Held[^1].Frame;

    public int Presented { get; private set; }

    /// <summary>Latches the newest frame of a scanout.</summary>
    public void Latch(int scanout = 0, long timeNs = 1) => events.Latched(scanout, Held.FindLast(h => h.Scanout == scanout)!.Frame.Serial, timeNs);

    /// <summary>Lets go of all frames but the newest of each scanout.</summary>
    public void ReleaseOld()
    {
        foreach (var held in Held.ToArray())
        {
            if (Held.FindLast(h => h.Scanout == held.Scanout) != held)
                Release(held);
        }
    }

    public void ReleaseAll()
    {
        foreach (var held in Held.ToArray())
            Release(held);
    }

    public void Release(HeldFrame held)
    {
        Held.Remove(held);
        held.Frame.Acquire.Fence?.Dispose();
        held.Frame.Storage.Unlock();
    }

    public void Present(int scanout, in GuestFrame frame)
    {
        Presented++;
        Held.Add(new HeldFrame(scanout, frame));
        Shows[scanout] = "frame";
    }

    public void Disable(int scanout)
    {
        Shows[scanout] = "nothing";
        Settle(scanout);
        if (Cursors.Remove(scanout, out var cursor))
            cursor.Image.Storage?.Unlock();
    }

    public void Blank(int scanout)
    {
        Shows[scanout] = "black";
        Settle(scanout);
    }

    public void SetCursor(int scanout, in CursorImage image, int x, int y)
    {
        if (Cursors.TryGetValue(scanout, out var old))
            old.Image.Storage?.Unlock();
        Cursors[scanout] = (image, x, y);
    }

    public void MoveCursor(int scanout, int x, int y)
    {
        if (Cursors.TryGetValue(scanout, out var cursor))
            Cursors[scanout] = cursor with { X = x, Y = y };
    }

    public static uint Pixel(in GuestFrame frame, int x, int y)
    {
        var plane = frame.View.Plane(0);
        return frame.Storage.Pixels!.TryRead(plane.OffsetBytes + ((ulong)y * plane.StrideBytes) + ((ulong)x * 4), out uint pixel) ? pixel : 0xdead_dead;
    }

    private void Settle(int scanout)
    {
        foreach (var held in Held.FindAll(h => h.Scanout == scanout))
        {
            events.Superseded(scanout, held.Frame.Serial);
            Release(held);
        }
    }
}
