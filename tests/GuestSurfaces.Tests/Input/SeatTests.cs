// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.Presentation;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>What a user does to a window, as the guest should hear of it.</summary>
public sealed class SeatTests : IDisposable
{
    private const int Width = 1280;
    private const int Height = 800;

    private readonly TestPicture _picture = new(Width, Height);

    public void Dispose() => _picture.Dispose();

    [Fact]
    public void Nobody_listens_to_a_seat_for_a_guest_without_devices()
    {
        using var f = new PresenterFixture(new FakeCompositorOptions { SeatVersion = 8 });
        f.Show(_picture);
        Assert.Null(f.Compositor.Seat);
        f.Presenter.Takes = InputKinds.Keyboard | InputKinds.Pointer;
        f.Pump();
        Assert.NotNull(f.Compositor.Seat!.Pointer);
        f.Presenter.Takes = InputKinds.None;
        f.Pump();
        Assert.Null(f.Compositor.Seat.Pointer);
        Assert.Null(f.Compositor.Seat.Keyboard);
    }

    [Fact]
    public void Keys_go_to_the_guest_by_their_own_codes()
    {
        using var f = Open();
        f.Compositor.Seat!.Focus(f.Window.Surface);
        f.Compositor.Seat.Key(30, true);
        f.Compositor.Seat.Key(30, false);
        f.Compositor.Seat.Key(255, true);
        f.Compositor.Seat.Key(256, true); // no keyboard's
        Pump(f);
        Assert.All(f.Events.Inputs, static i => Assert.Equal((0, InputKind.Keyboard), (i.Scanout, i.Kind)));
        Assert.Equal([Key(30, 1), Key(30, 0), Key(255, 1)], f.Events.Inputs.SelectMany(static i => i.Frame));
    }

    [Fact]
    public void Modifiers_that_are_held_when_the_focus_comes_count_and_other_keys_do_not()
    {
        using var f = Open();
        f.Compositor.Seat!.Focus(f.Window.Surface, 30, 29, 42, 1000, 15);
        Pump(f);
        Assert.Equal([Key(29, 1), Key(42, 1)], Assert.Single(f.Events.Inputs).Frame);
    }

    [Fact]
    public void Nothing_is_heard_of_keys_that_are_meant_for_nobody()
    {
        using var f = Open();
        f.Compositor.Seat!.Key(30, true);
        f.Compositor.Seat.Focus(f.Window.Surface);
        f.Compositor.Seat.Keyboard!.SendLeave(f.Compositor.Seat.NextSerial, f.Window.Surface.Resource);
        f.Compositor.Seat.Key(31, true);
        Pump(f);
        Assert.Empty(f.Events.Inputs);
        Assert.Equal([InputKind.Keyboard], f.Events.InputsLeft);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public void Every_place_scales_back_to_the_pixel_that_was_meant(int numerator, int denominator)
    {
        using var f = Open();
        f.Window.Configure(Width * numerator / denominator, Height * numerator / denominator);
        f.Pump();
        f.Refresh();
        var seat = f.Compositor.Seat!;
        seat.Point(f.Window.Surface, 0, 0);
        for (var x = 0; x < Width; x++)
        {
            seat.Move(x * numerator / (double)denominator, (x % Height) * numerator / (double)denominator);
            seat.Pointer!.SendFrame();
            Pump(f);
            var frame = f.Events.Inputs[^1].Frame;
            Assert.Equal((x, x % Height), (Pixel(frame, InputCodes.AbsoluteX, Width), Pixel(frame, InputCodes.AbsoluteY, Height)));
        }

        static int Pixel(InputEvent[] frame, ushort axis, int length) => frame.Single(e => e.Type == InputEventType.Absolute && e.Code == axis).Value * length / 32768;
    }

    [Fact]
    public void A_pointer_that_is_dragged_out_of_the_window_stays_at_its_edge()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Point(f.Window.Surface, 5, 5);
        seat.Button(0x110, true);
        seat.Pointer!.SendFrame();
        seat.Move(-300, 5000);
        seat.Pointer.SendFrame();
        Pump(f);
        Assert.Equal([Place(0, 0), Place(1, InputCodes.AbsoluteMax)], f.Events.Inputs[^1].Frame);
    }

