// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using GuestSurfaces.Core.Diagnostics;

namespace GuestSurfaces.Lab;

/// <summary>A guest that goes on flipping while nobody looks, and is seen again later: it is answered all the time, within a user's time, and is as fast as before at once.</summary>
internal static class PauseCheck
{
    private const int Sample = 60; // flips before and after
    private const int Recovering = 2;
    private const int SecondsToTrust = 30; // the guest's pages come back when frames were taken for a second

    /// <summary>
    /// Hides a guest and shows it again, a line for each way: <c>PAUSE what=… former_hz=… paused_hz=… resumed_hz=… share=… …</c>, how long a flip was held in milliseconds (median, 99.9 %,
    /// longest) over all of it, and by which rung it was shown before, when it had been hidden for so long, and in the end: when the guest's pages were back (<c>back_s</c>), or not in half a minute. Resumed are the flips after the second.
    /// </summary>
    /// <param name="display">The compositor's socket; windows must get the whole screen there.</param>
    /// <param name="seconds">How long it is hidden.</param>
    /// <param name="ways">Of three each: a name, a shell command that hides it and one that shows it again.</param>
    /// <returns>0.</returns>
    public static int Run(string display, int seconds, string[] ways)
    {
        using var guest = new FlippingGuest(display, "full", patienceMs: 0);
        var flips = 0u;
        for (var i = 0; i < FlippingGuest.Buffers; i++)
            guest.Draw((uint)i, ColourScreen.Palette[i]);
        FlipWhile(() => flips < Sample); // the runtime has compiled what is hot, the window is there
        FlipUntilDirect(); // and none of that was a reason to show copies
        for (var i = 0; i + 2 < ways.Length; i += 3)
        {
            var stats = guest.Statistics;
            var unprotected = stats.UnprotectedFlips;
            stats.FlushToGuest.Clear();
            var before = stats.Rung.Rung;
            var former = Rate();
            using (var hide = Start(ways[i + 1]))
                FlipWhile(() => !hide.HasExited);
            var (begun, watch) = (flips, Stopwatch.StartNew());
            FlipWhile(() => watch.Elapsed.TotalSeconds < seconds);
            var paused = (flips - begun) / watch.Elapsed.TotalSeconds;
            var hidden = stats.Rung.Rung;
            using (var show = Start(ways[i + 2]))
                FlipWhile(() => !show.HasExited);
            begun = flips;
            FlipWhile(() => flips < begun + Recovering);
            var resumed = Rate();
            var back = FlipUntilDirect();
            var hold = stats.FlushToGuest;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"PAUSE what={ways[i]} sync={stats.SyncMode} former_hz={former:0.0} paused_hz={paused:0.0} resumed_hz={resumed:0.0} share={resumed / former:0.00}"
                + $" hold_ms={hold.PercentileNs(0.5) / 1e6:0.0}/{hold.PercentileNs(0.999) / 1e6:0.0}/{hold.MaxNs / 1e6:0.0} flips={hold.Count} unprotected={stats.UnprotectedFlips - unprotected}"
                + $" rungs={before},{hidden},{stats.Rung.Rung} back_s={back:0.0}"));
        }

        return 0;

        double Rate()
        {
            var (from, watch) = (flips, Stopwatch.StartNew());
            FlipWhile(() => flips < from + Sample);
            return Sample / watch.Elapsed.TotalSeconds;
        }

        double FlipUntilDirect()
        {
            var watch = Stopwatch.StartNew();
            FlipWhile(() => guest.Statistics.Rung.Rung != Rung.Direct && watch.Elapsed.TotalSeconds < SecondsToTrust);
            return watch.Elapsed.TotalSeconds;
        }

        void FlipWhile(Func<bool> condition)
        {
            while (condition())
                guest.Wait(guest.Flip(flips++ % FlippingGuest.Buffers));
        }
    }

    private static Process Start(string command) => Process.Start("sh", ["-c", command]);
}
