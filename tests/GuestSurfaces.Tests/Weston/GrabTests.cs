// SPDX-License-Identifier: MIT
using Xunit;

namespace GuestSurfaces.Tests.Weston;

/// <summary>The module's chord, in a headless Weston 10 whose seat the test moves.</summary>
[Collection(Alone.Name)]
public sealed class GrabTests : IDisposable
{
    private const int Ctrl = 29;
    private const int Alt = 56;
    private const int G = 34;
    private const int A = 30;
    private const int Super = 125;
    private const int F5 = 63;
    private const uint Red = 0xFF0000;
    private const uint Green = 0x00FF00;
    private const uint Lavender = 0x8080FF;

    private readonly ModuleDesktop _desktop = new(10) { HasKnobs = true };

    public void Dispose() => _desktop.Dispose();

    [Fact]
    public void Shortcuts_are_the_desktops_until_the_chord_and_the_guests_until_the_next_one()
    {
        Start("keys");
        Press(Super, F5);
        Assert.Equal(1, Shortcuts);
        Press(Ctrl, Alt, G);
        _desktop.WaitUntil(() => _desktop.Output.Contains($"key {G} 1", StringComparison.Ordinal));
        Press(Super, F5);
        _desktop.WaitUntil(() => _desktop.Output.Contains($"key {F5} 1", StringComparison.Ordinal));
        Assert.Equal(1, Shortcuts);
        Press(Ctrl, Alt, G);
        _desktop.WaitUntil(() => _desktop.Output.TrimEnd().EndsWith("keyboard leaves", StringComparison.Ordinal));
        Press(Super, F5);
        Assert.Equal(2, Shortcuts);
        AssertFocusIsGone();
    }

    [Fact]
    public void The_frame_is_twice_as_wide_while_a_guest_has_all_keys()
    {
        Start("keys");
        _desktop.WaitForFramed(Red, 200, 120, static (_, _) => Green);
        Press(Ctrl, Alt, G);
        _desktop.WaitForFramed(Red, 208, 128, static (x, y) => x is >= 4 and < 204 && y is >= 4 and < 124 ? Green : Red);
        Press(Ctrl, Alt, G);
        _desktop.WaitForFramed(Red, 200, 120, static (_, _) => Green);
    }

    [Fact]
    public void A_guest_without_a_frame_has_one_for_a_moment_when_it_gets_all_keys()
    {
        Start("fullscreen", "placement=fullscreen");
        _desktop.WaitUntil(() => _desktop.Shoot().ToPixels().All(static pixel => pixel == Green));
        Press(Ctrl, Alt, G);
        _desktop.WaitUntil(() => _desktop.Shoot()[0, 0] == Red);
        _desktop.WaitUntil(() => !_desktop.Shoot().ToPixels().Contains(Red));
        Press(Super, F5);
        Assert.Equal(0, Shortcuts); // it has them still
    }

    [Fact]
    public void A_background_has_a_frame_while_it_has_all_keys()
    {
        _desktop.Start($"name=guest\ncommand=exec {_desktop.Presenter} background\nplacement=background\nlabel-color=0xff0000");
        _desktop.WaitUntil(() => _desktop.Shoot().ToPixels().All(static pixel => pixel == Lavender));
        _desktop.Turn("click 320 240");
        Press(Ctrl, Alt, G);
        _desktop.WaitForFramed(Red, ModuleDesktop.Width - 8, ModuleDesktop.Height - 8, static (x, y) => x is >= 4 and < ModuleDesktop.Width - 12 && y is >= 4 and < ModuleDesktop.Height - 12 ? Lavender : Red);
        Press(Ctrl, Alt, G);
        _desktop.WaitUntil(() => _desktop.Shoot().ToPixels().All(static pixel => pixel == Lavender));
    }

    [Theory]
    [InlineData("hang")]
    [InlineData("flood")]
    public void The_chord_gets_the_user_out_of_a_guest_that_does_not_answer_any_more(string scenario)
    {
        Start(scenario);
        Press(Ctrl, Alt, G);
        Press(Super, F5);
        Assert.Equal(0, Shortcuts);
        Press(Ctrl, Alt, G);
        Press(Super, F5);
        Assert.Equal(1, Shortcuts);
        AssertFocusIsGone();
    }

    [Fact]
    public void A_presenter_that_dies_while_it_has_all_keys_gives_them_back()
    {
        Start("keys");
        Press(Ctrl, Alt, G);
        ModuleDesktop.Signal("KILL", ModuleDesktop.FindProcess("keys", "weston-presenter"));
        _desktop.WaitUntil(() => _desktop.Log.Contains("guest: its presenter is gone", StringComparison.Ordinal));
        Press(Super, F5);
        Assert.Equal(1, Shortcuts);
    }

    [Fact]
    public void Another_chord_of_weston_inis_counts_instead()
    {
        Start("keys", "[guest-surfaces]\ngrab-chord=super+a");
        Press(Ctrl, Alt, G);
        Press(Super, F5);
        Assert.Equal(1, Shortcuts);
        _desktop.Turn("click 320 240");
        Press(Super, A);
        Press(Super, F5);
        Assert.Equal(1, Shortcuts);
        Press(Super, A);
        Press(Super, F5);
        Assert.Equal(2, Shortcuts);
    }

    private int Shortcuts => _desktop.CountInLog("knobs: a shortcut of the desktop");

    private void Start(string scenario, string more = "")
    {
        _desktop.Start($"name=guest\ncommand=exec {_desktop.Presenter} {scenario}\nlabel-color=0xff0000\n{more}");
        _desktop.WaitUntil(() => _desktop.Output.Contains("shown", StringComparison.Ordinal));
        _desktop.WaitUntil(() =>
        {
            _desktop.Turn("focus");
            return _desktop.Log.TrimEnd().EndsWith("the keyboard is a client's", StringComparison.Ordinal);
        });
    }

    private void Press(params int[] keys) => _desktop.Turn([.. keys.Select(static key => $"key {key} 1"), .. keys.Reverse().Select(static key => $"key {key} 0")]);

    private void AssertFocusIsGone()
    {
        _desktop.Turn("focus");
        Assert.False(_desktop.Log.TrimEnd().EndsWith("the keyboard is a client's", StringComparison.Ordinal));
    }
}
