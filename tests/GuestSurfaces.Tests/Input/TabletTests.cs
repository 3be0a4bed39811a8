// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Tests.Presentation;
using GuestSurfaces.Virtio.Input;
using GuestSurfaces.Wayland;
using GuestSurfaces.Wayland.Server;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>Pens, from a seat to a guest's graphics tablet.</summary>
public sealed class TabletTests : IDisposable
{
    private const ushort Eraser = 0x141;

    // What a guest takes for the lightest touch there is.
    private const int LeastPressure = 3277;

    private readonly TestPicture _picture = new(640, 480);

    public void Dispose() => _picture.Dispose();

    [Fact]
    public void Nobody_listens_to_pens_for_a_guest_without_a_tablet()
    {
        using var f = Open(InputKinds.Keyboard | InputKinds.Touch);
        Assert.False(f.Compositor.Tablet.IsHeard);
    }

    [Fact]
    public void A_pen_comes_draws_and_goes_and_what_happens_at_once_is_one_frame()
    {
        using var f = Open();
        var tablet = f.Compositor.Tablet;
        var pen = tablet.AddTool(
            ZwpTabletToolV2Type.Pen, 0x1_8000_0007, ZwpTabletToolV2Capability.Pressure, ZwpTabletToolV2Capability.Tilt, ZwpTabletToolV2Capability.Distance);
        tablet.Near(pen, f.Window.Surface, 320, 240);
        pen.SendDistance(9);
        pen.SendTilt(WlFixed.FromDouble(-30), WlFixed.FromDouble(12.6));
        Pump(f);
        Assert.Empty(f.Events.Inputs);
        Frame(f, pen);
        pen.SendDistance(0);
        pen.SendPressure(32768);
        tablet.Down(pen);
        tablet.Button(pen, InputCodes.PenButton1, true);
        Frame(f, pen);
        tablet.Move(pen, 160, 480);
        Frame(f, pen);
        Frame(f, pen);
        tablet.Button(pen, InputCodes.PenButton1, false);
        pen.SendUp();
        pen.SendPressure(0);
        Frame(f, pen);
        pen.SendProximityOut();
        Pump(f);
        Assert.Equal(
            [
                [
                    Key(InputCodes.Pen, 1), Serial(unchecked((int)0x80000007)), X(16384), Y(16384), Axis(InputCodes.PenPressure, 0), Axis(InputCodes.PenDistance, 9),
                    Axis(InputCodes.PenTiltX, -30), Axis(InputCodes.PenTiltY, 13),
                ],
                [
                    Axis(InputCodes.PenPressure, LeastPressure + 31129), Axis(InputCodes.PenDistance, 0), Key(InputCodes.Touching, 1), Key(InputCodes.PenButton1, 1),
                ],
                [X(8192), Y(InputCodes.AbsoluteMax)],
                [Axis(InputCodes.PenPressure, 0), Key(InputCodes.Touching, 0), Key(InputCodes.PenButton1, 0)],
            ],
            f.Events.Inputs.Take(4).Select(static i => i.Frame));
        Assert.Equal([Key(InputCodes.Pen, 0), Serial(unchecked((int)0x80000007))], f.Events.Inputs[4].Frame.Take(2));
        Assert.Equal(5, f.Events.Inputs.Count);
        Assert.All(f.Events.Inputs, static i => Assert.Equal((0, InputKind.Tablet), (i.Scanout, i.Kind)));
        Assert.All(f.Events.Inputs.SelectMany(static i => i.Frame), static e => Assert.True(e.IsKnown && InputProfile.Tablet.Has(e.Type, e.Code), $"{e}"));
    }