    [Fact]
    public void What_belongs_together_comes_together_and_the_desktops_cursor_is_hidden()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Point(f.Window.Surface, 0, 0);
        seat.Move(640, 400);
        seat.Button(0x110, true);
        seat.Button(0x118, true); // no such button
        Pump(f);
        Assert.Empty(f.Events.Inputs);
        seat.Pointer!.SendFrame();
        Pump(f);
        Assert.Equal([Place(0, 16384), Place(1, 16384), Key(0x110, 1)], Assert.Single(f.Events.Inputs).Frame);
        Assert.Null(seat.Cursor);
        Assert.Single(seat.Hidden);
        seat.Pointer.SendLeave(seat.NextSerial, f.Window.Surface.Resource);
        Pump(f);
        Assert.Equal([InputKind.Pointer], f.Events.InputsLeft);
    }

    [Fact]
    public void A_wheel_is_told_in_clicks_and_in_their_parts()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Point(f.Window.Surface, 1, 1);
        seat.Pointer!.SendFrame();
        Pump(f);
        f.Events.Inputs.Clear();
        foreach (var part in (int[])[60, 30, 30, -120])
        {
            seat.Scroll(WlPointerAxis.VerticalScroll, part / 12.0);
            seat.Pointer.SendAxisValue120(WlPointerAxis.VerticalScroll, part);
            seat.Pointer.SendFrame();
        }

        seat.Pointer.SendAxisValue120(WlPointerAxis.HorizontalScroll, 240);
        seat.Scroll(WlPointerAxis.HorizontalScroll, 20);
        seat.Pointer.SendFrame();
        Pump(f);
        Assert.Equal(
            [
                [Fine(-60)], [Fine(-30)], [Fine(-30), Turn(InputCodes.Wheel, -1)], [Fine(120), Turn(InputCodes.Wheel, 1)],
                [Turn(InputCodes.HorizontalWheelFine, 240), Turn(InputCodes.HorizontalWheel, 2)],
            ],
            f.Events.Inputs.Select(static i => i.Frame));

        static InputEvent Fine(int value) => Turn(InputCodes.WheelFine, value);
        static InputEvent Turn(ushort code, int value) => new(InputEventType.Relative, code, value);
    }

    [Fact]
    public void A_touchpads_scrolling_loses_nothing_however_slow_it_is()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Point(f.Window.Surface, 1, 1);
        for (var i = 0; i < 1000; i++)
        {
            seat.Scroll(WlPointerAxis.VerticalScroll, -5 / 256.0); // 1000 of them: 19.5 units, not quite two clicks
            seat.Pointer!.SendFrame();
            Pump(f);
        }

        var events = f.Events.Inputs.SelectMany(static i => i.Frame).Where(static e => e.Type == InputEventType.Relative).ToLookup(static e => e.Code, static e => e.Value);
        Assert.Equal(1, events[InputCodes.Wheel].Sum());
        Assert.Equal(234, events[InputCodes.WheelFine].Sum());
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(4u)]
    public void Old_seats_have_no_frames_and_each_event_counts_at_once(uint version)
    {
        using var f = Open(version);
        var seat = f.Compositor.Seat!;
        seat.Point(f.Window.Surface, 0, 0);
        seat.Button(0x111, true);
        seat.Scroll(WlPointerAxis.VerticalScroll, 10);
        Pump(f);
        Assert.Equal(
            [Place(0, 0), Place(1, 0), Key(0x111, 1), new InputEvent(InputEventType.Relative, InputCodes.WheelFine, -120), new InputEvent(InputEventType.Relative, InputCodes.Wheel, -1)],
            f.Events.Inputs.SelectMany(static i => i.Frame));
        f.Presenter.Takes = InputKinds.None;
        f.Pump();
    }

    [Fact]
    public void Devices_come_and_go_and_leave_nothing_pressed()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Focus(f.Window.Surface);
        seat.Key(30, true);
        seat.Change(WlSeatCapability.Touch);
        Pump(f);
        Assert.Equal((null, null), (seat.Pointer, seat.Keyboard));
        Assert.Equal([InputKind.Pointer, InputKind.Keyboard], f.Events.InputsLeft);
        seat.Change(WlSeatCapability.Keyboard);
        Pump(f);
        seat.Focus(f.Window.Surface);
        seat.Key(31, true);
        Pump(f);
        Assert.Equal([Key(30, 1), Key(31, 1)], f.Events.Inputs.SelectMany(static i => i.Frame));
    }

    [Fact]
    public void A_compositor_that_goes_leaves_nothing_pressed()
    {
        using var f = Open();
        f.Compositor.Seat!.Focus(f.Window.Surface);
        f.Compositor.Seat.Key(30, true);
        Pump(f);
        f.Compositor.Die();
        f.Presenter.Dispatch();
        Assert.Equal(Enum.GetValues<InputKind>(), f.Events.InputsLeft);
    }

    [Fact]
    public void Each_window_has_its_own_picture_and_what_is_no_picture_has_none()
    {
        using var f = Open();
        using var second = new TestPicture(640, 480);
        f.Show(second, scanout: 3);
        var seat = f.Compositor.Seat!;
        seat.Point(f.Compositor.Toplevels[1].Surface, 320, 240);
        seat.Pointer!.SendFrame();
        Pump(f);
        Assert.Equal((3, 16384), (f.Events.Inputs[^1].Scanout, f.Events.Inputs[^1].Frame[0].Value));
        f.Presenter.Disable(3);
        seat.Move(10, 10);
        seat.Pointer.SendFrame();
        Pump(f);
        Assert.Single(f.Events.Inputs);
    }

    private static InputEvent Key(ushort code, int value) => new(InputEventType.Key, code, value);

    private static InputEvent Place(ushort axis, int value) => new(InputEventType.Absolute, axis, value);

    private static void Pump(PresenterFixture f)
    {
        f.Compositor.Client.Flush();
        f.Pump();
    }

    private PresenterFixture Open(uint version = 8)
    {
        var f = new PresenterFixture(new FakeCompositorOptions { SeatVersion = version });
        f.Presenter.Takes = InputKinds.Keyboard | InputKinds.Pointer;
        f.Show(_picture);
        return f;
    }
}
