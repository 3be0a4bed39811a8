// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Input;
using GuestSurfaces.Link;
using GuestSurfaces.Link.Wire;
using GuestSurfaces.Tests.Link;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>Keys and places over the link, from the viewer in charge to the guest.</summary>
public sealed class LinkInputTests
{
    private const InputKinds Takes = InputKinds.Keyboard | InputKinds.Pointer;

    [Fact]
    public void What_the_viewer_in_charge_does_arrives_in_order_and_what_others_do_does_not()
    {
        using var f = new LinkFixture(takes: Takes);
        var first = f.AddViewer();
        var second = f.AddViewer();
        Assert.Equal(Takes, first.Link.SourceTakes);
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
        using var f = new LinkFixture(takes: Takes);
        var viewer = f.AddViewer();
        viewer.Link.Input(0, InputKind.Keyboard, [Key(30, 1)]);
        f.Pump();
        viewer.Link.Dispose();
        f.Pump();
        Assert.Equal(Enum.GetValues<InputKind>(), f.Events.InputsLeft);
    }

    [Fact]
    public void Releases_are_sent_for_what_was_pressed()
    {
        using var f = new LinkFixture(takes: Takes);
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
        Assert.Equal(InputKinds.None, viewer.Link.SourceTakes);
        viewer.Link.Input(0, InputKind.Keyboard, [Key(30, 1)]);
        f.Pump();
        Assert.Empty(f.Events.Inputs);
    }

    [Fact]
    public void A_mouse_and_a_touchscreen_are_told_of_where_both_sides_know_them()
    {
        using var f = new LinkFixture(takes: Takes | InputKinds.Mouse | InputKinds.Touch);
        var viewer = f.AddViewer();
        Assert.Equal(Takes | InputKinds.Mouse | InputKinds.Touch, viewer.Link.SourceTakes);
        InputEvent[] movement = [new(InputEventType.Relative, InputCodes.RelativeX, -3)];
        InputEvent[] finger = [new(InputEventType.Absolute, InputCodes.TouchSlot, 1), new(InputEventType.Absolute, InputCodes.TouchId, 4)];
        viewer.Link.Input(0, InputKind.Mouse, movement);
        viewer.Link.Input(0, InputKind.Touch, finger);
        f.Pump();
        viewer.Link.InputLeft(InputKind.Touch);
        f.Pump();
        Assert.Equal([movement, finger, [finger[0], finger[1] with { Value = InputCodes.NoTouch }]], f.Events.Inputs.Select(static i => i.Frame));
        Assert.Equal([InputKind.Mouse, InputKind.Touch, InputKind.Touch], f.Events.Inputs.Select(static i => i.Kind));
    }

    [Fact]
    public void A_source_of_before_hears_of_a_keyboard_and_a_pointer_alone()
    {
        using var f = new LinkFixture(takes: Takes);
        var viewer = f.AddViewer();
        viewer.Link.Input(0, InputKind.Mouse, [new InputEvent(InputEventType.Relative, 0, 1)]);
        viewer.Link.Input(0, InputKind.Keyboard, [Key(30, 1)]);
        f.Pump();
        Assert.Equal(InputKind.Keyboard, Assert.Single(f.Events.Inputs).Kind);
        Assert.Empty(viewer.Losses);
    }

    [Theory]
    [InlineData(InputKind.Mouse, 1u, false)] // a viewer of before says nothing of mice
    [InlineData(InputKind.Mouse, 3u, true)]
    [InlineData(InputKind.Touch, 3u, false)]
    [InlineData(InputKind.Touch, 7u, true)]
    [InlineData(InputKind.Tablet, 7u, false)]
    [InlineData(InputKind.Tablet, 15u, true)]
    [InlineData((InputKind)5, 31u, false)]
    public void What_was_not_agreed_on_breaks_a_rule(InputKind kind, uint features, bool isFine)
    {
        using var f = new LinkFixture(takes: Takes | InputKinds.Mouse | InputKinds.Touch | InputKinds.Tablet);
        using var peer = new RawPeer(f);
        peer.Writer.Begin(LinkOpcode.ViewerHello);
        peer.Writer.Put(new HelloBody
        {
            Magic = HelloBody.GoodMagic,
            OldestVersion = 1,
            NewestVersion = 1,
            Features = features,
            Wishes = HelloBody.WantsControl | (1 << HelloBody.CreditShift),
        });
        peer.Writer.PutText("raw", LinkLimits.NameBytes);
        peer.Writer.End();
        peer.Send();
        peer.Writer.Begin(LinkOpcode.Input);
        peer.Writer.Put(new InputBody { Kind = (uint)kind, Events = 1 });
        peer.Writer.Put(new WireInputEvent { Type = 1, Code = 0x110, Value = 1 });
        peer.Writer.End();
        peer.Send();
        f.Pump();
        Assert.Equal(isFine ? 1 : 0, f.Hub.ViewerCount);
        Assert.Equal(isFine ? 1 : 0, f.Events.Inputs.Count);
    }

    [Fact]
    public void More_than_the_socket_takes_ends_in_what_is_so()
    {
        using var f = new LinkFixture(takes: Takes);
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
