// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Tests.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What Weston 14 executes for a client that flips two dma-bufs, which is a guest of the module's or isn't: in L1, which has /dev/udmabuf.</summary>
/// <param name="l1">The machine.</param>
[Trait("Tier", "B")]
public sealed partial class ModuleCountTests(StableMachine l1) : IClassFixture<StableMachine>
{
    private const int Frames = 30;

    [Fact]
    public void A_guest_that_flips_dma_bufs_in_its_frame_costs_Weston_hardly_more_than_an_ordinary_client_and_without_guests_the_module_nothing() => l1.Try(() =>
    {
        var presenter = NativePeer.Build("weston-presenter", "client", "linux-dmabuf-v1", "xdg-shell", "guest-surfaces-weston-v1");
        var module = LabProcess.Run(LabBench.ScriptPath("weston-module.sh"), ["14", Path.Combine(AppContext.BaseDirectory, "weston-module")], TimeSpan.FromMinutes(1)).Trim().Split('\n')[^1];

        // Two at once: a count of instructions is no measure of time.
        var output = l1.Run(
            $$"""
            count() { tests/lab/l1/counts.sh /tmp/counts "$1" '{{module}}' '{{presenter}}' --frames {{Frames}}; }
            count client & client=$!
            count guest && wait $client
            """ + "\n",
            900);
        TestContext.Current.TestOutputHelper?.WriteLine(output);
        var lines = CountLine().Matches(output).ToDictionary(static match => match.Groups["name"].Value);
        var (client, guest) = (lines["client"], lines["guest"]);
        Assert.All([client, guest], static line => Assert.Equal(Frames, Number(line, "repaints")));

        // The median repaint's. What else of the desktop is drawn once in a while is in few; the frame, drawn with each picture, were a twentieth of each.
        Assert.InRange((double)Number(guest, "all") / Number(client, "all"), 0, 1.02);
        Assert.InRange(Number(guest, "odd"), 0, Frames / 4);
        Assert.Equal(0, Number(client, "module"));

        // The guest was one (each of its commits is heard of), and had its frame (more views to go through).
        Assert.True(Number(guest, "module") > 0);
        Assert.True(Number(guest, "weston") > Number(client, "weston"));
    });

    private static long Number(Match line, string group) => long.Parse(line.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^counts (?<name>\w+) \d+ (?<repaints>\d+) (?<all>\d+) (?<module>\d+) (?<weston>\d+) \d+ (?<odd>\d+)\r?$", RegexOptions.Multiline)]
    private static partial Regex CountLine();
}
