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
    public void Every_key_button_wheel_and_place_arrives_in_order_and_nothing_stays_pressed(string kernel, string qemu)
    {
        using var bench = new LabBench("weston10");
        var device = bench.StartDeviceAlone("guest", "--keyboard", bench["keys.sock"], "--pointer", bench["pointer.sock"]);
        bench.StartGuest("vm", "guest", "--qemu", qemu, "--guest", kernel, "--job", "input", "--input", bench["keys.sock"], "--input", bench["pointer.sock"]);
        bench.WaitFor("vm", "^GS-DONE");
        using var loop = new EventLoop();
        using var viewer = new LinkViewer(loop, new LinkViewerOptions(), new GuestStatistics(), NullLogger.Instance);
        viewer.Connect(bench["guest.link"]);
        RunUntil(() => viewer.IsInCharge, "the viewer is in charge");
        Assert.Equal(InputKinds.Keyboard | InputKinds.Pointer, viewer.SourceTakes);

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

        // The viewer dies with keys and a button down.
        Send(InputKind.Keyboard, new InputEvent(InputEventType.Key, 29, 1), new InputEvent(InputEventType.Key, 46, 1));
        Send(InputKind.Pointer, new InputEvent(InputEventType.Key, InputCodes.FirstButton, 1));
        AwaitAll();
        viewer.Dispose();
        Expect(InputKind.Keyboard, new InputEvent(InputEventType.Key, 29, 0), new InputEvent(InputEventType.Key, 46, 0));
        Expect(InputKind.Pointer, new InputEvent(InputEventType.Key, InputCodes.FirstButton, 0));
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
}
