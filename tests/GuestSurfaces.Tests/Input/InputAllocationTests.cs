// SPDX-License-Identifier: MIT
using GuestSurfaces.Core;
using GuestSurfaces.Core.Buffers;
using GuestSurfaces.Core.Diagnostics;
using GuestSurfaces.Core.Frames;
using GuestSurfaces.Core.Input;
using GuestSurfaces.Core.Loop;
using GuestSurfaces.Core.Sessions;
using GuestSurfaces.Presentation;
using GuestSurfaces.Testing;
using GuestSurfaces.Testing.Presentation;
using GuestSurfaces.Tests.Presentation;
using GuestSurfaces.Wayland;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GuestSurfaces.Tests.Input;

/// <summary>What a user does costs no garbage on its way to the guest's devices.</summary>
public sealed class InputAllocationTests
{
    private const int Rounds = 10_000;
    private const int WarmUp = 200;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_thousand_of_a_users_doings_allocate_nothing_in_presenter_and_session(bool isGrabbed)
    {
        var clock = new VirtualClock();
        var timers = new TimerQueue(clock);
        using var compositor = new FakeCompositor(new FakeCompositorOptions { SeatVersion = 8, PointerLocks = true, ShortcutsInhibit = true, Tablets = true }, clock);
        var input = new CountedInput();
        var session = new Session(timers, new GuestStatistics(), new Limits()) { Input = input };
        using var presenter = new WaylandPresenter(
            compositor.ClientConnection, timers, new FakeDmabufSync(), session, new PresenterOptions(), session.Statistics, NullLogger.Instance)
        {
            Takes = input.Kinds,
        };
        session.Display = presenter;
        Pump();
        TestPicture[] pictures = [new(64, 48), new(32, 24)];
        for (var i = 0; i < pictures.Length; i++)
        {
            var frame = new GuestFrame { Storage = pictures[i].Storage, View = pictures[i].View, Source = pictures[i].Whole, Damage = DamageList.Of(pictures[i].Whole), Serial = 1 };
            pictures[i].Storage.Lock();
            session.Present(i, in frame);
        }

        Pump();
        var seat = compositor.Seat!;
        seat.Change(WlSeatCapability.Pointer | WlSeatCapability.Keyboard | WlSeatCapability.Touch);
        Pump();
        var window = compositor.Toplevels[1].Surface;
        seat.Focus(window);
        seat.Point(window, 1, 1);
        foreach (var key in (uint[])[29, 56, 34])
            seat.Key(key, isGrabbed);
        Pump();
        if (isGrabbed)
            compositor.Grabs.Lock!.SendLocked();
        compositor.Tablet.Plug();
        var pen = compositor.Tablet.AddTool(ZwpTabletToolV2Type.Pen, 1, ZwpTabletToolV2Capability.Pressure);
        compositor.Tablet.Near(pen, window, 1, 1);

        var allocated = 0L;
        for (var i = -WarmUp; i < Rounds; i++)
        {
            seat.Key(30, (i & 1) == 0);
            seat.Move(i & 15, 3);
            if (isGrabbed)
                compositor.Grabs.MoveBy(3, i & 7);
            seat.Button(0x110, (i & 1) == 0);
            seat.Pointer!.SendAxisValue120(WlPointerAxis.VerticalScroll, 120);
            seat.Pointer.SendFrame();
            seat.Down(window, 5, 2, 2);
            seat.Slide(5, i & 15, 9);
            seat.Up(5);
            seat.Touch!.SendFrame();
            compositor.Tablet.Move(pen, i & 15, 4);
            pen.SendPressure((uint)i & 0xff);
            pen.SendFrame(0);
            compositor.Client.Flush();

            // A collection (the fake's garbage brings some) charges the thread with what is left of its allocation buffer: such a turn tells nothing.
            var collections = GC.CollectionCount(0);
            var before = GC.GetAllocatedBytesForCurrentThread();
            presenter.Dispatch();
            var after = GC.GetAllocatedBytesForCurrentThread();
            if (i >= 0 && collections == GC.CollectionCount(0))
                allocated += after - before;
        }

        Assert.InRange(input.Frames, 4 * Rounds, int.MaxValue);
        Assert.Equal(0, allocated);
        session.Display = null;
        presenter.Dispose();
        foreach (var picture in pictures)
            picture.Dispose();

        void Pump()
        {
            for (var i = 0; i < 6; i++)
            {
                compositor.Client.Flush();
                presenter.Dispatch();
                compositor.Dispatch();
            }
        }
    }

    private sealed class CountedInput : IGuestInput
    {
        public InputKinds Kinds => InputKinds.Keyboard | InputKinds.Pointer | InputKinds.Mouse | InputKinds.Touch | InputKinds.Tablet;

        public int Frames { get; private set; }

        public void Send(InputKind kind, ReadOnlySpan<InputEvent> frame) => Frames++;

        public void Release(InputKind kind)
        {
        }
    }
}
