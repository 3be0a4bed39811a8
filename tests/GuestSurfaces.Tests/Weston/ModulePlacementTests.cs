// SPDX-License-Identifier: MIT
using GuestSurfaces.Cli.FakeGuest;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Tests.Lab;
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>Guests in every place that weston.ini can name, with real presenters: from weston.ini through host, module and presenter to the screen.</summary>
[Collection(Alone.Name)]
public sealed class ModulePlacementTests
{
    private const uint FrameColor = 0x12FE34;
    private static readonly BufferSize s_screen = new(ModuleDesktop.Width, ModuleDesktop.Height);
    private static readonly BufferSize s_small = new(200, 120);

    [Theory]
    [InlineData(10)]
    [InlineData(14)]
    [InlineData(16)]
    public void A_guest_is_the_background_then_fills_the_screen_and_then_is_a_window_without_a_word_from_it(int major)
    {
        using var desktop = new ModuleDesktop(major);
        var device = StartGuest(desktop, "work", "card", s_screen, "--rate", "10"); // its answers bring what its viewer reports
        StartGuest(desktop, "front", "gradient", s_small, "--frames", "1");
        desktop.Start($"name=work\nlink={desktop["work.link"]}\nplacement=background\nlabel-color=0x{FrameColor:x6}", Section(desktop, "front", ""));
        desktop.WaitUntil(() => IsUnderWindow(desktop), () => device.Output);
        desktop.WaitUntil(() => IsShownAs(desktop, "background"));
        _ = desktop.RunProgram("plugin", "fullscreen", "work");
        desktop.WaitUntil(() => IsCard(desktop, 0), () => device.Output); // above the window now
        desktop.WaitUntil(() => IsShownAs(desktop, "fullscreen"));
        _ = desktop.RunProgram("plugin", "fullscreen", "work", "--off");
        desktop.WaitUntil(() => IsShownAs(desktop, "window"));
        Assert.False(device.HasExited, device.Output);
        Assert.DoesNotContain("its presenter is gone", desktop.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_background_goes_to_the_output_that_is_named_for_it_when_that_comes()
    {
        using var desktop = new ModuleDesktop(10) { HasKnobs = true };
        StartGuest(desktop, "work", "card", s_screen, "--frames", "1");
        desktop.Start($"name=work\nlink={desktop["work.link"]}\nplacement=background\noutput=second");
        desktop.WaitUntil(() => IsCard(desktop, 0)); // the first that there is, until its own comes
        desktop.Turn("plug second");
        desktop.WaitUntil(() => IsCard(desktop, 1));
        desktop.WaitUntil(() => desktop.Shoot().ToPixels().All(static pixel => pixel == ModuleDesktop.Background));
    }

    [Fact]
    public void A_window_comes_up_on_the_output_that_is_named_for_it()
    {
        using var desktop = new ModuleDesktop(10) { HasKnobs = true };
        desktop.Start(Section(desktop, "front", "output=second"));
        desktop.Turn("plug second");
        StartGuest(desktop, "front", "gradient", s_small, "--frames", "1"); // its first picture
        desktop.WaitUntil(() => desktop.Shoot(1)[(ModuleDesktop.Width - s_small.Width) / 2, (ModuleDesktop.Height - s_small.Height) / 2] != ModuleDesktop.Background);
    }

    [Fact]
    public void A_guest_that_fills_the_output_named_for_it_goes_there_when_it_comes_and_again_when_it_comes_back()
    {
        using var desktop = new ModuleDesktop(10) { HasKnobs = true };
        var device = StartGuest(desktop, "work", "card", s_screen, "--rate", "10");
        desktop.Start($"name=work\nlink={desktop["work.link"]}\nplacement=fullscreen\noutput=second");
        desktop.WaitUntil(() => IsCard(desktop, 0), () => device.Output); // the only one that there is
        desktop.Plug("second");
        desktop.WaitUntil(() => IsOnSecond(), () => device.Output);
        desktop.Turn("connect second 0");
        desktop.WaitUntil(() => IsCard(desktop, 0), () => device.Output);
        desktop.Turn("connect second 1");
        desktop.WaitUntil(() => IsOnSecond(), () => device.Output);
        Assert.DoesNotContain("its presenter is gone", desktop.Log, StringComparison.Ordinal);

        bool IsOnSecond() => IsCard(desktop, 1) && desktop.Shoot().ToPixels().All(static pixel => pixel == ModuleDesktop.Background);
    }

    private static string Section(ModuleDesktop desktop, string name, string keys) => $"name={name}\nlink={desktop[$"{name}.link"]}\nlabel-color=0x{FrameColor:x6}\n{keys}";

    private static LabProcess StartGuest(ModuleDesktop desktop, string name, string picture, BufferSize size, params string[] frames)
    {
        var link = desktop[$"{name}.link"];
        var device = desktop.StartProgram(["fake-guest", picture, "--name", name, "--size", $"{size.Width}x{size.Height}", .. frames, "--link", link]);
        desktop.WaitUntil(() => File.Exists(link) || device.HasExited, () => device.Output);
        return device;
    }

    private static bool IsShownAs(ModuleDesktop desktop, string placement) =>
        desktop.RunProgram("status", "work", "--json").Contains($"\"placement\": \"{placement}\"", StringComparison.Ordinal);

    private static bool IsCard(ModuleDesktop desktop, int output)
    {
        var screen = desktop.Shoot(output);
        return IsAll(s_screen, (x, y) => screen[x, y] == Card(x, y));
    }

    // The frame and what is in it somewhere, and the background to the pixel everywhere else.
    private static bool IsUnderWindow(ModuleDesktop desktop)
    {
        var screen = desktop.Shoot();
        var first = Array.IndexOf(screen.ToPixels(), FrameColor);
        if (first < 0)
            return false;
        var frame = new BufferRect(first % s_screen.Width, first / s_screen.Width, s_small.Width + 8, s_small.Height + 8);
        return IsAll(s_screen, (x, y) =>
        {
            if (x < frame.X || x >= frame.Right || y < frame.Y || y >= frame.Bottom)
                return screen[x, y] == Card(x, y);
            var (left, top) = (x - frame.X - 4, y - frame.Y - 4);
            var isInside = left >= 0 && top >= 0 && left < s_small.Width && top < s_small.Height;
            return screen[x, y] == (isInside ? TestPictures.Pixel("gradient", s_small, 0, left, top) : FrameColor);
        });
    }

    private static uint Card(int x, int y) => TestPictures.Pixel("card", s_screen, 0, x, y);

    private static bool IsAll(BufferSize size, Func<int, int, bool> fits)
    {
        for (var y = 0; y < size.Height; y++)
        {
            for (var x = 0; x < size.Width; x++)
            {
                if (!fits(x, y))
                    return false;
            }
        }

        return true;
    }
}
