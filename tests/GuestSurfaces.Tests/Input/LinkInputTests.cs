// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Tests.Link;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>Keys and places over the link, from the viewer in charge to the guest.</summary>
public sealed class LinkInputTests
{
    [Fact]
    public void What_the_viewer_in_charge_does_arrives_in_order_and_what_others_do_does_not()
    {
        using var f = new LinkFixture(takesInput: true);
        var first = f.AddViewer();
        var second = f.AddViewer();
        Assert.True(first.Link.SourceTakesInput);
        first.Link.Input(0, InputKind.Keyboard, [Key(30, 1)]);
        first.Link.Input(0, InputKind.Keyboard, [Key(30, 0), Key(31, 1)]);
        first.Link.Input(5, InputKind.Pointer, [new InputEvent(InputEventType.Absolute, 0, -7), Key(0x110, 1)]);
        second.Link.Input(0, InputKind.Keyboard, [Key(99, 1)]);
        f.Pump();
        Assert.Equal(
            [(0, InputKind.Keyboard, "30=1"), (0, InputKind.Keyboard, "30=0 31=1"), (5, InputKind.Pointer, "0=-7 272=1")],
            f.Events.Inputs.Select(static i => (i.Scanout, i.Kind, string.Join(' ', i.Frame.Select(static e => $"{e.Code}={e.Value}")))));
        Assert.Empty(f.Events.InputsLeft);
    }

    [Fact]
    public void A_viewer_that_goes_leaves_nothing_pressed()
    {
        using var f = new LinkFixture(takesInput: true);
        var viewer = f.AddViewer();
        viewer.Link.Input(0, InputKind.Keyboard, [Key(30, 1)]);
        f.Pump();
        viewer.Link.Dispose();
        f.Pump();
        Assert.Equal([InputKind.Keyboard, InputKind.Pointer], f.Events.InputsLeft);
    }

    [Fact]
    public void Releases_are_sent_for_what_was_pressed()
    {
        using var f = new LinkFixture(takesInput: true);
        var viewer = f.AddViewer();
        viewer.Link.Input(0, InputKind.Keyboard, [Key(30, 1), Key(42, 1)]);
        viewer.Link.InputLeft(InputKind.Keyboard);
        viewer.Link.InputLeft(InputKind.Keyboard);
        f.Pump();
        Assert.Equal([Key(30, 1), Key(42, 1), Key(30, 0), Key(42, 0)], f.Events.Inputs.SelectMany(static i => i.Frame));
    }

    [Fact]
    public void A_source_without_devices_hears_nothing()
    {
        using var f = new LinkFixture();
        var viewer = f.AddViewer();
        Assert.False(viewer.Link.SourceTakesInput);
        viewer.Link.Input(0, InputKind.Keyboard, [Key(30, 1)]);
        f.Pump();
        Assert.Empty(f.Events.Inputs);
    }

    [Fact]
    public void More_than_the_socket_takes_ends_in_what_is_so()
    {
        using var f = new LinkFixture(takesInput: true);
        var viewer = f.AddViewer();
        for (var i = 0; i < 100_000; i++)
        {
            viewer.Link.Input(0, InputKind.Keyboard, [Key((ushort)(1 + (i % 200)), i % 3 == 0 ? 0 : 1)]);
            if (i % 50 == 0)
                f.Timers.RunDue(); // the viewer sends what it can; nobody reads
        }

        viewer.Link.Input(0, InputKind.Keyboard, [Key(250, 1)]);
        f.Pump();
        for (var i = 0; i < 50_000 && !f.Events.Inputs[^1].Frame.Contains(Key(250, 1)); i++)
            f.Pump();
        var state = new Dictionary<ushort, int>();
        foreach (var e in f.Events.Inputs.SelectMany(static i => i.Frame))
            state[e.Code] = e.Value;
        for (var i = 100_000 - 200; i < 100_000; i++)
            Assert.Equal(i % 3 == 0 ? 0 : 1, state[(ushort)(1 + (i % 200))]);
        Assert.Equal(1, state[250]);
        Assert.Empty(viewer.Losses);
    }

    private static InputEvent Key(ushort code, int value) => new(InputEventType.Key, code, value);
}
