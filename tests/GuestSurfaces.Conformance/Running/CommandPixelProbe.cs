// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;

namespace GuestSurfaces.Conformance;

/// <summary>
/// Looks at pictures through any screenshot program: the command is run with <c>{scanout}</c> and <c>{file}</c> filled in, and
/// writes a binary PPM (P6) to the file. Exit status 0: there is a picture; 1: the scanout is off.
/// </summary>
/// <param name="command">Words separated by spaces.</param>
public sealed class CommandPixelProbe(string command) : IPixelProbe
{
    public bool TryReadScanout(int scanout, Span<byte> xrgb, out int w, out int h)
    {
        w = h = 0;
        var file = Path.GetTempFileName();
        try
        {
            var words = command
                .Replace("{scanout}", scanout.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("{file}", file, StringComparison.Ordinal)
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            using var process = Process.Start(words[0], words[1..]);
            process.WaitForExit();
            return process.ExitCode switch
            {
                0 => ReadPpm(File.ReadAllBytes(file), xrgb, out w, out h),
                1 => false,
                var code => throw new InvalidOperationException($"the probe command returned {code}: 0 (picture) and 1 (off) are expected"),
            };
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static bool ReadPpm(ReadOnlySpan<byte> ppm, Span<byte> xrgb, out int w, out int h)
    {
        var at = 2;
        w = Number(ppm, ref at);
        h = Number(ppm, ref at);
        var depth = Number(ppm, ref at);
        at++; // the one white space before the pixels
        if (!ppm.StartsWith("P6"u8) || depth != 255 || ppm.Length < at + (w * h * 3) || xrgb.Length < w * h * 4)
            throw new InvalidOperationException("the probe command's file is no P6 picture with 8 bits per channel");
        for (var i = 0; i < w * h; i++)
        {
            xrgb[(4 * i) + 2] = ppm[at + (3 * i)];
            xrgb[(4 * i) + 1] = ppm[at + (3 * i) + 1];
            xrgb[4 * i] = ppm[at + (3 * i) + 2];
            xrgb[(4 * i) + 3] = 0xff;
        }

        return true;
    }

    private static int Number(ReadOnlySpan<byte> ppm, ref int at)
    {
        while (at < ppm.Length && (char.IsWhiteSpace((char)ppm[at]) || ppm[at] == '#'))
        {
            if (ppm[at] == '#')
            {
                while (at < ppm.Length && ppm[at] != '\n')
                    at++;
            }
            else
            {
                at++;
            }
        }

        var value = 0;
        while (at < ppm.Length && char.IsAsciiDigit((char)ppm[at]))
            value = (value * 10) + (ppm[at++] - '0');
        return value;
    }
}
