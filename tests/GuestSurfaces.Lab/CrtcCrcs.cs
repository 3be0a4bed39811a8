// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using GuestSurfaces.Core.Loop;

namespace GuestSurfaces.Lab;

/// <summary>One refresh of a screen: what its display controller read out.</summary>
/// <param name="Number">Of the refresh; one more than the one before, unless some were missed.</param>
/// <param name="Crc">Over all its pixels, by the driver's own rule.</param>
/// <param name="ReadNs">When this process heard of it, CLOCK_MONOTONIC: after it was on screen.</param>
internal readonly record struct ScreenCrc(uint Number, uint Crc, long ReadNs);

/// <summary>
/// A checksum of each refresh of the only screen, from the kernel (debugfs, <c>crtc-0/crc</c>). Read on a thread of its own: the kernel keeps 128 of them, and a loop that
/// draws in software may be away for longer than that. What is lost all the same shows as a gap between numbers.
/// </summary>
internal sealed class CrtcCrcs : IDisposable
{
    private readonly FileStream _data;
    private readonly Thread _reader;
    private readonly List<ScreenCrc> _crcs = [];
    private volatile bool _isOver;

    private CrtcCrcs(FileStream data)
    {
        _data = data;
        _reader = new Thread(Read) { IsBackground = true, Name = "crc" }; // it ends with the next refresh, and without a compositor there is none
        _reader.Start();
    }

    /// <summary>Starts reading: of a screen that a compositor has switched on.</summary>
    /// <exception cref="InvalidOperationException">There is no such screen.</exception>
    public static CrtcCrcs Open()
    {
        foreach (var device in Directory.GetDirectories("/sys/kernel/debug/dri"))
        {
            var folder = Path.Combine(device, "crtc-0", "crc");
            if (!Directory.Exists(folder))
                continue;
            File.WriteAllText(Path.Combine(folder, "control"), "auto");
            return new CrtcCrcs(new FileStream(Path.Combine(folder, "data"), new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.ReadWrite, BufferSize = 0 }));
        }

        throw new InvalidOperationException("no display tells the checksums of what it shows (debugfs, crtc-0/crc)");
    }

    /// <summary>How many there are by now.</summary>
    public int Count
    {
        get
        {
            lock (_crcs)
                return _crcs.Count;
        }
    }

    /// <summary>Those from an index on.</summary>
    /// <param name="from">0 is the first ever.</param>
    public ScreenCrc[] From(int from)
    {
        lock (_crcs)
            return [.. _crcs[from..]];
    }

    public void Dispose()
    {
        _isOver = true;
        if (_reader.Join(TimeSpan.FromSeconds(2)))
            _data.Dispose();
    }

    private void Read()
    {
        Span<byte> line = stackalloc byte[256];
        while (!_isOver)
        {
            var length = _data.Read(line); // exactly one line
            if (length == 0)
                return;
            var words = Encoding.ASCII.GetString(line[..length]).Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
            var crc = new ScreenCrc(Hex(words[0]), Hex(words[1]), MonotonicClock.Instance.NowNs);
            lock (_crcs)
                _crcs.Add(crc);
        }
    }

    private static uint Hex(string word) => uint.Parse(word.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