    [Theory]
    [InlineData(0u, LeastPressure)]
    [InlineData(65535u, InputCodes.PenMax)]
    [InlineData(uint.MaxValue, InputCodes.PenMax)]
    [InlineData(null, InputCodes.PenMax)] // a pen that can't tell
    public void A_tip_that_touches_presses_as_hard_as_guests_want_for_that(uint? pressure, int expected)
    {
        using var f = Open();
        var pen = NearPen(f);
        if (pressure is { } p)
            pen.SendPressure(p);
        f.Compositor.Tablet.Down(pen);
        Frame(f, pen);
        Assert.Equal([Axis(InputCodes.PenPressure, expected), Key(InputCodes.Touching, 1)], f.Events.Inputs[^1].Frame);
    }

    [Fact]
    public void Pressure_of_a_pen_that_does_not_touch_is_none()
    {
        using var f = Open();
        var pen = NearPen(f);
        pen.SendPressure(4000);
        Frame(f, pen);
        Assert.Single(f.Events.Inputs);
    }

    [Fact]
    public void The_other_end_of_a_pen_is_a_tool_of_its_own()
    {
        using var f = Open();
        var pen = NearPen(f);
        pen.SendProximityOut();
        var eraser = f.Compositor.Tablet.AddTool(ZwpTabletToolV2Type.Eraser, 7);
        f.Compositor.Tablet.Near(eraser, f.Window.Surface, 1, 1);
        Frame(f, eraser);
        Assert.Equal(
            [(InputCodes.Pen, 1), (InputCodes.Pen, 0), (Eraser, 1)],
            f.Events.Inputs.SelectMany(static i => i.Frame).Where(static e => e.Type == InputEventType.Key).Select(static e => (e.Code, e.Value)));
    }

    [Fact]
    public void A_second_tool_does_not_count_while_one_is_near()
    {
        using var f = Open();
        var pen = NearPen(f);
        var other = f.Compositor.Tablet.AddTool(ZwpTabletToolV2Type.Brush, 8);
        f.Compositor.Tablet.Near(other, f.Window.Surface, 1, 1);
        f.Compositor.Tablet.Down(other);
        Frame(f, other);
        other.SendProximityOut();
        Pump(f);
        Assert.Single(f.Events.Inputs);
        pen.SendProximityOut();
        f.Compositor.Tablet.Near(other, f.Window.Surface, 1, 1);
        Frame(f, other);
        Assert.Equal(Key(0x142, 1), f.Events.Inputs[^1].Frame[0]);
    }

    [Fact]
    public void An_airbrush_has_a_slider_and_a_turned_pen_its_angle_and_a_puck_buttons_and_a_wheel()
    {
        using var f = Open();
        var tablet = f.Compositor.Tablet;
        var airbrush = tablet.AddTool(ZwpTabletToolV2Type.Airbrush, 1, ZwpTabletToolV2Capability.Slider, ZwpTabletToolV2Capability.Rotation);
        tablet.Near(airbrush, f.Window.Surface, 0, 0);
        airbrush.SendSlider(-70_000);
        airbrush.SendRotation(WlFixed.FromDouble(90));
        Frame(f, airbrush);
        Assert.Equal([Axis(InputCodes.PenRotation, 0), Axis(InputCodes.PenSlider, -InputCodes.PenMax)], f.Events.Inputs[^1].Frame[^2..]);
        airbrush.SendRotation(WlFixed.FromDouble(-90.5));
        Frame(f, airbrush);
        Assert.Equal([Axis(InputCodes.PenRotation, 1795)], f.Events.Inputs[^1].Frame);
        airbrush.SendRotation(WlFixed.FromDouble(89));
        Frame(f, airbrush);
        Assert.Equal([Axis(InputCodes.PenRotation, 3590)], f.Events.Inputs[^1].Frame);
        airbrush.SendProximityOut();

        var puck = tablet.AddTool(ZwpTabletToolV2Type.Mouse, 2, ZwpTabletToolV2Capability.Wheel);
        tablet.Near(puck, f.Window.Surface, 0, 0);
        Frame(f, puck);
        Assert.Equal([Key(0x146, 1), Serial(2), X(0), Y(0)], f.Events.Inputs[^1].Frame);
        tablet.Button(puck, InputCodes.FirstButton, true);
        tablet.Button(puck, 0x30000 + InputCodes.FirstButton, true); // no such button
        tablet.Button(puck, 30, true);
        puck.SendWheel(WlFixed.FromDouble(30), 2);
        Frame(f, puck);
        Assert.Equal([Key(InputCodes.FirstButton, 1), new InputEvent(InputEventType.Relative, InputCodes.Wheel, -2)], f.Events.Inputs[^1].Frame);
    }

