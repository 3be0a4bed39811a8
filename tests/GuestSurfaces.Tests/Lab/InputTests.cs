// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Link;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>What a viewer's user does, as an unmodified Linux reads it from /dev/input: over the link, our device's process and QEMU's vhost-user-input-pci.</summary>
[Trait("Tier", "A")]
public sealed class InputTests
{
    private const int Batch = 8; // of presses and releases at a time: a slow guest's own buffer is small

    [Theory]
    [InlineData("6.12", "trixie")]
    [InlineData("6.12", "vmm")]
    [InlineData("6.1", "trixie")]
    [InlineData("6.1", "vmm")]
    public void Every_key_button_wheel_place_finger_and_pen_arrives_in_order_and_nothing_stays_pressed(string kernel, string qemu)
    {
        using var bench = new LabBench("weston10");
        string[] inputs = ["keyboard", "pointer", "touch", "tablet"];
        var device = bench.StartDeviceAlone("guest", [.. inputs.SelectMany(name => (string[])[$"--{name}", bench[$"{name}.sock"]])]);
        bench.StartGuest("vm", "guest", ["--qemu", qemu, "--guest", kernel, "--job", "input", .. inputs.SelectMany(name => (string[])["--input", bench[$"{name}.sock"]])]);
        bench.WaitFor("vm", "^GS-DONE");
        using var loop = new EventLoop();
        using var viewer = new LinkViewer(loop, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
        viewer.Connect(bench["guest.link"]);
        RunUntil(() => viewer.IsInCharge, "the viewer is in charge");
        Assert.Equal(InputKinds.Keyboard | InputKinds.Pointer | InputKinds.Touch | InputKinds.Tablet, viewer.SourceTakes);

        var heard = new HeardInput(bench, "vm");
        var sent = new List<(string Device, InputEvent Event)>();
        for (var first = 1; first <= InputCodes.LastKey; first += Batch)
        {
            for (var key = first; key < first + Batch && key <= InputCodes.LastKey; key++)
            {
                Send(InputKind.Keyboard, new InputEvent(InputEventType.Key, (ushort)key, 1));
                Send(InputKind.Keyboard, new InputEvent(InputEventType.Key, (ushort)key, 0));
            }

            AwaitAll();
        }

        for (var button = InputCodes.FirstButton; button <= InputCodes.LastButton; button++)
        {
            Send(
                InputKind.Pointer,
                new InputEvent(InputEventType.Absolute, InputCodes.AbsoluteX, button),
                new InputEvent(InputEventType.Absolute, InputCodes.AbsoluteY, InputCodes.AbsoluteMax - button),
                new InputEvent(InputEventType.Key, button, 1));
            Send(InputKind.Pointer, new InputEvent(InputEventType.Key, button, 0));
            AwaitAll();
        }

        foreach (var clicks in (int[])[1, -2])
        {
            Send(InputKind.Pointer, new InputEvent(InputEventType.Relative, InputCodes.WheelFine, clicks * 120), new InputEvent(InputEventType.Relative, InputCodes.Wheel, clicks));
            Send(
                InputKind.Pointer,
                new InputEvent(InputEventType.Relative, InputCodes.HorizontalWheelFine, clicks * 60),
                new InputEvent(InputEventType.Relative, InputCodes.HorizontalWheel, clicks));
            AwaitAll();
        }

        // Two fingers, of which one slides and one leaves.
        Send(InputKind.Touch, [.. Finger(1, 1, 100, 200), .. Finger(0, 2, 300, 400), new InputEvent(InputEventType.Key, InputCodes.Touching, 1)]);
        Send(InputKind.Touch, Place(InputCodes.TouchSlot, 1), Place(InputCodes.TouchX, 150), Place(InputCodes.TouchY, 250));
        AwaitAll();
        Send(InputKind.Touch, Place(InputCodes.TouchSlot, 0), Place(InputCodes.TouchId, InputCodes.NoTouch));
        AwaitAll();

        // A pen comes, is pressed, leans, and goes; then the airbrush.
        Send(InputKind.Tablet, [.. Pen(InputCodes.Pen, 1, serial: -5), Place(InputCodes.AbsoluteX, 20_000), Place(InputCodes.AbsoluteY, 10_000), Place(InputCodes.PenDistance, 77)]);
        AwaitAll();
        Send(
            InputKind.Tablet,
            Place(InputCodes.PenPressure, InputCodes.PenMax),
            Place(InputCodes.PenDistance, 0),
            Place(InputCodes.PenTiltX, -InputCodes.PenTiltMax),
            Place(InputCodes.PenTiltY, 1),
            new InputEvent(InputEventType.Key, InputCodes.Touching, 1),
            new InputEvent(InputEventType.Key, InputCodes.PenButton1, 1));
        Send(
            InputKind.Tablet,
            Place(InputCodes.PenPressure, 0),
            new InputEvent(InputEventType.Key, InputCodes.Touching, 0),
            new InputEvent(InputEventType.Key, InputCodes.PenButton1, 0));
        Send(InputKind.Tablet, Pen(InputCodes.Pen, 0, serial: -5));
        AwaitAll();
        Send(
            InputKind.Tablet,
            [.. Pen(InputCodes.LastPen, 1, serial: 9), Place(InputCodes.PenSlider, -InputCodes.PenMax), Place(InputCodes.PenRotation, InputCodes.PenRotationMax), Place(InputCodes.PenPressure, 5000)]);
        AwaitAll();

        // The viewer dies with keys and a button down, a finger on the screen and the airbrush on the tablet.
        Send(InputKind.Keyboard, new InputEvent(InputEventType.Key, 29, 1), new InputEvent(InputEventType.Key, 46, 1));
        Send(InputKind.Pointer, new InputEvent(InputEventType.Key, InputCodes.FirstButton, 1));
        AwaitAll();
        viewer.Dispose();
        Expect(InputKind.Keyboard, new InputEvent(InputEventType.Key, 29, 0), new InputEvent(InputEventType.Key, 46, 0));
        Expect(InputKind.Pointer, new InputEvent(InputEventType.Key, InputCodes.FirstButton, 0));
        Expect(InputKind.Touch, Place(InputCodes.TouchSlot, 1), Place(InputCodes.TouchId, InputCodes.NoTouch), new InputEvent(InputEventType.Key, InputCodes.Touching, 0));
        Expect(InputKind.Tablet, Place(InputCodes.PenPressure, 0), new InputEvent(InputEventType.Key, InputCodes.LastPen, 0));
        AwaitAll();

        bench.AssertNoKernelErrors("vm");
        bench.StopGuest("vm");
        Assert.True(device.WaitForExit(TimeSpan.FromSeconds(20)), device.Output);
        Assert.Equal(0, device.ExitCode);

        void Send(InputKind kind, params ReadOnlySpan<InputEvent> frame)
        {
            viewer.Input(0, kind, frame);
            Expect(kind, frame);
        }

        void Expect(InputKind kind, params ReadOnlySpan<InputEvent> frame)
        {
            foreach (var e in frame)
                sent.Add((HeardInput.NameOf(kind), e));
        }

        // Each device's events are in order; how two devices' are among each other is the guest's business.
        void AwaitAll()
        {
            RunUntil(() => heard.Read().Count >= sent.Count, $"the guest has heard {sent.Count} events, up to {sent[^1]}");
            foreach (var name in sent.Select(static s => s.Device).Distinct())
                Assert.Equal(sent.Where(s => s.Device == name), heard.Read().Where(h => h.Device == name));
            Assert.Equal(sent.Count, heard.Read().Count);
        }

        void RunUntil(Func<bool> condition, string what) => LabBench.WaitUntil(
            () =>
            {
                loop.RunOnce(20);
                return condition();
            },
            LabBench.Patience,
            what);
    }

    private static InputEvent Place(ushort axis, int value) => new(InputEventType.Absolute, axis, value);

    private static InputEvent[] Finger(int slot, int id, int x, int y) =>
        [Place(InputCodes.TouchSlot, slot), Place(InputCodes.TouchId, id), Place(InputCodes.TouchX, x), Place(InputCodes.TouchY, y)];

    private static InputEvent[] Pen(ushort tool, int isNear, int serial) =>
        [new(InputEventType.Key, tool, isNear), new(InputEventType.Miscellaneous, InputCodes.PenSerial, serial)];
}
