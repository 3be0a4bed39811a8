// SPDX-License-Identifier: MIT
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Link;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Testing.Screenshots;
using GuestSurfaces.Testing.Seats;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Lab;

/// <summary>The whole way of a key: a real compositor's seat, our viewer, the link, our device, QEMU, and what an unmodified Linux reads from /dev/input.</summary>
[Trait("Tier", "A")]
public sealed class DesktopSeatTests
{
    private const int Width = 1280;
    private const int Height = 800;
    private const int Batch = 8; // keys at a time: a slow guest's own buffer is small
    private const ushort Marker = 100;
    private const ushort LeftCtrl = 29;
    private const ushort LeftAlt = 56;
    private const ushort KeyA = 30;
    private const ushort KeyG = 34;
    private const ushort KeyS = 31;
    private const ushort KeyC = 46;
    private const uint NoticeInk = 0xe0e0e0;
    private const uint NoticeBox = 0x202020;
    private const string Grabbed = "keyboard and mouse are the guest's alone";
    private const string Released = "keyboard and mouse are released";

    [Fact]
    public void Everything_that_a_user_does_arrives_in_order_and_nothing_stays_pressed()
    {
        using var bench = new LabBench("sway", size: $"{Width}x{Height}");
        var viewer = Start(bench);
        using var seat = new VirtualSeat(bench.Display, Width, Height);
        var heard = new HeardInput(bench.SerialLog("vm"));
        var keys = new ExpectedInput(heard, InputKind.Keyboard);
        var pointer = new ExpectedInput(heard, InputKind.Pointer);
        Meet(seat, keys, pointer);

        for (var first = 1; first <= VirtualSeat.LastKey; first += Batch)
        {
            for (var key = (ushort)first; key < first + Batch && key <= VirtualSeat.LastKey; key++)
                Tap(seat, keys, key);
            keys.Await();
        }

        for (var button = InputCodes.FirstButton; button <= InputCodes.LastButton; button++)
        {
            var (x, y) = (10 + ((button - InputCodes.FirstButton) * 100), 700 - button);
            seat.MoveTo(x, y);
            seat.Button(button, true);
            seat.Button(button, false);
            pointer.Add(PlaceAt(x, y));
            pointer.Add(Key(button, 1), Key(button, 0));
            pointer.Await();
        }

        seat.Turn(WlPointerAxis.VerticalScroll, 2);
        seat.Turn(WlPointerAxis.HorizontalScroll, -1);
        pointer.Add(Turn(InputCodes.WheelFine, -240), Turn(InputCodes.Wheel, -2), Turn(InputCodes.HorizontalWheelFine, -120), Turn(InputCodes.HorizontalWheel, -1));
        pointer.Await();

        // The focus goes while a key and a button are down: the key is released; the button belongs to the window where it was pressed until it is let go.
        seat.Key(KeyA, true);
        seat.Button(InputCodes.FirstButton, true);
        keys.Add(Key(KeyA, 1));
        pointer.Add(Key(InputCodes.FirstButton, 1));
        keys.Await();
        pointer.Await();
        var neighbour = bench.StartNeighbour();
        keys.Add(Key(KeyA, 0));
        keys.Await();
        seat.Key(KeyS, true);
        seat.Key(KeyS, false); // the neighbour's
        seat.Button(InputCodes.FirstButton, false);
        pointer.Add(Key(InputCodes.FirstButton, 0));
        pointer.Await();
        seat.Key(KeyA, false);
        neighbour.Dispose();
        Meet(seat, keys, pointer);

        // The keyboard is unplugged with a key down.
        seat.Key(KeyS, true);
        keys.Add(Key(KeyS, 1));
        keys.Await();
        seat.UnplugKeyboard();
        keys.Add(Key(KeyS, 0));
        keys.Await();
        seat.PlugKeyboard();
        Meet(seat, keys, pointer);

        // The viewer is killed with keys and a button down; the next one begins with nothing pressed.
        seat.Key(LeftCtrl, true);
        seat.Key(KeyC, true);
        seat.Button(InputCodes.FirstButton, true);
        keys.Add(Key(LeftCtrl, 1), Key(KeyC, 1));
        pointer.Add(Key(InputCodes.FirstButton, 1));
        keys.Await();
        pointer.Await();
        viewer.Signal("KILL");
        keys.Add(Key(LeftCtrl, 0), Key(KeyC, 0));
        pointer.Add(Key(InputCodes.FirstButton, 0));
        keys.Await();
        pointer.Await();
        seat.Key(LeftCtrl, false);
        seat.Key(KeyC, false);
        seat.Button(InputCodes.FirstButton, false);
        _ = bench.StartViewer("guest");
        Meet(seat, keys, pointer);
        bench.AssertNoKernelErrors("vm");
    }

