// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Interop;
using GuestSurfaces.Testing.VhostUser;

namespace GuestSurfaces.Benchmarks.Peers;

/// <summary>
/// The guests of a measurement, in a process of their own: scripted front-ends that draw, transfer and flush a part of every head, for ever. Killed when
/// enough was measured.
/// </summary>
internal static class FrontendsPeer
{
    private const uint Side = 512;
    private const uint DamageSide = 128;

    /// <summary>The command line of this role.</summary>
    /// <param name="folder">Where the back-ends listen: "0", "1", ….</param>
    /// <param name="guests">How many.</param>
    /// <param name="heads">Scanouts of each.</param>
    /// <param name="hz">Frames a second on each head; 0: as fast as they are answered.</param>
    /// <param name="fenced">Whether flushes are answered only when shown.</param>
    public static string[] Command(string folder, int guests, int heads, int hz, bool fenced) =>
        ["dotnet", Measuring.Places.Self, "frontends", folder, Text(guests), Text(heads), Text(hz), fenced ? "fenced" : "plain"];

    public static int Run(string[] arguments)
    {
        var folder = arguments[0];
        var heads = Number(arguments[2]);
        var hz = Number(arguments[3]);
        var isFenced = arguments[4] == "fenced";
        var guests = new DrawingGuest[Number(arguments[1])];
        for (var i = 0; i < guests.Length; i++)
            guests[i] = new DrawingGuest(Path.Combine(folder, Text(i)), Side, heads);
        using var epoll = EpollHandle.Create();
        Span<EpollResult> results = stackalloc EpollResult[1];
        var frame = 0u;
        for (var due = KernelClock.NowNs(); ;)
        {
            try
            {
                frame++;
                foreach (var guest in guests)
                    DrawFrames(guest, heads, frame, isFenced);
            }
            catch (BackendGoneException)
            {
                return 0; // enough was measured
            }

            if (hz == 0)
                continue;
            due = Math.Max(due + (1_000_000_000 / hz), KernelClock.NowNs()); // late frames aren't made up for
            epoll.WaitUntil(results, due);
        }
    }

    /// <summary>One frame on each head.</summary>
    private static void DrawFrames(DrawingGuest guest, int heads, uint frame, bool isFenced)
    {
        var rect = new GpuRect(frame * 16 % (Side - DamageSide), frame * 48 % (Side - DamageSide), DamageSide, DamageSide);
        for (var head = 0; head < heads; head++)
        {
            guest.Draw(head, 0, rect, (byte)frame);
            guest.Transfer(head, 0, rect);
            guest.Flush(head, 0, rect, isFenced);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