    [Fact]
    public void A_pen_that_leaves_pressed_is_lifted_without_a_frame()
    {
        using var f = Open();
        var pen = NearPen(f);
        f.Compositor.Tablet.Down(pen);
        f.Compositor.Tablet.Button(pen, InputCodes.PenButton2, true);
        Frame(f, pen);
        pen.SendProximityOut();
        Pump(f);
        AssertLifted(f, InputCodes.Touching, InputCodes.PenButton2);
    }

    [Fact]
    public void A_pen_on_a_window_that_goes_is_lifted()
    {
        using var f = Open();
        var pen = NearPen(f);
        f.Compositor.Tablet.Down(pen);
        Frame(f, pen);
        f.Presenter.Disable(0);
        Pump(f);
        AssertLifted(f, InputCodes.Touching);
        var told = f.Events.Inputs.Count;
        f.Compositor.Tablet.Move(pen, 3, 3);
        Frame(f, pen);
        Assert.Equal(told, f.Events.Inputs.Count);
    }

    [Fact]
    public void A_tablet_that_is_unplugged_leaves_no_pen_and_no_object()
    {
        using var f = Open();
        var pen = NearPen(f);
        f.Compositor.Tablet.Down(pen);
        Frame(f, pen);
        pen.SendRemoved();
        f.Compositor.Tablet.Unplug();
        Pump(f);
        AssertLifted(f, InputCodes.Touching);
        Assert.Equal(0, f.Compositor.Tablet.Objects);
    }

    [Fact]
    public void A_guest_that_loses_its_tablet_has_it_given_back()
    {
        using var f = Open();
        _ = NearPen(f);
        f.Presenter.Takes = InputKinds.Keyboard;
        Pump(f);
        AssertLifted(f);
        Assert.Equal((false, 0), (f.Compositor.Tablet.IsHeard, f.Compositor.Tablet.Objects));
    }

    [Fact]
    public void The_guests_cursor_stands_in_the_picture_while_a_pen_is_near()
    {
        using var f = Open(InputKinds.Pointer | InputKinds.Tablet);
        var seat = f.Compositor.Seat!;
        using var image = new TestPicture(8, 8);
        image.Storage.Lock();
        f.Presenter.SetCursor(0, new CursorImage(image.Storage, image.View.Size, 0, 0), 100, 50);
        seat.Point(f.Window.Surface, 5, 5);
        Pump(f);
        Assert.NotNull(seat.Cursor);
        Assert.DoesNotContain(f.Window.Surface.Children, static child => child.IsMapped);
        var pen = NearPen(f);
        f.Refresh();
        Assert.Single(f.Compositor.Tablet.Hidden);
        Assert.Null(seat.Cursor);
        Assert.Equal((100, 50), Assert.Single(f.Window.Surface.Children, static child => child.IsMapped).Position);
        pen.SendProximityOut();
        Pump(f);
        f.Refresh();
        Assert.NotNull(seat.Cursor);
        Assert.DoesNotContain(f.Window.Surface.Children, static child => child.IsMapped);
    }

