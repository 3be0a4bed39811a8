// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Presentation.Input;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>A guest that has keyboard and mouse for itself, and how a user gets them back.</summary>
public sealed class GrabTests : IDisposable
{
    private const InputKinds All = InputKinds.Keyboard | InputKinds.Pointer | InputKinds.Mouse;
    private const ushort Ctrl = 29;
    private const ushort RightAlt = 100;
    private const ushort KeyG = 34;
    private const ushort KeyA = 30;

    private readonly TestPicture _picture = new(640, 480);

    public void Dispose() => _picture.Dispose();

    [Fact]
    public void The_chord_begins_a_grab_and_none_of_its_keys_stays_pressed()
    {
        using var f = Open();
        PressChord(f);
        Assert.NotNull(f.Compositor.Grabs.Lock);
        Assert.NotNull(f.Compositor.Grabs.Inhibitor);
        Assert.Equal([Key(Ctrl, 1), Key(RightAlt, 1)], Heard(f, InputKind.Keyboard));
        Assert.Equal([InputKind.Keyboard], f.Events.InputsLeft);
        foreach (var key in (uint[])[KeyG, RightAlt, Ctrl])
            f.Compositor.Seat!.Key(key, false);
        f.Compositor.Seat!.Key(KeyA, true);
        Pump(f);
        Assert.Equal([Key(Ctrl, 1), Key(RightAlt, 1), Key(KeyA, 1)], Heard(f, InputKind.Keyboard));
    }

    [Fact]
    public void A_locked_pointer_is_the_guests_mouse_until_the_chord_comes_again()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Button(0x110, true);
        seat.Pointer!.SendFrame();
        Grab(f);
        Assert.Equal([InputKind.Keyboard, InputKind.Pointer], f.Events.InputsLeft); // the button was the pointer's
        f.Events.Inputs.Clear();
        f.Compositor.Grabs.MoveBy(3.75, -2.5);
        seat.Button(0x111, true);
        seat.Pointer.SendFrame();
        f.Compositor.Grabs.MoveBy(0.25, -0.5); // with the rest of the first
        seat.Pointer.SendFrame();
        seat.Pointer.SendAxisValue120(WlPointerAxis.VerticalScroll, 120);
        seat.Pointer.SendFrame();
        Pump(f);
        Assert.Equal(
            [
                [Key(0x111, 1), Move(0, 3), Move(1, -2)], [Move(0, 1), Move(1, -1)],
                [new InputEvent(InputEventType.Relative, InputCodes.WheelFine, -120), new InputEvent(InputEventType.Relative, InputCodes.Wheel, -1)],
            ],
            f.Events.Inputs.Where(static i => i.Kind == InputKind.Mouse).Select(static i => i.Frame));
        Assert.Empty(Heard(f, InputKind.Pointer));

