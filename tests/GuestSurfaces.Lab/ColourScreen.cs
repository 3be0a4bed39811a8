// SPDX-License-Identifier: MIT
using System.Globalization;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing.Screenshots;

namespace GuestSurfaces.Lab;

/// <summary>What a screen showed in a span of time.</summary>
/// <param name="Refreshes">Of which a checksum came.</param>
/// <param name="Missed">Of which none came: gaps between the numbers of those that did.</param>
/// <param name="Changes">How often it was another than the one before.</param>
/// <param name="Wrong">Those that are none of the calibrated ones: two colours at once, or one that was never to be seen.</param>
internal readonly record struct Shown(int Refreshes, long Missed, int Changes, IReadOnlyList<ScreenCrc> Wrong)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"refreshes={Refreshes} missed={Missed} changes={Changes} wrong={Wrong.Count}");
}

/// <summary>
/// Judges a screen by its checksums. A guest that fills each of its buffers with one colour of <see cref="Palette"/> leaves as many different screens as there are colours, as long as
/// nothing is read while it is drawn; their checksums are learnt first, on the same screen and by the same way through the compositor.
/// </summary>
internal sealed class ColourScreen : IDisposable
{
    /// <summary>An odd number: so each of two buffers has them all in turn.</summary>
    public static readonly uint[] Palette = [0xcc2211, 0x1144cc, 0x22bb33, 0xeedd44, 0x774499];

    private const int Steady = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly CrtcCrcs _crcs = CrtcCrcs.Open();
    private readonly Dictionary<uint, uint> _known = [];
    private readonly string _display;
    private readonly Picture _empty;
    private readonly BufferSize _window;
    private readonly Func<Func<bool>, TimeSpan, bool> _goOn;
    private int _from;

    /// <summary>Begins to watch a screen with nothing on it.</summary>
    /// <param name="display">The compositor's socket.</param>
    /// <param name="window">The guest's size, WIDTHxHEIGHT; "full" for the screen's.</param>
    /// <param name="goOn">Lets the compositor's client run until something is so, but no longer than that; says whether it is so.</param>
    public ColourScreen(string display, string window, Func<Func<bool>, TimeSpan, bool> goOn)
    {
        (_display, _goOn, _empty) = (display, goOn, Screenshot.Take(display));
        IsFullscreen = window == "full";
        var side = IsFullscreen ? [_empty.Width, _empty.Height] : window.Split('x').Select(static word => int.Parse(word, CultureInfo.InvariantCulture)).ToArray();
        _window = new BufferSize(side[0], side[1]);
    }

    /// <summary>How big the guest's picture is.</summary>
    public BufferSize Window => _window;

    /// <summary>Whether that is the whole screen.</summary>
    public bool IsFullscreen { get; }

    /// <summary>Learns what the screen is like while one colour is shown on it, which it is from now on. A screenshot says whether it is.</summary>
    /// <param name="colour">Of the palette.</param>
    /// <exception cref="TimeoutException">It isn't shown, there is something else beside it, or it doesn't keep still.</exception>
    public void Learn(uint colour)
    {
        var (inside, outside) = (0, 0);
        var isShown = _goOn(
            () =>
            {
                (inside, outside) = Count(Screenshot.Take(_display), colour);
                return inside == _window.Width * _window.Height && inside + outside == _empty.Width * _empty.Height;
            },
            s_patience);
        if (!isShown)
            throw new TimeoutException($"{inside} pixels of the screen have the colour {colour:x6}, {outside} are as they were before there was a window");
        var from = _crcs.Count;
        var crc = 0u;
        if (!_goOn(() => _crcs.Count >= from + Steady && IsSteady(out crc), s_patience))
            throw new TimeoutException($"the screen with the colour {colour:x6} doesn't keep still");
        if (_known.TryGetValue(crc, out var other) && other != colour)
            throw new InvalidOperationException($"the colours {colour:x6} and {other:x6} have the same checksum, {crc:x8}");
        _known[crc] = colour;
    }

    public void Dispose() => _crcs.Dispose();

    /// <summary>From here on every refresh counts.</summary>
    public void Begin() => _from = _crcs.Count;

    /// <summary>When the screen first had a colour after <see cref="Begin"/>, CLOCK_MONOTONIC: the end of the refresh; null if it hadn't.</summary>
    public long? FirstNs(uint colour)
    {
        foreach (var crc in _crcs.From(_from))
        {
            if (_known.TryGetValue(crc.Crc, out var shown) && shown == colour)
                return crc.ReadNs;
        }

        return null;
    }

    /// <summary>What came since <see cref="Begin"/>.</summary>
    public Shown Judge()
    {
        var seen = _crcs.From(_from);
        long missed = 0;
        var changes = 0;
        for (var i = 1; i < seen.Length; i++)
        {
            missed += seen[i].Number - seen[i - 1].Number - 1;
            changes += seen[i].Crc == seen[i - 1].Crc ? 0 : 1;
        }

        return new Shown(seen.Length, missed, changes, [.. seen.Where(crc => !_known.ContainsKey(crc.Crc))]);
    }

    private bool IsSteady(out uint crc)
    {
        var last = _crcs.From(_crcs.Count - Steady);
        crc = last[0].Crc;
        return Array.TrueForAll(last, one => one.Crc == last[0].Crc);
    }

    private (int Inside, int Outside) Count(Picture shot, uint colour)
    {
        var (inside, outside) = (0, 0);
        for (var y = 0; y < shot.Height; y++)
        {
            for (var x = 0; x < shot.Width; x++)
            {
                inside += shot[x, y] == colour ? 1 : 0;
                outside += shot[x, y] == _empty[x, y] ? 1 : 0;
            }
        }

        return (inside, outside);
    }
}
