// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing.Screenshots;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What a compositor in the lab's machine offers and shows.</summary>
internal static partial class L1Desktop
{
    /// <summary>Starts a compositor, lists its globals, ends it.</summary>
    /// <param name="l1">The machine.</param>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <returns>The highest version of each interface.</returns>
    public static IReadOnlyDictionary<string, int> Globals(L1Machine l1, string compositor)
    {
        var output = l1.Run($"""
            set -e
            tests/lab/compositors.sh up {compositor} /tmp/w 1024x768
            trap 'tests/lab/compositors.sh down /tmp/w' EXIT
            XDG_RUNTIME_DIR=/tmp/w WAYLAND_DISPLAY=$(cat /tmp/w/display) timeout 60 wayland-info
            """);
        return InterfaceLine().Matches(output)
            .GroupBy(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture))
            .ToDictionary(group => group.Key, group => group.Max());
    }

    /// <summary>Shows fake-guest's test card in full screen, and compares each pixel of the compositor's screenshot.</summary>
    /// <param name="l1">The machine.</param>
    /// <param name="compositor">As compositors.sh names it.</param>
    /// <param name="size">Of its output and of the card, WIDTHxHEIGHT.</param>
    public static void AssertShowsTestCard(L1Machine l1, string compositor, string size)
    {
        l1.Run($"""
            set -e
            tests/lab/compositors.sh up {compositor} /tmp/w {size}
            export XDG_RUNTIME_DIR=/tmp/w WAYLAND_DISPLAY=$(cat /tmp/w/display)
            {l1.Programs}/guest-surfaces fake-guest card --size {size} --fullscreen > /share/program.log 2>&1 &
            echo $! > /tmp/w/program.pid
            """);
        try
        {
            var expected = TestCard(size).Crc;
            LabBench.WaitUntil(() => Shoot().Crc == expected, TimeSpan.FromMinutes(4), "the screen shows the test card");
        }
        finally
        {
            l1.Run("kill $(cat /tmp/w/program.pid); tests/lab/compositors.sh down /tmp/w");
        }

        Picture Shoot()
        {
            l1.Run($"kill -0 $(cat /tmp/w/program.pid) && tests/lab/compositors.sh shot {compositor} /tmp/w /share/shot.png");
            return Picture.ReadPng(l1["shot.png"]);
        }
    }

    private static Picture TestCard(string size)
    {
        var side = size.Split('x').Select(int.Parse).ToArray();
        var rgb = new byte[side[0] * side[1] * 3];
        for (var i = 0; i < rgb.Length / 3; i++)
        {
            var pixel = TestPictures.Pixel("card", new BufferSize(side[0], side[1]), 0, i % side[0], i / side[0]);
            (rgb[i * 3], rgb[(i * 3) + 1], rgb[(i * 3) + 2]) = ((byte)(pixel >> 16), (byte)(pixel >> 8), (byte)pixel);
        }

        return new Picture(side[0], side[1], rgb);
    }

    [GeneratedRegex(@"interface: '(\w+)',\s+version:\s+(\d+)")]
    private static partial Regex InterfaceLine();
}