        seat.Key(KeyG, false);
        seat.Key(KeyG, true);
        Pump(f);
        Assert.Null(f.Compositor.Grabs.Lock);
        Assert.Null(f.Compositor.Grabs.Movements);
        Assert.Null(f.Compositor.Grabs.Inhibitor);
        Assert.Equal(InputKind.Mouse, f.Events.InputsLeft[^1]);
        seat.Move(320, 240);
        seat.Pointer.SendFrame();
        Pump(f);
        Assert.Equal([new InputEvent(InputEventType.Absolute, 0, 16384), new InputEvent(InputEventType.Absolute, 1, 16384)], f.Events.Inputs[^1].Frame);
    }

    [Fact]
    public void Movements_before_the_lock_are_the_pointers_alone()
    {
        using var f = Open();
        PressChord(f);
        f.Compositor.Grabs.MoveBy(30, 30);
        f.Compositor.Seat!.Move(32, 24);
        f.Compositor.Seat.Pointer!.SendFrame();
        Pump(f);
        Assert.Empty(Heard(f, InputKind.Mouse));
        Assert.Equal(2, Heard(f, InputKind.Pointer).Count);
    }

    [Fact]
    public void How_to_get_out_is_in_the_title_and_for_a_while_in_the_picture()
    {
        using var f = Open();
        var picture = f.Window.Render();
        Grab(f);
        Assert.Equal("Fedora - Ctrl+Alt+G releases keyboard and mouse", f.Window.Title);
        var notice = Assert.Single(f.Window.Surface.Children, static child => child.IsMapped);
        Assert.True(notice.HasEmptyInputRegion);
        var marked = f.Window.Render();
        Assert.NotEqual(picture, marked);
        Assert.Contains(0xe0e0e0u, marked.Select(static p => p & 0xff_ffff));
        f.Advance(4_000_000_000);
        Assert.Equal(marked, f.Window.Render());
        f.Advance(2_000_000_000);
        Assert.Equal(picture, f.Window.Render());
        Assert.Equal("Fedora - Ctrl+Alt+G releases keyboard and mouse", f.Window.Title);
        PressChord(f);
        Assert.Equal("Fedora", f.Window.Title);
    }

    [Fact]
    public void A_guest_cannot_draw_over_how_to_get_out()
    {
        using var f = Open();
        Grab(f);
        var marked = f.Window.Render();
        using var cursor = new TestPicture(256, 256, DrmFormat.Argb8888);
        cursor.Fill(cursor.Whole, static (_, _) => 0xffff_0000).Storage.Lock();
        var image = new CursorImage(cursor.Storage, cursor.View.Size, 0, 0);
        f.Presenter.SetCursor(0, in image, 192, 0);
        Pump(f);
        var rendered = f.Window.Render();
        Assert.Contains(0xff0000u, rendered.Select(static p => p & 0xff_ffff));
        for (var i = 0; i < marked.Length; i++)
        {
            if ((marked[i] & 0xff_ffff) is 0xe0e0e0 or 0x202020)
                Assert.Equal(marked[i], rendered[i]);
        }
    }

    [Fact]
    public void A_flooding_guest_does_not_keep_the_chord_from_working()
    {
        using var f = Open();
        Grab(f);
        PressChord(f, pump: false);
        f.Compositor.Client.Flush();
        for (var i = 0; i < 1000; i++)
        {
            var frame = f.Frame(_picture);
            f.Presenter.Present(0, in frame);
        }

        f.Presenter.Dispatch(); // one turn: what the guest has sent doesn't stand before it
        f.Compositor.Dispatch();
        Assert.Null(f.Compositor.Grabs.Lock);
        Assert.Equal("Fedora", f.Window.Title);
    }

    [Fact]
    public void Nothing_is_grabbed_once_the_window_has_lost_the_focus()
    {
        using var f = Open();
        Grab(f);
        f.Compositor.Seat!.Button(0x110, true);
        f.Compositor.Seat.Pointer!.SendFrame();
        f.Compositor.Seat.Keyboard!.SendLeave(f.Compositor.Seat.NextSerial, f.Window.Surface.Resource);
        Pump(f);
        AssertReleased(f);
        Assert.Contains(InputKind.Mouse, f.Events.InputsLeft);
    }

    [Fact]
    public void A_lock_that_the_compositor_ends_ends_the_grab()
    {
        using var f = Open();
        Grab(f);
        f.Compositor.Grabs.Lock!.SendUnlocked();
        Pump(f);
        AssertReleased(f);
    }

    [Fact]
    public void A_lock_that_the_compositor_does_not_give_is_waited_for_a_second()
    {
        using var f = Open();
        PressChord(f);
        Assert.Equal("Fedora", f.Window.Title);
        f.Advance(900_000_000);
        Assert.NotNull(f.Compositor.Grabs.Lock);
        f.Advance(200_000_000);
        AssertReleased(f);
        Assert.DoesNotContain(InputKind.Mouse, f.Events.InputsLeft);
    }

    [Theory]
    [InlineData(WlSeatCapability.Keyboard)]
    [InlineData(WlSeatCapability.Pointer)]
    public void A_seat_that_loses_a_device_ends_the_grab(WlSeatCapability left)
    {
        using var f = Open();
        Grab(f);
        f.Compositor.Seat!.Change(left);
        Pump(f);
        AssertReleased(f);
    }

    [Fact]
    public void A_window_that_goes_takes_its_grab_along()
    {
        using var f = Open();
        Grab(f);
        f.Presenter.Disable(0);
        Pump(f);
        Assert.Null(f.Compositor.Grabs.Lock);
        Assert.Null(f.Compositor.Grabs.Inhibitor);
        Assert.Contains(InputKind.Mouse, f.Events.InputsLeft);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_compositor_that_goes_takes_the_grab_along(bool isHeld)
    {
        using var f = Open();
        PressChord(f);
        if (isHeld)
            f.Compositor.Grabs.Lock!.SendLocked();
        Pump(f);
        f.Compositor.Die();
        f.Presenter.Dispatch();
        Assert.NotNull(f.Lost);
        Assert.Contains(InputKind.Mouse, f.Events.InputsLeft);
        f.Clock.Advance(10_000_000_000);
        f.Timers.RunDue();
    }

    [Fact]
    public void A_guest_without_a_mouse_is_not_given_one()
    {
        using var f = Open(takes: InputKinds.Keyboard | InputKinds.Pointer);
        PressChord(f);
        AssertReleased(f);
        Assert.Equal([Key(Ctrl, 1), Key(RightAlt, 1)], Heard(f, InputKind.Keyboard));
        Assert.Contains(InputKind.Keyboard, f.Events.InputsLeft);
    }

    [Fact]
    public void A_compositor_that_locks_no_pointers_grabs_nothing()
    {
        using var f = Open(new FakeCompositorOptions { SeatVersion = 8, ShortcutsInhibit = true });
        PressChord(f);
        AssertReleased(f);
    }

    [Fact]
    public void A_compositor_that_keeps_its_shortcuts_still_locks_the_pointer()
    {
        using var f = Open(new FakeCompositorOptions { SeatVersion = 8, PointerLocks = true });
        Grab(f);
        Assert.Null(f.Compositor.Grabs.Inhibitor);
        PressChord(f);
        AssertReleased(f);
    }

    [Fact]
    public void Keys_that_a_compositor_repeats_are_dropped()
    {
        using var f = Open();
        var keyboard = f.Compositor.Seat!.Keyboard!;
        f.Compositor.Seat.Key(KeyA, true);
        f.Compositor.Seat.Key(KeyA, true);
        keyboard.SendKey(1, 0, KeyA, (WlKeyboardKeyState)2);
        f.Compositor.Seat.Key(KeyA, false);
        Pump(f);
        Assert.Equal([Key(KeyA, 1), Key(KeyA, 0)], Heard(f, InputKind.Keyboard));
    }

    [Theory]
    [InlineData("ctrl+alt+g", "Ctrl+Alt+G")]
    [InlineData("ALT+Ctrl+F12", "Ctrl+Alt+F12")]
    [InlineData("super+shift+escape", "Shift+Super+Escape")]
    [InlineData("ctrl+0", "Ctrl+0")]
    public void Chords_are_read_as_people_write_them(string text, string shown) => Assert.Equal(shown, GrabChord.TryParse(text)?.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("g")]
    [InlineData("ctrl")]
    [InlineData("ctrl+")]
    [InlineData("+g")]
    [InlineData("ctrl+ctrl+g")]
    [InlineData("ctrl+alt")]
    [InlineData("ctrl+g+alt")]
    [InlineData("ctrl+alt+f13")]
    [InlineData("ctrl alt g")]
    public void What_is_no_chord_is_refused(string text) => Assert.Null(GrabChord.TryParse(text));

    [Fact]
    public void Another_chord_is_another_chord()
    {
        using var f = Open(options: new PresenterOptions { Title = "Fedora", GrabChord = GrabChord.TryParse("super+f1")! });
        PressChord(f);
        Assert.Null(f.Compositor.Grabs.Lock);
        f.Compositor.Seat!.Key(126, true);
        f.Compositor.Seat.Key(59, true);
        Pump(f);
        Assert.NotNull(f.Compositor.Grabs.Lock);
    }

    private static InputEvent Key(ushort code, int value) => new(InputEventType.Key, code, value);

    private static InputEvent Move(ushort axis, int value) => new(InputEventType.Relative, axis, value);

    private static List<InputEvent> Heard(PresenterFixture f, InputKind kind) => [.. f.Events.Inputs.Where(i => i.Kind == kind).SelectMany(static i => i.Frame)];

    private static void AssertReleased(PresenterFixture f)
    {
        Assert.Null(f.Compositor.Grabs.Lock);
        Assert.Null(f.Compositor.Grabs.Inhibitor);
        Assert.Equal("Fedora", f.Window.Title);
    }

    private static void PressChord(PresenterFixture f, bool pump = true)
    {
        var seat = f.Compositor.Seat!;
        foreach (var key in (uint[])[Ctrl, RightAlt, KeyG])
            seat.Key(key, false);
        foreach (var key in (uint[])[Ctrl, RightAlt, KeyG])
            seat.Key(key, true);
        if (pump)
            Pump(f);
    }

    private static void Grab(PresenterFixture f)
    {
        PressChord(f);
        f.Compositor.Grabs.Lock!.SendLocked();
        Pump(f);
    }

    private static void Pump(PresenterFixture f)
    {
        f.Compositor.Client.Flush();
        f.Pump();
    }

    private PresenterFixture Open(FakeCompositorOptions? compositor = null, InputKinds takes = All, PresenterOptions? options = null)
    {
        var f = new PresenterFixture(compositor ?? new FakeCompositorOptions { SeatVersion = 8, PointerLocks = true, ShortcutsInhibit = true }, options);
        f.Presenter.Takes = takes;
        f.Show(_picture);
        f.Compositor.Seat!.Focus(f.Window.Surface);
        f.Compositor.Seat.Point(f.Window.Surface, 5, 5);
        f.Compositor.Seat.Pointer!.SendFrame();
        Pump(f);
        f.Events.Inputs.Clear();
        f.Events.InputsLeft.Clear();
        return f;
    }
}
