// SPDX-License-Identifier: MIT
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Testing.Virtio;
using GuestSurfaces.Virtio.Input;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>The input device against a driver that lends buffers when the test says so.</summary>
public sealed class VirtioInputTests
{
    private static readonly InputEvent s_end = new(InputEventType.Synchronization, InputCodes.Report, 0);

    private enum Step
    {
        Button,
        Place,
        Lend,
        ReleaseAll,
        Pause,
    }

    [Fact]
    public void A_keyboard_tells_a_driver_what_it_is()
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        Assert.Equal("guest-surfaces keyboard", Encoding.UTF8.GetString(guest.Ask(0x01)));
        Assert.Empty(guest.Ask(0x02)); // no serial number
        Assert.Equal([6, 0, 0, 0, 1, 0, 1, 0], guest.Ask(0x03));
        Assert.Empty(guest.Ask(0x10));
        var keys = guest.Ask(0x11, 1);
        Assert.Equal(32, keys.Length);
        Assert.Equal(0xfe, keys[0]); // there is no key 0
        Assert.All(keys[1..], static bits => Assert.Equal(0xff, bits));
        Assert.Equal([0x07], guest.Ask(0x11, 17));
        Assert.Equal([0x03], guest.Ask(0x11, 20));
        Assert.Empty(guest.Ask(0x11, 2));
        Assert.Empty(guest.Ask(0x11, 3));
        Assert.Empty(guest.Ask(0x12, 0));
    }

    [Fact]
    public void A_pointer_tells_its_range_buttons_and_wheels()
    {
        using var guest = new InputHarness(InputProfile.Pointer);
        Assert.Equal([0x03], guest.Ask(0x11, 3));
        Assert.Equal([0x40, 0x19], guest.Ask(0x11, 2)); // no movement of its own
        var buttons = guest.Ask(0x11, 1);
        Assert.Equal((35, 0xff), (buttons.Length, buttons[^1]));
        foreach (byte axis in (byte[])[0, 1])
            Assert.Equal([0, 0, 0, 0, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], guest.Ask(0x12, axis));
        Assert.Empty(guest.Ask(0x12, 2));
        Assert.Empty(guest.Ask(0x12, 200));
    }

    [Fact]
    public void Whatever_a_driver_asks_and_writes_is_answered_within_the_space()
    {
        using var guest = new InputHarness(InputProfile.Pointer);
        for (var select = 0; select < 256; select++)
        {
            for (var subselect = 0; subselect < 256; subselect++)
                Assert.InRange(guest.Ask((byte)select, (byte)subselect).Length, 0, 128);
        }

        // QEMU writes the whole space; others might write any part of it.
        var space = new byte[136];
        space.AsSpan().Fill(0xff);
        (space[0], space[1]) = (0x03, 0);
        guest.Device.WriteConfig(0, space);
        guest.Device.WriteConfig(2, [9, 9, 9]);
        guest.Device.WriteConfig(1, [0]);
        guest.Device.ReadConfig(space);
        Assert.Equal([0x03, 0, 8, 0, 0, 0, 0, 0, 6], space[..9]);
        Assert.All(space[16..], static b => Assert.Equal(0, b));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Events_arrive_in_order_by_frames_however_few_buffers_there_are(bool eventIndex)
    {
        using var guest = new InputHarness(InputProfile.Pointer, eventIndex);
        guest.Lend(4); // as many as QEMU's queue has
        InputEvent[] click = [Place(0, 100), Place(1, 200), Button(0x110, true)];
        guest.Send(click);
        Assert.Equal([.. click, s_end], guest.Events);
        guest.Send(Button(0x110, false));
        guest.Send(Wheel(1), new InputEvent(InputEventType.Relative, InputCodes.WheelFine, 120));
        Assert.Equal(4, guest.Events.Count);
        guest.Lend(1);
        guest.Lend(3);
        guest.Lend(1);
        Assert.Equal(
            [.. click, s_end, Button(0x110, false), s_end, Wheel(1), new InputEvent(InputEventType.Relative, InputCodes.WheelFine, 120), s_end], guest.Events);
    }

    [Fact]
    public void Movements_that_wait_are_added_up_but_clicks_stay_where_they_were()
    {
        using var guest = new InputHarness(InputProfile.Pointer);
        for (var i = 0; i < 1000; i++)
            guest.Send(Move(6, 1), Move(8, -2));
        guest.Send(Button(0x110, true));
        guest.Send(Button(0x110, false));
        guest.Send(Move(6, 5), Move(8, 5));
        guest.Send(Move(6, int.MaxValue), Move(8, int.MinValue));
        guest.Send(Move(6, 7));
        guest.ReadAll();
        Assert.Equal(
            [
                Move(6, 1000), Move(8, -2000), s_end, Button(0x110, true), s_end, Button(0x110, false), s_end,
                Move(6, int.MaxValue), Move(8, int.MinValue + 5), s_end, Move(6, 7), s_end,
            ],
            guest.Events);
    }

    [Fact]
    public void A_movement_that_the_guest_has_begun_to_read_is_left_as_it_is()
    {
        using var guest = new InputHarness(InputProfile.Pointer);
        guest.Lend(1);
        guest.Send(Place(0, 1), Place(1, 1));
        guest.Send(Place(0, 2), Place(1, 2));
        guest.Send(Place(0, 3), Place(1, 3));
        guest.ReadAll();
        Assert.Equal([Place(0, 1), Place(1, 1), s_end, Place(0, 3), Place(1, 3), s_end], guest.Events);
    }

    [Fact]
    public void What_the_device_does_not_have_is_left_out()
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        guest.Lend(8);
        guest.Send(Move(0, 3), Key(30, true), Place(0, 4), Button(0x110, true), Key(0, true));
        guest.Send(Move(0, 3));
        Assert.Equal([Key(30, true), s_end], guest.Events);
    }

    [Fact]
    public void Releasing_all_releases_what_is_pressed_once()
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        for (ushort key = 1; key <= 40; key++)
            guest.Send(Key(key, true));
        guest.Send(Key(7, false));
        guest.ReadAll();
        guest.Events.Clear();
        guest.Device.ReleaseAll();
        guest.Device.ReleaseAll();
        guest.ReadAll();
        var released = guest.Events.Where(static e => e.Type == InputEventType.Key).ToList();
        Assert.All(released, static e => Assert.Equal(0, e.Value));
        Assert.Equal([.. Enumerable.Range(1, 40).Except([7])], released.Select(static e => (int)e.Code));
        Assert.Equal(s_end, guest.Events[^1]);
    }

    [Fact]
    public void A_guest_that_reads_nothing_costs_nothing_and_hears_in_the_end_what_is_so()
    {
        using var guest = new InputHarness(InputProfile.Pointer);
        guest.Lend(2);
        guest.Send(Place(0, 1), Place(1, 1), Button(0x110, true));
        for (var i = 0; i < 10_000; i++)
            guest.Send(Place(0, i), Place(1, i), Button((ushort)(0x110 + (i % 8)), i % 3 != 0));
        guest.Send(Button(0x111, true));
        guest.ReadAll();
        Assert.InRange(guest.Events.Count, 1, PendingInput.Capacity + 16);
        var places = Places(guest.Events);
        Assert.Equal((9999, 9999), (places[0], places[1]));
        Assert.Contains(0x111, Pressed(guest.Events));
    }

    [Fact]
    public void Any_history_read_at_any_pace_ends_in_the_state_that_is()
    {
        var steps =
            from kind in Gen.Frequency((6, Gen.Constant(Step.Button)), (6, Gen.Constant(Step.Place)), (2, Gen.Constant(Step.Lend)), (1, Gen.Constant(Step.ReleaseAll)), (1, Gen.Constant(Step.Pause)))
            from a in Gen.Choose(0, 7)
            from b in Gen.Choose(0, 100)
            select (kind, a, b);
        var histories = Gen.Sized(size => steps.ArrayOf(size * 8));
        Prop.ForAll(histories.ToArbitrary(), static history => Replay(history)).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

        static void Replay((Step Kind, int A, int B)[] history)
        {
            using var guest = new InputHarness(InputProfile.Pointer);
            var held = new HashSet<int>();
            (int X, int Y)? place = null;
            foreach (var (kind, a, b) in history)
            {
                switch (kind)
                {
                    case Step.Button:
                        guest.Send(Button((ushort)(0x110 + a), b > 50));
                        _ = b > 50 ? held.Add(0x110 + a) : held.Remove(0x110 + a);
                        break;
                    case Step.Place:
                        guest.Send(Place(0, a), Place(1, b));
                        place = (a, b);
                        break;
                    case Step.Lend:
                        guest.Lend(Math.Min(a, 4));
                        break;
                    case Step.ReleaseAll:
                        guest.Device.ReleaseAll();
                        held.Clear();
                        break;
                    case Step.Pause:
                        guest.Pause();
                        guest.Send(Button(0x110, true));
                        guest.Send(Button(0x110, false));
                        held.Remove(0x110);
                        guest.Start();
                        break;
                }
            }

            guest.ReadAll();
            Assert.Equal(held.Order(), Pressed(guest.Events).Order());
            var places = Places(guest.Events);
            if (place is { } p)
                Assert.Equal((p.X, p.Y), (places[0], places[1]));
        }
    }

    [Fact]
    public void A_new_driver_knows_nothing_of_what_was_pressed_before()
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        guest.Lend(2);
        guest.Send(Key(30, true));
        guest.Send(Key(31, true));
        guest.Reset();
        guest.Events.Clear();
        guest.Device.ReleaseAll();
        guest.ReadAll();
        Assert.Empty(guest.Events);
        guest.Send(Key(30, true));
        Assert.Equal([Key(30, true), s_end], guest.Events);
    }

    [Fact]
    public void Nothing_is_kept_for_a_driver_that_has_yet_to_come()
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        guest.Pause();
        guest.Device.Reset();
        guest.Send(Key(30, true));
        guest.Start();
        guest.ReadAll();
        Assert.Empty(guest.Events);
    }

    [Fact]
    public void Lamps_are_as_the_driver_says_and_go_dark_with_it()
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        guest.Tell(InputEventType.Led, 1, 1);
        Assert.Equal(2u, guest.Device.Lamps);
        guest.Tell(InputEventType.Led, 1, 1);
        guest.Tell(InputEventType.Led, 0, -5);
        Assert.Equal(3u, guest.Device.Lamps);
        guest.Tell(InputEventType.Led, 3, 1); // no such lamp
        guest.Tell(InputEventType.Led, 40, 1);
        guest.Tell(InputEventType.Key, 2, 1);
        guest.Tell(InputEventType.Led, 2, 1, bytes: 7);
        Assert.Equal(3u, guest.Device.Lamps);
        guest.Tell(InputEventType.Led, 1, 0);
        Assert.Equal((0, 1u), (guest.StatusInFlight, guest.Device.Lamps));
        guest.Reset();
        Assert.Equal(0u, guest.Device.Lamps);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Buffers_too_small_for_an_event_come_back_empty_and_no_event_is_lost(int bytes)
    {
        using var guest = new InputHarness(InputProfile.Keyboard);
        guest.Lend(3, bytes);
        guest.Send(Key(30, true));
        Assert.Empty(guest.Events);
        guest.ReadAll();
        Assert.Equal([Key(30, true), s_end], guest.Events);
    }

    [Fact]
    public void Sending_allocates_nothing()
    {
        using var guest = new InputHarness(InputProfile.Pointer);
        InputEvent[] frame = [Place(0, 1), Place(1, 2), Button(0x110, true)];
        guest.Lend(32);
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            for (var i = 0; i < 500; i++)
            {
                guest.Device.Send(frame);
                guest.Device.ReleaseAll();
            }
        }
    }

    private static InputEvent Key(ushort code, bool isPressed) => new(InputEventType.Key, code, isPressed ? 1 : 0);

    private static InputEvent Button(ushort code, bool isPressed) => Key(code, isPressed);

    private static InputEvent Place(ushort axis, int value) => new(InputEventType.Absolute, axis, value);

    private static InputEvent Move(ushort axis, int value) => new(InputEventType.Relative, axis, value);

    private static InputEvent Wheel(int clicks) => new(InputEventType.Relative, InputCodes.Wheel, clicks);

    private static IEnumerable<int> Pressed(List<InputEvent> events) =>
        events.Where(static e => e.Type == InputEventType.Key).GroupBy(static e => e.Code).Where(static g => g.Last().Value != 0).Select(static g => (int)g.Key);

    private static Dictionary<int, int> Places(List<InputEvent> events)
    {
        if (events.Count > 0)
            Assert.Equal(s_end, events[^1]); // only what stands before a frame's end counts
        var places = new Dictionary<int, int>();
        foreach (var e in events.Where(static e => e.Type == InputEventType.Absolute))
            places[e.Code] = e.Value;
        return places;
    }
}