    [Fact]
    public void A_grabbed_mouse_is_the_guests_alone_and_goes_free_with_the_chord_the_focus_and_the_viewer()
    {
        using var bench = new LabBench("sway", size: $"{Width}x{Height}");
        var viewer = Start(bench);
        using var seat = new VirtualSeat(bench.Display, Width, Height);
        var heard = new HeardInput(bench.SerialLog("vm"));
        var keys = new ExpectedInput(heard, InputKind.Keyboard);
        var pointer = new ExpectedInput(heard, InputKind.Pointer);
        var mouse = new ExpectedInput(heard, InputKind.Mouse);
        Meet(seat, keys, pointer);
        Grab(seat, viewer, keys, 1);

        // How to get out stands in the picture, for a while.
        var free = bench.Held("vm")[0];
        bench.ShootUntil(picture => picture.Crc != free && Contains(picture, NoticeInk, NoticeBox));
        foreach (var (x, y) in ((int, int)[])[(7, -3), (-20, 40)])
        {
            seat.MoveBy(x, y);
            mouse.Add(Turn(InputCodes.RelativeX, x), Turn(InputCodes.RelativeY, y));
            mouse.Await(); // what waits is added up
        }

        for (var button = InputCodes.FirstButton; button <= InputCodes.LastButton; button++)
        {
            seat.Button(button, true);
            seat.Button(button, false);
            mouse.Add(Key(button, 1), Key(button, 0));
        }

        mouse.Await();
        seat.Turn(WlPointerAxis.VerticalScroll, -1);
        mouse.Add(Turn(InputCodes.WheelFine, 120), Turn(InputCodes.Wheel, 1));
        mouse.Await();
        Tap(seat, keys, KeyC);
        keys.Await();
        bench.ShootUntil(picture => picture.Crc == free);

        // The chord.
        PressChord(seat, keys);
        AwaitLines(viewer, Released, 1);
        seat.MoveTo(300, 200);
        pointer.Add(PlaceAt(300, 200));
        pointer.Await();

        // The focus, with a key and a button down.
        Grab(seat, viewer, keys, 2);
        seat.Key(KeyA, true);
        seat.Button(InputCodes.FirstButton, true);
        keys.Add(Key(KeyA, 1));
        mouse.Add(Key(InputCodes.FirstButton, 1));
        keys.Await();
        mouse.Await();
        var neighbour = bench.StartNeighbour();
        keys.Add(Key(KeyA, 0));
        mouse.Add(Key(InputCodes.FirstButton, 0));
        keys.Await();
        mouse.Await();
        AwaitLines(viewer, Released, 2);
        seat.Key(KeyA, false);
        seat.Button(InputCodes.FirstButton, false);
        neighbour.Dispose();
        Meet(seat, keys, pointer);

        // The viewer.
        Grab(seat, viewer, keys, 3);
        seat.Key(KeyS, true);
        seat.Button(InputCodes.FirstButton, true);
        keys.Add(Key(KeyS, 1));
        mouse.Add(Key(InputCodes.FirstButton, 1));
        keys.Await();
        mouse.Await();
        viewer.Signal("KILL");
        keys.Add(Key(KeyS, 0));
        mouse.Add(Key(InputCodes.FirstButton, 0));
        keys.Await();
        mouse.Await();
        seat.Key(KeyS, false);
        seat.Button(InputCodes.FirstButton, false);
        _ = bench.StartViewer("guest");
        Meet(seat, keys, pointer);
        bench.AssertNoKernelErrors("vm");
    }

