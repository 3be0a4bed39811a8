// SPDX-License-Identifier: MIT
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Conformance;

/// <summary>
/// The cursor queue. What is shown can only be compared where it goes over the display socket; elsewhere these cases prove that
/// everything comes back and nothing breaks.
/// </summary>
public static class CursorCases
{
    private const string Spec = "virtio 1.3 §5.7.6.10 cursorq";
    private const uint Side = 64;

    public static IEnumerable<ConformanceCase> All { get; } =
    [
        new("cursor/update-and-move", Spec, static c =>
        {
            var ram = MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, 10, 20, 1, 3, 4));
            if (Display(c) is { } display)
            {
                var expected = new byte[Side * Side * 4];
                c.Guest.Memory.Read(ram, expected);
                c.Check(display.CursorUpdates == 1 && display.CursorPixels.AsSpan().SequenceEqual(expected), "the cursor's pixels aren't those of its resource");
                c.Check(display.CursorPosition == (0, 10, 20) && display.CursorHotSpot == (3, 4), $"the cursor is at {display.CursorPosition}, hot spot {display.CursorHotSpot}");
            }

            Send(c, Request.MoveCursor(0, 30, 40, 1));
            if (Display(c) is { } moved)
                c.Check(moved.CursorPosition == (0, 30, 40) && moved.CursorVisible, $"the cursor is at {moved.CursorPosition}");
        }),
        new("cursor/hidden-by-resource-0", Spec, static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, 10, 20, 1));
            Send(c, Request.UpdateCursor(0, 10, 20, 0));
            if (Display(c) is { } display)
                c.Check(!display.CursorVisible || display.CursorPixels.AsSpan().IndexOfAnyExcept((byte)0) < 0, "resource 0 doesn't hide the cursor");
        }),
        new("cursor/move-with-resource-0-hides", Spec, static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, 10, 20, 1));
            Send(c, Request.MoveCursor(0, 11, 21, 0));
            if (Display(c) is { } display)
                c.Check(!display.CursorVisible, "MOVE_CURSOR with resource 0 doesn't hide the cursor");
        }),
        new("cursor/left-of-the-screen", Spec + ": positions may be negative", static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, unchecked((uint)-5), unchecked((uint)-7), 1, 5, 7));
            Send(c, Request.MoveCursor(0, unchecked((uint)-1), 0, 1));
        }),
        new("cursor/many-moves", Spec, static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, 0, 0, 1));
            for (uint i = 0; i < 500; i++)
                Send(c, Request.MoveCursor(0, i, i, 1));
        }),
        new("cursor/with-room-for-an-answer", Spec + ": some drivers leave some", static c =>
        {
            MakeCursor(c, 1);
            var response = new byte[GpuHeader.SizeBytes];
            c.Guest.SubmitAndWait(c.Vmm.Cursor, Request.UpdateCursor(0, 1, 1, 1), response);
            c.ExpectAlive();
        }),
        new("cursor/of-wrong-size", Spec + ": 64x64", static c =>
        {
            c.MakeResource(1, GpuFormat.B8G8R8A8, 32, 32);
            Send(c, Request.UpdateCursor(0, 1, 1, 1));
            c.MakeResource(2, GpuFormat.B8G8R8A8, 128, 64);
            Send(c, Request.UpdateCursor(0, 1, 1, 2));
        }),
        new("cursor/of-no-resource", Spec, static c => Send(c, Request.UpdateCursor(0, 1, 1, 77))),
        new("cursor/resource-deleted-before-move", Spec, static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, 1, 1, 1));
            c.Ok(Request.Unref(1));
            Send(c, Request.MoveCursor(0, 2, 2, 1));
            Send(c, Request.UpdateCursor(0, 2, 2, 1));
        }),
        new("cursor/on-scanout-16", Spec, static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(16, 1, 1, 1));
            Send(c, Request.MoveCursor(uint.MaxValue, 1, 1, 1));
        }),
        new("cursor/hot-spot-outside", Spec, static c =>
        {
            MakeCursor(c, 1);
            Send(c, Request.UpdateCursor(0, 1, 1, 1, 64, uint.MaxValue));
        }),
        new("cursor/short-request", Spec, static c => Send(c, Request.UpdateCursor(0, 1, 1, 1)[..40])),
        new("cursor/unknown-command", Spec, static c => Send(c, Request.Bare((GpuCommand)0x302, 56))),
        new("cursor/control-command-on-cursor-queue", Spec, static c =>
        {
            var response = new byte[GpuHeader.SizeBytes];
            c.Guest.SubmitAndWait(c.Vmm.Cursor, Request.Create2D(1, GpuFormat.B8G8R8X8, 16, 16), response);
            c.ExpectAlive();
        }),
        new("cursor/cursor-command-on-control-queue", Spec, static c =>
        {
            c.Guest.Send(Request.UpdateCursor(0, 1, 1, 0));
            c.ExpectAlive();
        }),
    ];

    private static ulong MakeCursor(CaseContext c, uint id)
    {
        var ram = c.MakeResource(id, GpuFormat.B8G8R8A8, Side, Side, 12);
        c.Ok(Request.Transfer(id, GpuRect.Of(Side, Side)));
        return ram;
    }

    /// <summary>As Linux sends them: without room for an answer.</summary>
    private static void Send(CaseContext c, byte[] request)
    {
        var written = c.Guest.SubmitAndWait(c.Vmm.Cursor, request, []);
        c.Check(written == 0, $"{written} bytes were written into a chain without a writable part");
        c.ExpectAlive(); // also orders the two queues: the device has done with the cursor
    }

    private static FakeQemuDisplay? Display(CaseContext c)
    {
        c.Vmm.PumpAll();
        return c.Backend.Probe == null && c.Vmm.Display is { SetFeatures: not null } display ? display : null;
    }
}
