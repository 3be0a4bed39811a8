// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Tests.Presentation;
using GuestSurfaces.Virtio.Input;
using GuestSurfaces.Wayland;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>Fingers, from a seat to a guest's touchscreen.</summary>
public sealed class TouchTests : IDisposable
{
    private readonly TestPicture _picture = new(640, 480);

    public void Dispose() => _picture.Dispose();

    [Fact]
    public void Nobody_listens_to_fingers_for_a_guest_without_a_touchscreen()
    {
        using var f = Open(InputKinds.Keyboard | InputKinds.Pointer);
        Assert.Null(f.Compositor.Seat!.Touch);
    }

    [Fact]
    public void Two_fingers_are_two_slots_and_what_happens_at_once_is_one_frame()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Down(f.Window.Surface, 7, 320, 240);
        seat.Down(f.Window.Surface, 9, 0, 0);
        Pump(f);
        Assert.Empty(f.Events.Inputs);
        Frame(f);
        seat.Slide(9, 160, 480);
        Frame(f);
        seat.Up(7);
        Frame(f);
        seat.Up(9);
        Frame(f);
        Assert.Equal(
            [
                [Slot(0), Id(1), X(16384), Y(16384), Slot(1), Id(2), X(0), Y(0), Touching(1)], [Slot(1), X(8192), Y(InputCodes.AbsoluteMax)], [Slot(0), Id(-1)],
                [Slot(1), Id(-1), Touching(0)],
            ],
            f.Events.Inputs.Select(static i => i.Frame));
        Assert.All(f.Events.Inputs, static i => Assert.Equal((0, InputKind.Touch), (i.Scanout, i.Kind)));
    }

    [Fact]
    public void More_fingers_than_slots_do_not_count_and_all_that_count_are_told()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        for (var i = 0; i < 25; i++)
            seat.Down(f.Window.Surface, i, i, i);
        seat.Slide(20, 100, 100);
        seat.Up(21);
        seat.Down(f.Window.Surface, 3, 5, 5); // that one is down already
        Frame(f);
        Assert.All(f.Events.Inputs, static i => Assert.InRange(i.Frame.Length, 1, InputCodes.MaxFrame));
        Assert.All(f.Events.Inputs.SelectMany(static i => i.Frame), static e => Assert.True(e.IsKnown, $"{e}"));
        Assert.Equal(Enumerable.Range(1, 10), f.Events.Inputs.SelectMany(static i => i.Frame).Where(static e => e.Code == InputCodes.TouchId).Select(static e => e.Value));
    }

    [Fact]
    public void Fingers_that_the_compositor_takes_back_are_gone()
    {
        using var f = Open();
        var seat = f.Compositor.Seat!;
        seat.Down(f.Window.Surface, 0, 10, 10);
        Frame(f);
        seat.Slide(0, 20, 20);
        seat.Touch!.SendCancel();
        seat.Slide(0, 30, 30);
        seat.Up(0);
        Frame(f);
        Assert.Single(f.Events.Inputs);
        Assert.Equal([InputKind.Touch], f.Events.InputsLeft);
    }

    [Fact]
    public void Fingers_on_a_window_that_goes_are_lifted()
    {
        using var f = Open();
        f.Compositor.Seat!.Down(f.Window.Surface, 0, 10, 10);
        Frame(f);
        f.Presenter.Disable(0);
        Pump(f);
        Assert.Equal([Slot(0), Id(-1), Touching(0)], f.Events.Inputs[^1].Frame);
    }

    [Fact]
    public void A_touchscreen_that_is_unplugged_leaves_no_finger()
    {
        using var f = Open();
        f.Compositor.Seat!.Down(f.Window.Surface, 0, 10, 10);
        Frame(f);
        f.Compositor.Seat.Change(WlSeatCapability.Keyboard);
        Pump(f);
        Assert.Contains(InputKind.Touch, f.Events.InputsLeft);
        Assert.Null(f.Compositor.Seat.Touch);
    }

    [Fact]
    public void A_touchscreen_tells_a_driver_what_it_is()
    {
        using var guest = new InputHarness(InputProfile.Touch);
        Assert.Equal([0x02], guest.Ask(0x10)); // INPUT_PROP_DIRECT
        Assert.Equal(9, guest.Ask(0x12, (byte)InputCodes.TouchSlot)[4]);
        Assert.Equal([0xff, 0xff, 0, 0], guest.Ask(0x12, (byte)InputCodes.TouchId)[4..8]);
        Assert.Equal([0xff, 0x7f, 0, 0], guest.Ask(0x12, (byte)InputCodes.TouchX)[4..8]);
        Assert.Empty(guest.Ask(0x11, 2));
        Assert.Equal(42, guest.Ask(0x11, 1).Length); // BTN_TOUCH alone
    }

    [Fact]
    public void A_mouse_tells_a_driver_what_it_is()
    {
        using var guest = new InputHarness(InputProfile.Mouse);
        Assert.Empty(guest.Ask(0x10));
        Assert.Equal([0x43, 0x19], guest.Ask(0x11, 2));
        Assert.Empty(guest.Ask(0x11, 3)); // places would make it a tablet
    }

    [Fact]
    public void Releasing_all_lifts_every_finger()
    {
        using var guest = new InputHarness(InputProfile.Touch);
        guest.Send(Slot(2), Id(5), X(1), Y(2), Touching(1));
        guest.Send(Slot(4), Id(6), X(1), Y(2));
        guest.ReadAll();
        guest.Events.Clear();
        guest.Device.ReleaseAll();
        guest.Device.ReleaseAll();
        guest.ReadAll();
        Assert.Equal([Slot(2), Id(-1), Slot(4), Id(-1), Touching(0), new InputEvent(InputEventType.Synchronization, 0, 0)], guest.Events);
    }

    [Fact]
    public void Any_dance_read_at_any_pace_ends_with_the_fingers_that_are_there()
    {
        var steps =
            from kind in Gen.Choose(0, 9)
            from slot in Gen.Choose(0, 9)
            from at in Gen.Choose(0, 1000)
            select (kind, slot, at);
        Prop.ForAll(Gen.Sized(size => steps.ArrayOf(size * 8)).ToArbitrary(), static dance => Replay(dance)).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

        static void Replay((int Kind, int Slot, int At)[] dance)
        {
            using var guest = new InputHarness(InputProfile.Touch);
            var fingers = new Dictionary<int, (int Id, int X, int Y)>();
            var next = 0;
            foreach (var (kind, slot, at) in dance)
            {
                switch (kind)
                {
                    case <= 3:
                        if (fingers.Remove(slot))
                            guest.Send(Slot(slot), Id(-1));
                        fingers[slot] = (++next, at, at + 1);
                        guest.Send(Slot(slot), Id(next), X(at), Y(at + 1));
                        break;
                    case <= 6 when fingers.TryGetValue(slot, out var finger):
                        fingers[slot] = finger with { X = at };
                        guest.Send(Slot(slot), X(at));
                        break;
                    case 7 when fingers.Remove(slot):
                        guest.Send(Slot(slot), Id(-1));
                        break;
                    case 8:
                        guest.Lend(slot);
                        break;
                    case 9 when at == 0:
                        guest.Device.ReleaseAll();
                        fingers.Clear();
                        break;
                }
            }

            guest.ReadAll();
            var told = new Dictionary<int, (int Id, int X, int Y)>();
            var current = 0;
            foreach (var e in guest.Events)
            {
                _ = told.TryGetValue(current, out var finger);
                switch (e.Code)
                {
                    case InputCodes.TouchSlot:
                        current = e.Value;
                        break;
                    case InputCodes.TouchId when e.Value < 0:
                        Assert.True(told.Remove(current), "a finger that isn't there is lifted");
                        break;
                    case InputCodes.TouchId:
                        Assert.False(told.ContainsKey(current) && told[current].Id != e.Value, "a finger comes where one is");
                        told[current] = finger with { Id = e.Value };
                        break;
                    case InputCodes.TouchX:
                        told[current] = finger with { X = e.Value };
                        break;
                    case InputCodes.TouchY:
                        told[current] = finger with { Y = e.Value };
                        break;
                }
            }

            Assert.Equal(fingers.OrderBy(static p => p.Key), told.OrderBy(static p => p.Key));
        }
    }

    private static InputEvent Slot(int value) => new(InputEventType.Absolute, InputCodes.TouchSlot, value);

    private static InputEvent Id(int value) => new(InputEventType.Absolute, InputCodes.TouchId, value);

    private static InputEvent X(int value) => new(InputEventType.Absolute, InputCodes.TouchX, value);

    private static InputEvent Y(int value) => new(InputEventType.Absolute, InputCodes.TouchY, value);

    private static InputEvent Touching(int value) => new(InputEventType.Key, InputCodes.Touching, value);

    private static void Frame(PresenterFixture f)
    {
        f.Compositor.Seat!.Touch!.SendFrame();
        Pump(f);
    }

    private static void Pump(PresenterFixture f)
    {
        f.Compositor.Client.Flush();
        f.Pump();
    }

    private PresenterFixture Open(InputKinds takes = InputKinds.Touch)
    {
        var f = new PresenterFixture(new FakeCompositorOptions { SeatVersion = 8 });
        f.Presenter.Takes = takes;
        f.Show(_picture);
        f.Compositor.Seat!.Change(WlSeatCapability.Pointer | WlSeatCapability.Keyboard | WlSeatCapability.Touch);
        Pump(f);
        return f;
    }
}
