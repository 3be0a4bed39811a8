// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text.RegularExpressions;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Testing.Seats;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>A real guest's cursor on a compositor with a seat.</summary>
[Trait("Tier", "A")]
public sealed partial class CursorTests
{
    private const int Width = 1280;
    private const int Height = 800;
    private const int Side = 64;

    [Fact]
    public void A_cursor_that_changes_while_the_guest_flips_is_where_the_pointer_is_and_costs_no_flips()
    {
        using var bench = new LabBench("sway", size: $"{Width}x{Height}");
        bench.StartDeviceAlone("guest", "--keyboard", bench["keyboard.sock"], "--pointer", bench["pointer.sock"]);
        bench.StartViewer("guest");
        bench.StartGuest(
            "vm", "guest", "--qemu", "vmm", "--device", "test", "--input", bench["keyboard.sock"], "--input", bench["pointer.sock"], "--job", "shapes", "--seconds", "20");
        bench.WaitFor("vm", "^GS-READY");

        // Nobody points at the guest's picture: the cursor stands where the guest has it.
        bench.ShootUntil(static picture => Stands(picture, 100, 80));
        using var seat = new VirtualSeat(bench.Display, Width, Height);
        seat.MoveTo(600, 400);
        bench.ShootUntil(static picture => !Stands(picture, 100, 80));
        var rate = RateLine().Match(bench.WaitFor("vm", "^GS-RATE"));
        bench.WaitFor("vm", "^GS-DONE");
        foreach (var (x, y) in ((int, int)[])[(600, 400), (300, 500), (Width - 20, Height - 30)])
        {
            seat.MoveTo(x, y);
            bench.ShootUntil(picture => Stands(picture, x, y) && GuestPicture.FrameOf(picture, new BufferRect(x, y, Side, Side)) is 0 or 1);
        }

        bench.AssertNoKernelErrors("vm");
        TestContext.Current.TestOutputHelper?.WriteLine(rate.Value);
        Assert.NotEqual("0", rate.Groups["changes"].Value);

        // A cursor's upload that waited for the flips would halve them; how close they come is measured on a quiet machine (docs/performance.md).
        Assert.InRange(Number("changing") / Number("quiet"), 0.5, 2);

        double Number(string name) => double.Parse(rate.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Whether the guest's cursor, as gsguest.c draws it, is on a picture: what is opaque of it exactly.</summary>
    private static bool Stands(Picture picture, int left, int top)
    {
        for (var y = 0; y < Side && top + y < picture.Height; y++)
        {
            for (var x = 0; x < Side && left + x < picture.Width; x++)
            {
                if ((x < 2 || y < 2 || x == y) && picture[left + x, top + y] != (uint)((x << 18) | (y << 10) | 255))
                    return false;
            }
        }

        return true;
    }

    [GeneratedRegex(@"^GS-RATE quiet=(?<quiet>[\d.]+) changing=(?<changing>[\d.]+) changes=(?<changes>\d+)", RegexOptions.Multiline)]
    private static partial Regex RateLine();
}