    [Fact]
    public void One_pointer_over_two_heads_is_where_it_is_on_the_guests_desktop()
    {
        using var bench = new LabBench("sway", shell: "tiled", size: $"{Width}x{Height}");
        Start(bench, ["--outputs", "2", "--size", $"{Width / 2}x{Height}", "--no-resize"], "input", "--outputs", "2");
        var screen = bench.ShootUntil(picture => HeadsOn(picture).Order().SequenceEqual(bench.Held("vm").Values.Order()));
        if (HeadsOn(screen)[0] != bench.Held("vm")[0])
        {
            bench.Tell("focus left; move right"); // which window came first is chance
            bench.ShootUntil(picture => HeadsOn(picture).SequenceEqual([bench.Held("vm")[0], bench.Held("vm")[1]]));
        }

        using var seat = new VirtualSeat(bench.Display, Width, Height);
        var heard = new HeardInput(bench.SerialLog("vm"));
        var pointer = new ExpectedInput(heard, InputKind.Pointer);
        Meet(seat, new ExpectedInput(heard, InputKind.Keyboard), pointer);

        // The heads lie side by side here as they do in the guest, so that a place of the output is the same place of the guest's desktop.
        foreach (var (x, y) in ((int, int)[])[(Width / 4, Height / 2), ((Width / 2) + 1, 20), (Width - 3, Height - 9), ((Width / 2) - 1, 30)])
        {
            seat.MoveTo(x, y);
            pointer.Add(PlaceAt(x, y));
            pointer.Await();
        }

        bench.AssertNoKernelErrors("vm");

        static uint[] HeadsOn(Picture picture) => [picture.Crop(0, 0, Width / 2, Height).Crc, picture.Crop(Width / 2, 0, Width / 2, Height).Crc];
    }

    [Fact]
    public void The_chord_works_while_a_real_guest_flips()
    {
        using var bench = new LabBench("sway", size: $"{Width}x{Height}");
        var viewer = Start(bench, [], "flip", "--frames", "0");
        using var seat = new VirtualSeat(bench.Display, Width, Height);
        GrabAndRelease(seat, viewer);
        bench.AssertNoKernelErrors("vm");
    }

