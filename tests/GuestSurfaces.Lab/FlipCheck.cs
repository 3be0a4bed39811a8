// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace GuestSurfaces.Lab;

/// <summary>
/// A guest that fills each of its buffers with one colour, slowly, as soon as it is told that it may: the screen never shows two colours at once. Its control draws on without waiting
/// for that.
/// </summary>
internal static class FlipCheck
{
    private const int InFlight = 8; // of the control's flips: a ring has only so many places

    /// <summary>
    /// Flips, and says what came of it: <c>FLIPS sync=… rung=… window=… flips=… wrong=… unprotected=… …</c>, hold times in milliseconds from flush to answer (median, 99.9 %, longest).
    /// </summary>
    /// <param name="display">The compositor's socket.</param>
    /// <param name="flips">How many.</param>
    /// <param name="window">The guest's size, WIDTHxHEIGHT; "full" for the screen's.</param>
    /// <param name="patienceMs">How long a flip is held at most; 0: as long as a user's.</param>
    /// <param name="isControl">Draws without waiting.</param>
    /// <returns>The exit code: 0 if one colour was shown at a time, 1 if not.</returns>
    public static int Run(string display, int flips, string window, int patienceMs, bool isControl)
    {
        using var guest = new FlippingGuest(display, window, patienceMs);
        foreach (var colour in ColourScreen.Palette)
        {
            for (uint i = 0; i < FlippingGuest.Buffers; i++)
            {
                guest.Draw(i, colour);
                guest.Wait(guest.Flip(i));
                guest.Screen.Learn(colour);
            }
        }

        var stats = guest.Statistics;
        var (unprotected, received, scannedOut) = (stats.UnprotectedFlips, stats.FramesReceived, stats.ZeroCopyPresented);
        stats.FlushToGuest.Clear();
        guest.Screen.Begin();
        var watch = Stopwatch.StartNew();
        var slot = -1;
        for (var i = 0; i < flips; i++)
        {
            var buffer = (uint)i % FlippingGuest.Buffers;
            if (slot >= 0 && (!isControl || guest.Pending == InFlight))
                guest.Wait(slot);
            guest.Draw(buffer, ColourScreen.Palette[i % ColourScreen.Palette.Length]);
            slot = guest.Flip(buffer);
        }

        guest.Wait(slot);
        var seconds = watch.Elapsed.TotalSeconds;
        guest.RunUntil(static () => false, TimeSpan.FromMilliseconds(300)); // for the last ones to be shown
        var shown = guest.Screen.Judge();
        var hold = stats.FlushToGuest;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"FLIPS sync={stats.SyncMode} rung={stats.Rung.Rung.ToString().ToLowerInvariant()} window={window} control={(isControl ? "yes" : "no")} flips={stats.FramesReceived - received}"
            + $" seconds={seconds:0.0} {shown} unprotected={stats.UnprotectedFlips - unprotected} scanned_out={stats.ZeroCopyPresented - scannedOut} copied={stats.BytesCopied}"
            + $" hold_ms={hold.PercentileNs(0.5) / 1e6:0.0}/{hold.PercentileNs(0.999) / 1e6:0.0}/{hold.MaxNs / 1e6:0.0}"));
        foreach (var wrong in shown.Wrong.Take(5))
            Console.WriteLine($"wrong: refresh {wrong.Number} crc {wrong.Crc:x8}");
        return shown.Wrong.Count == 0 ? 0 : 1;
    }
}