    [Fact]
    public void A_tablet_tells_a_driver_what_it_is()
    {
        using var guest = new InputHarness(InputProfile.Tablet);
        Assert.Equal([0x02], guest.Ask(0x10)); // INPUT_PROP_DIRECT
        Assert.Equal((0, InputCodes.AbsoluteMax, 100), Range(InputCodes.AbsoluteX));
        Assert.Equal((0, InputCodes.AbsoluteMax, 100), Range(InputCodes.AbsoluteY));
        Assert.Equal((0, 65535, 0), Range(InputCodes.PenPressure));
        Assert.Equal((-90, 90, 57), Range(InputCodes.PenTiltY));
        Assert.Equal((-65535, 65535, 0), Range(InputCodes.PenSlider));
        Assert.Equal([0x01], guest.Ask(0x11, 4)); // MSC_SERIAL
        Assert.Equal([0x00, 0x01], guest.Ask(0x11, 2));
        var keys = guest.Ask(0x11, 1);
        Assert.Equal([0xdf, 0x1e], keys[(InputCodes.Pen / 8)..]); // pens and pucks, tip and three buttons; no finger: that would make it a touchpad
        using var pointer = new InputHarness(InputProfile.Pointer);
        Assert.Equal(new byte[12], pointer.Ask(0x12, 0)[8..]); // of no known size

        (int First, int Last, int UnitsPerSize) Range(ushort axis)
        {
            var range = guest.Ask(0x12, (byte)axis).AsSpan();
            return (BinaryPrimitives.ReadInt32LittleEndian(range), BinaryPrimitives.ReadInt32LittleEndian(range[4..]), BinaryPrimitives.ReadInt32LittleEndian(range[16..]));
        }
    }

    [Fact]
    public void Releasing_all_lifts_the_pen_and_takes_its_pressure_back()
    {
        using var guest = new InputHarness(InputProfile.Tablet);
        guest.Send(Key(InputCodes.Pen, 1), Serial(5), X(1), Y(1), Axis(InputCodes.PenPressure, 900), Key(InputCodes.Touching, 1));
        guest.ReadAll();
        guest.Events.Clear();
        guest.Device.ReleaseAll();
        guest.Device.ReleaseAll();
        guest.ReadAll();
        Assert.Equal(
            [Axis(InputCodes.PenPressure, 0), Key(InputCodes.Pen, 0), Key(InputCodes.Touching, 0), new InputEvent(InputEventType.Synchronization, 0, 0)], guest.Events);
    }

    private static InputEvent Key(ushort code, int value) => new(InputEventType.Key, code, value);

    private static InputEvent Axis(ushort code, int value) => new(InputEventType.Absolute, code, value);

    private static InputEvent X(int value) => Axis(InputCodes.AbsoluteX, value);

    private static InputEvent Y(int value) => Axis(InputCodes.AbsoluteY, value);

    private static InputEvent Serial(int value) => new(InputEventType.Miscellaneous, InputCodes.PenSerial, value);

    private static ZwpTabletToolV2Resource NearPen(PresenterFixture f)
    {
        var pen = f.Compositor.Tablet.AddTool(ZwpTabletToolV2Type.Pen, 7);
        f.Compositor.Tablet.Near(pen, f.Window.Surface, 10, 10);
        Frame(f, pen);
        return pen;
    }

    private static void AssertLifted(PresenterFixture f, params ushort[] pressed)
    {
        var last = f.Events.Inputs[^1].Frame;
        Assert.Equal(Key(InputCodes.Pen, 0), last[0]);
        Assert.Contains(Axis(InputCodes.PenPressure, 0), last);
        Assert.Equal(pressed.Select(static code => Key(code, 0)), last.Where(static e => e.Type == InputEventType.Key).Skip(1));
    }

    private static void Frame(PresenterFixture f, ZwpTabletToolV2Resource tool)
    {
        tool.SendFrame(0);
        Pump(f);
    }

    private static void Pump(PresenterFixture f)
    {
        f.Compositor.Client.Flush();
        f.Pump();
    }

    private PresenterFixture Open(InputKinds takes = InputKinds.Tablet)
    {
        var f = new PresenterFixture(new FakeCompositorOptions { SeatVersion = 8, Tablets = true });
        f.Presenter.Takes = takes;
        f.Show(_picture);
        Pump(f);
        if (f.Compositor.Tablet.IsHeard)
            f.Compositor.Tablet.Plug();
        Pump(f);
        return f;
    }
}