    [Fact]
    public void The_chord_works_while_the_device_sends_frames_and_cursors_as_fast_as_it_can()
    {
        using var bench = new LabBench("sway", size: $"{Width}x{Height}");
        using var loop = new EventLoop();
        using var hub = new LinkHub(loop, new RecordedEvents(), "flood", new GuestStatistics(), NullLogger.Instance)
        {
            Takes = InputKinds.Keyboard | InputKinds.Pointer | InputKinds.Mouse,
        };
        using var listener = LinkListener.Open(loop, hub, bench["guest.link"], LinkListener.OwnerOnly, NullLogger.Instance);
        TestPicture[] pictures = [new(Width, Height), new(Width, Height), new(Width, Height)];
        var isOver = false;
        var frames = 0UL;
        var flood = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                var picture = pictures[frames++ % 3];
                picture.Storage.Lock();
                var frame = new GuestFrame { Storage = picture.Storage, View = picture.View, Source = picture.Whole, Damage = DamageList.Of(picture.Whole), Serial = frames };
                hub.Present(0, in frame);
                hub.MoveCursor(0, (int)(frames % Width), 5);
                loop.RunOnce(0);
            }
        });
        flood.Start();
        try
        {
            var viewer = bench.StartViewer("guest");
            using var seat = new VirtualSeat(bench.Display, Width, Height);
            GrabAndRelease(seat, viewer);
            viewer.Signal("TERM");
            Assert.True(viewer.WaitForExit(TimeSpan.FromSeconds(20)), viewer.Output);
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            flood.Join();
        }

        Assert.InRange(frames, 1000u, ulong.MaxValue);
    }

    private static void GrabAndRelease(VirtualSeat seat, LabProcess viewer)
    {
        var step = 0;
        LabBench.WaitUntil(
            () =>
            {
                seat.MoveTo(100 + (step % 2), 100);
                if (step++ % 20 == 0)
                    PressChord(seat, null); // again, until it is heard: the window and the seat's devices are new
                return viewer.Output.Contains(Grabbed, StringComparison.Ordinal);
            },
            TimeSpan.FromSeconds(40),
            "the first grab");
        for (var i = 1; i <= 10; i++)
        {
            PressChord(seat, null);
            AwaitLines(viewer, Released, i);
            PressChord(seat, null);
            AwaitLines(viewer, Grabbed, i + 1);
        }
    }

    private static LabProcess Start(LabBench bench) => Start(bench, [], "input");

    private static LabProcess Start(LabBench bench, string[] deviceOptions, string job = "input", params string[] jobOptions)
    {
        var inputs = new[] { InputKind.Keyboard, InputKind.Pointer, InputKind.Mouse }.Select(static kind => kind.ToString().ToLowerInvariant()).ToArray();
        bench.StartDeviceAlone("guest", [.. deviceOptions, .. inputs.SelectMany(name => (string[])[$"--{name}", bench[$"{name}.sock"]])]);
        var viewer = bench.StartViewer("guest");
        bench.StartGuest("vm", "guest", ["--qemu", "vmm", .. inputs.SelectMany(name => (string[])["--input", bench[$"{name}.sock"]]), "--job", job, .. jobOptions]);
        if (job == "input")
        {
            bench.WaitFor("vm", "^GS-DONE");
            if (deviceOptions.Length > 0)
                return viewer;
            bench.ShootUntil(picture => bench.Held("vm").TryGetValue(0, out var held) && picture.Crc == held);
        }
        else
        {
            bench.WaitFor("vm", "^GS-READY");
        }

        return viewer;
    }

    private static void Grab(VirtualSeat seat, LabProcess viewer, ExpectedInput keys, int count)
    {
        PressChord(seat, keys);
        AwaitLines(viewer, Grabbed, count);
    }

    // None of its keys stays pressed in the guest, and the last doesn't come there.
    private static void PressChord(VirtualSeat seat, ExpectedInput? keys)
    {
        foreach (var isPressed in (bool[])[true, false])
        {
            foreach (var key in (ushort[])[LeftCtrl, LeftAlt, KeyG])
                seat.Key(key, isPressed);
        }

        keys?.Add(Key(LeftCtrl, 1), Key(LeftAlt, 1), Key(LeftCtrl, 0), Key(LeftAlt, 0));
        keys?.Await();
    }

    private static void AwaitLines(LabProcess viewer, string text, int count) => LabBench.WaitUntil(
        () => viewer.Output.Split(text).Length - 1 >= count,
        TimeSpan.FromSeconds(20),
        $"the viewer says {count} times: {text}");

    private static bool Contains(Picture picture, params ReadOnlySpan<uint> colours)
    {
        var pixels = picture.ToPixels();
        foreach (var colour in colours)
        {
            if (Array.FindIndex(pixels, pixel => pixel == colour) < 0)
                return false;
        }

        return true;
    }

    /// <summary>Types and points until the guest hears it: a seat's new devices, and a new window, take a moment to find each other. What comes after is expected in full.</summary>
    private static void Meet(VirtualSeat seat, ExpectedInput keys, ExpectedInput pointer)
    {
        var step = 0;
        LabBench.WaitUntil(
            () =>
            {
                seat.Key(Marker, step % 2 == 0);
                seat.MoveTo(1 + (step % 2), 1 + (step % 2));
                step++;
                return step % 2 == 0 && keys.HasNews && pointer.HasNews;
            },
            TimeSpan.FromSeconds(20),
            "the guest hears of keys and places");

        // The last words of what only was to be heard at all.
        seat.Key(Marker + 1, true);
        seat.Key(Marker + 1, false);
        seat.MoveTo(5, 7);
        keys.SkipTo(Key(Marker + 1, 0));
        pointer.SkipTo(PlaceAt(5, 7)[^1]);
    }

    private static void Tap(VirtualSeat seat, ExpectedInput keys, ushort key)
    {
        seat.Key(key, true);
        seat.Key(key, false);
        keys.Add(Key(key, 1), Key(key, 0));
    }

    private static InputEvent Key(ushort code, int value) => new(InputEventType.Key, code, value);

    private static InputEvent Turn(ushort code, int value) => new(InputEventType.Relative, code, value);

    private static InputEvent[] PlaceAt(int x, int y) =>
        [new(InputEventType.Absolute, InputCodes.AbsoluteX, Scale(x, Width)), new(InputEventType.Absolute, InputCodes.AbsoluteY, Scale(y, Height))];

    private static int Scale(int at, int length) => ((at * (InputCodes.AbsoluteMax + 1)) + length - 1) / length;
}
